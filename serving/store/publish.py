"""Publishing: makes a model the next version atomically, unless it is live already."""

import contextlib
import dataclasses
import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping

from serving.errors import StoreError, StoreInputError
from serving.storage.files import COMMIT_NAME, Check, Files, Held, commit_last, join
from serving.storage.resolve import files_for
from serving.store.journal import PROMOTE, PUSH
from serving.store.layout import ROLLED_BACK_SHELF
from serving.store.manifest import (
    MANIFEST_NAME,
    OWN_FILES,
    SIGNATURE_NAME,
    Facts,
    FileEntry,
    FutureManifestError,
    Manifest,
    ManifestError,
    entry_of,
    from_json,
    model_digest,
    to_json,
)
from serving.store.records import PushResult, Version
from serving.store.signing import Signer
from serving.store.writer import Writer

GRAPH_FILES = (COMMIT_NAME, "fingerprint.pb")
"""The files of a SavedModel whose content depends on more than the model."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Candidate:
    """A model to publish.

    Attributes:
      folder, files: the location of the model.
      entries: hash and size of each file of the model, by relative path.
      records: files about the model, by their names in the version's folder.
      facts: the facts for the manifest.
      action: PUSH or PROMOTE.
      why: the reason, for the history.
      force: whether to publish a rejected model.
      origin: the number of the promoted version.
    """

    folder: str
    files: Files
    entries: Mapping[str, FileEntry]
    records: Mapping[str, "Record"]
    facts: Facts
    action: str
    why: str
    force: bool
    origin: int | None = None

    @property
    def digest(self) -> str:
        return model_digest(self.entries)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Record:
    """A file about a model: its location, hash and size."""

    path: str
    files: Files
    entry: FileEntry


def from_folder(
    folder: str, facts: Facts, *, why: str, force: bool, records: Mapping[str, str] | None = None
) -> Candidate:
    """The candidate of a SavedModel folder on a disk or an object store.

    Args:
      folder: the SavedModel.
      facts: the facts for the manifest.
      why: the reason, for the history.
      force: whether to publish a rejected model.
      records: names in the version's folder -> paths of files about the model.

    Raises:
      StoreInputError: the folder is not a SavedModel.
    """
    files = files_for(folder)
    entries = model_entries(files, folder)
    if COMMIT_NAME not in entries:
        raise StoreInputError(f"{folder} has no {COMMIT_NAME}: it is not a SavedModel, and cannot be pushed")
    return Candidate(
        folder=folder,
        files=files,
        entries=entries,
        records={name: _record(path) for name, path in (records or {}).items()},
        facts=facts,
        action=PUSH,
        why=why,
        force=force,
    )


def _record(path: str) -> Record:
    files = files_for(path)
    return Record(path=path, files=files, entry=entry_of(files.chunks(path)))


def from_version(version: Version, files: Files, *, why: str) -> Candidate:
    """The candidate of a version in the store; StoreError if its manifest cannot be read."""
    manifest = version.manifest
    if manifest is None:
        raise StoreError(str(version.problems[0]))
    return Candidate(
        folder=version.path,
        files=files,
        entries=manifest.files,
        records={
            name: Record(path=join(version.path, name), files=files, entry=entry)
            for name, entry in manifest.records.items()
        },
        facts=manifest.facts,
        action=PROMOTE,
        why=why,
        force=True,
        origin=version.number,
    )


def model_entries(files: Files, folder: str) -> dict[str, FileEntry]:
    """The sha256 and size of each file of a model, by its path relative to `folder`."""
    paths = sorted(path for path in files.tree(folder) if path not in OWN_FILES)
    return {path: entry_of(files.chunks(join(folder, path))) for path in paths}


def publish(writer: Writer, candidate: Candidate, signer: Signer | None) -> PushResult:
    """Publishes `candidate` as the next version, unless it is live, was rolled back or was overruled.

    The files are copied without the store's lock, so that a long push does not delay a rollback. The lock is
    taken to decide, and again to repeat the decision and commit by one rename.
    """
    with contextlib.ExitStack() as writing:
        with writer.locked():
            if answer := _without_publishing(writer, candidate):
                return answer
            staged = writing.enter_context(writer.staging())
        for name, record in candidate.records.items():
            chunks = _unchanged(record.files.chunks(record.path), record.entry, record.path)
            writer.files.write(join(staged, name), chunks)
        for path in commit_last(candidate.entries):
            source = join(candidate.folder, path)
            chunks = _unchanged(candidate.files.chunks(source), candidate.entries[path], source)
            writer.files.write(join(staged, path), chunks)
        with writer.locked() as held:
            return _without_publishing(writer, candidate) or _commit(writer, candidate, staged, held, signer)


def _without_publishing(writer: Writer, candidate: Candidate) -> PushResult | None:
    versions = writer.reader.versions()
    live = next((version for version in versions if version.state == "live"), None)
    if live is not None:
        _refuse_future(writer, live)
        if live.digest == candidate.digest and not writer.reader.check(live):
            reason = f"version {live.number} is live and is the same model"
            return PushResult(
                outcome="unchanged",
                version=live.number,
                path=live.path,
                digest=candidate.digest,
                reason=reason,
            )
    return None if candidate.force else _rejection(writer, candidate, versions, live)


def _rejection(
    writer: Writer, candidate: Candidate, versions: list[Version], live: Version | None
) -> PushResult | None:
    """The result for a model that a person has rejected by a rollback or a promotion; None for others."""
    digest = candidate.digest
    if bad := writer.reader.rejected(versions).get(digest) or _rolled_back_duplicate(candidate, versions):
        number, path = bad, writer.layout.shelf(ROLLED_BACK_SHELF, bad)
        what = f"was rolled back as version {number}"
    elif (overruled := _overruled(writer, digest, versions, live)) and live:
        number, path = overruled, writer.layout.version(overruled)
        what = f"was version {number}, before a person made version {live.number} live instead"
    else:
        return None
    kept = any(version.number == number for version in versions)
    way_out = (
        f"`greenlight promote {number}` makes it live nevertheless" if kept else "its files were pruned since"
    )
    reason = f"this very model {what}; {way_out}"
    return PushResult(outcome="rejected", version=number, path=path, digest=digest, reason=reason)


def _rolled_back_duplicate(candidate: Candidate, versions: list[Version]) -> int | None:
    """The number of a rolled-back version with the weights of `candidate` and the same code, or None.

    TensorFlow numbers the functions of a SavedModel by how many its process has traced before, so that a fit
    with other stages from the cache exports the same model under another digest.
    """
    duplicates = [
        version
        for version in versions
        if version.manifest is not None
        and version.manifest.facts.code_version is not None
        and version.manifest.facts.code_version == candidate.facts.code_version
        and _without_graph(version.manifest.files) == _without_graph(candidate.entries)
    ]
    newest = max(duplicates, key=lambda version: version.number, default=None)
    return newest.number if newest is not None and newest.state == "rolled-back" else None


def _without_graph(entries: Mapping[str, FileEntry]) -> dict[str, FileEntry]:
    return {path: entry for path, entry in entries.items() if path not in GRAPH_FILES}


def _overruled(writer: Writer, digest: str, versions: list[Version], live: Version | None) -> int | None:
    """The number of this model before a person promoted `live` instead; None if nobody did."""
    if live is None or live.manifest is None or live.manifest.promoted_from is None or live.digest == digest:
        return None
    return writer.reader.published_as(digest, versions)


def _refuse_future(writer: Writer, live: Version) -> None:
    """Raises StoreError if a newer Greenlight wrote the live version: pushing could undo its changes."""
    path = join(live.path, MANIFEST_NAME)
    try:
        from_json(writer.files.read(path))
    except FutureManifestError as error:
        raise StoreError(f"nothing was published: {path} {error}") from None
    except (FileNotFoundError, ManifestError):
        return


def _unchanged(chunks: Iterable[bytes], entry: FileEntry, path: str) -> Iterator[bytes]:
    """Yields the content; StoreError at its end if it has changed since `entry` was computed."""
    digest = hashlib.sha256()
    for chunk in chunks:
        digest.update(chunk)
        yield chunk
    if digest.hexdigest() != entry.sha256:
        raise StoreError(f"{path} changed while it was copied; nothing was published")


def _commit(
    writer: Writer, candidate: Candidate, staged: str, held: Held, signer: Signer | None
) -> PushResult:
    number = writer.reader.next_number()
    manifest = Manifest(
        version=number,
        created=writer.now(),
        files=dict(candidate.entries),
        records={name: record.entry for name, record in candidate.records.items()},
        facts=candidate.facts,
        promoted_from=candidate.origin,
    )
    own = {MANIFEST_NAME: to_json(manifest)}
    writer.files.write(join(staged, MANIFEST_NAME), [own[MANIFEST_NAME]])
    if signer is not None:
        with writer.files.local_copy(staged) as folder:
            own[SIGNATURE_NAME] = signer.sign(folder)
        writer.files.write(join(staged, SIGNATURE_NAME), [own[SIGNATURE_NAME]])
    event = writer.event(
        candidate.action,
        number,
        digest=candidate.digest,
        why=candidate.why,
        run_id=candidate.facts.run_id,
        origin=candidate.origin,
    )
    path = writer.layout.version(number)
    with writer.recorded(event):
        held.confirm()
        writer.files.move(staged, path, check=_read_back(manifest, own, held, path))
    reason = f"version {number} is live"
    return PushResult(outcome="pushed", version=number, path=path, digest=candidate.digest, reason=reason)


def _read_back(manifest: Manifest, own: Mapping[str, bytes], held: Held, path: str) -> Check:
    """What compares the copied files of a version with what was to be published, just before it is.

    Args:
      manifest: the version's.
      own: the files beside the model and its records, with their content.
      held: the lock, which has to last until the version is published.
      path: the version's folder.
    """
    expected = {
        **manifest.files,
        **manifest.records,
        **{name: entry_of([data]) for name, data in own.items()},
    }

    def check(read: Callable[[str], Iterator[bytes]]) -> None:
        for name, entry in sorted(expected.items()):
            if entry_of(read(name)) != entry:
                raise StoreError(
                    f"{join(path, name)} is not what was written; nothing was published. Try again."
                )
        held.confirm()

    return check
