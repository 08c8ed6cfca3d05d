"""The reader of a version store. It takes no lock, because each change is one rename or one last file."""

import contextlib
import dataclasses
from collections.abc import Callable, Iterable

from serving.errors import StoreError
from serving.storage.files import COMMIT_NAME, Files, join
from serving.store.journal import DONE, PUBLISHING, ROLLBACK, SET_ASIDE, Event, Journal
from serving.store.layout import ROLLED_BACK_SHELF, SET_ASIDE_SHELF, Layout, highest, numbers
from serving.store.manifest import (
    MANIFEST_NAME,
    SIGNATURE_NAME,
    FileEntry,
    Manifest,
    ManifestError,
    entry_of,
    from_json,
)
from serving.store.records import Problem, State, Version
from serving.store.signing import Verifier

ATTEMPTS = 20
"""How often a read is repeated because a writer moved a folder during it."""


class Reader:
    """The state of the store at `layout`, as of each call."""

    def __init__(self, files: Files, layout: Layout, verifier: Verifier | None = None) -> None:
        self._files = files
        self._layout = layout
        self._verifier = verifier
        self._journal = Journal(files, layout.journal)

    def is_there(self, number: int) -> bool:
        """Whether the numbered folder contains the file that makes it a version."""
        return self._files.exists(join(self._layout.version(number), COMMIT_NAME))

    def published(self) -> list[int]:
        """The numbered folders that are versions, largest number first; no file is read."""
        return [number for number in numbers(self._files.folders(self._layout.root)) if self.is_there(number)]

    def versions(self) -> list[Version]:
        """All versions on the disk, largest number first."""
        return _with_previous(self._looked_at(lambda number: True))

    def find(self, number: int) -> Version | None:
        """The version with that number in any folder; only `versions` sets the state `previous`."""
        return next(iter(self._looked_at(lambda found: found == number)), None)

    def _looked_at(self, wanted: Callable[[int], bool]) -> list[Version]:
        """A consistent snapshot of the wanted versions: repeated if a folder moved meanwhile."""
        for _ in range(ATTEMPTS):
            before = self._folders()
            events = self._journal.events()
            with contextlib.suppress(FileNotFoundError):
                found = [self._look(*place, events) for place in before if wanted(place[0])]
                if before == self._folders():
                    return found
        raise StoreError(f"{self._layout.root} changes faster than it can be read. Try again.")

    def _look(self, number: int, path: str, state: State, events: list[Event]) -> Version:
        """A version, without reading the content of its files."""
        manifest, problems = self._manifest(number, path)
        if manifest:
            problems += _misfits(number, manifest, self._files.tree(path))
        told = [event for event in events if event.version == number]
        digest = manifest.model_digest if manifest else _first(event.digest for event in told)
        why = _first(event.why for event in reversed(told) if event.action in (ROLLBACK, SET_ASIDE)) or ""
        return Version(
            number=number,
            state=state,
            path=path,
            digest=digest,
            manifest=manifest,
            problems=tuple(problems),
            why="" if state in ("live", "older") else why,
        )

    def verify(self, number: int) -> list[Problem]:
        """All mismatches of a version, including the content of its files and the signature."""
        version = self.find(number)
        for _ in range(ATTEMPTS):
            if version is None:
                return [Problem(version=number, file=".", what="is not in the store")]
            with contextlib.suppress(FileNotFoundError):
                problems = self.check(version)
                if not problems or version == self.find(number):
                    return problems
            version = self.find(number)
        raise StoreError(f"version {number} was moved again and again while it was verified. Try again.")

    def check(self, version: Version) -> list[Problem]:
        """`version.problems`, and those of the content of its files; FileNotFoundError if it moves."""
        problems = list(version.problems)
        known_bad = {problem.file for problem in problems}
        for path, entry in sorted(_listed(version.manifest).items()) if version.manifest else []:
            if path not in known_bad and entry_of(self._files.chunks(join(version.path, path))) != entry:
                what = "was changed: its sha256 is not the manifest's"
                problems.append(Problem(version=version.number, file=path, what=what))
        if self._verifier is not None:
            with self._files.local_copy(version.path) as folder:
                bad = self._verifier.problem(folder)
            if bad:
                problems.append(Problem(version=version.number, file=SIGNATURE_NAME, what=bad))
        return problems

    def rejected(self, versions: list[Version]) -> dict[str, int]:
        """Digest -> number of the models whose newest version was rolled back.

        A model that is pushed as 1, rolled back, and promoted as 2 is not rejected; when 2 is rolled back as
        well, it is rejected as 2. The journal also has versions whose files were pruned. For a version on the
        disk, its folder decides, because events can be missing from the journal after a full disk.
        """
        rolled_back: dict[tuple[str, int], bool] = {}
        for event in self._journal.events():
            if event.digest and event.stage == DONE and event.action in (*PUBLISHING, ROLLBACK):
                rolled_back[event.digest, event.version] = event.action == ROLLBACK
        for version in versions:
            if version.digest:
                rolled_back[version.digest, version.number] = version.state == "rolled-back"
        newest = dict(sorted(rolled_back))  # the largest number of each digest comes last
        return {digest: number for digest, number in newest.items() if rolled_back[digest, number]}

    def published_as(self, digest: str, versions: list[Version]) -> int | None:
        """The largest number that this model ever had, even if its files are gone; None if it had none."""
        told = {
            event.version
            for event in self._journal.events()
            if event.digest == digest and event.stage == DONE and event.action in PUBLISHING
        }
        return max(told | {version.number for version in versions if version.digest == digest}, default=None)

    def next_number(self) -> int:
        """One more than the largest number ever used, including pruned and rolled-back versions."""
        places = [
            self._layout.root,
            self._layout.shelf(ROLLED_BACK_SHELF),
            self._layout.shelf(SET_ASIDE_SHELF),
        ]
        used = [highest(self._files.folders(place)) for place in places]
        return max([*used, *(event.version for event in self._journal.events())]) + 1

    def losses(self) -> int:
        """A count that grows whenever a pushed version was removed, lost or damaged."""
        events = [event for event in self._journal.events() if event.stage == DONE]
        left = {(event.action, event.version) for event in events if event.action not in PUBLISHING}
        pushed = {event.version for event in events if event.action in PUBLISHING}
        found = self.versions()
        missing = pushed - {number for _, number in left} - {version.number for version in found}
        damaged = [version for version in found if version.published and version.problems]
        return len(left) + len(missing) + len(damaged)

    def _folders(self) -> list[tuple[int, str, State]]:
        places: list[tuple[int, str, State]] = []
        live: int | None = None
        for number in numbers(self._files.folders(self._layout.root)):
            there = self.is_there(number)
            state: State = "incomplete" if not there else "older" if live else "live"
            live = live or (number if there else None)
            places.append((number, self._layout.version(number), state))
        for shelf, kept in ((ROLLED_BACK_SHELF, "rolled-back"), (SET_ASIDE_SHELF, "set-aside")):
            for number in numbers(self._files.folders(self._layout.shelf(shelf))):
                places.append((number, self._layout.shelf(shelf, number), kept))  # type: ignore[arg-type]
        return sorted(places, key=lambda place: -place[0])

    def _manifest(self, number: int, path: str) -> tuple[Manifest | None, list[Problem]]:
        try:
            return from_json(self._files.read(join(path, MANIFEST_NAME))), []
        except FileNotFoundError:
            what = "is missing: this version was not pushed by Greenlight, or lost the file since"
        except ManifestError as error:
            what = str(error)
        return None, [Problem(version=number, file=MANIFEST_NAME, what=what)]


def _listed(manifest: Manifest) -> dict[str, FileEntry]:
    """The files that the manifest lists: those of the model and its records."""
    return {**manifest.files, **manifest.records}


def _misfits(number: int, manifest: Manifest, sizes: dict[str, int]) -> list[Problem]:
    found: list[tuple[str, str]] = []
    if manifest.version != number:
        found.append((MANIFEST_NAME, f"is that of version {manifest.version}"))
    listed = _listed(manifest)
    for path, entry in sorted(listed.items()):
        if path not in sizes:
            found.append((path, "is missing"))
        elif sizes[path] != entry.size:
            kind = "was truncated" if sizes[path] < entry.size else "has grown"
            found.append((path, f"{kind}: {sizes[path]} bytes, {entry.size} in the manifest"))
    for path in sorted(set(sizes) - set(listed) - {MANIFEST_NAME, SIGNATURE_NAME}):
        found.append((path, "is not in the manifest"))
    return [Problem(version=number, file=path, what=what) for path, what in found]


def _with_previous(versions: list[Version]) -> list[Version]:
    """Sets the state `previous` of the version that a rollback would restore."""
    live = next((version for version in versions if version.state == "live"), None)
    for index, version in enumerate(versions):
        same_model = live is not None and version.digest == live.digest
        if version.state == "older" and not version.problems and not same_model:
            return [*versions[:index], dataclasses.replace(version, state="previous"), *versions[index + 1 :]]
    return versions


def _first(values: Iterable[str | None]) -> str | None:
    return next((value for value in values if value), None)
