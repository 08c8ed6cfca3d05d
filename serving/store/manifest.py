"""The manifest of a version: its facts and file hashes, written once."""

import dataclasses
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

MANIFEST_NAME = "greenlight.manifest.json"
SIGNATURE_NAME = "model.sig"
REVIEWS_NAME = "greenlight.reviews.parquet"
"""The record of the examples that a model was fitted on and selected with; servers do not read it."""
FORMAT = 1

OWN_FILES = frozenset({MANIFEST_NAME, SIGNATURE_NAME, REVIEWS_NAME})
"""Files of a version's folder that are not part of the model."""


class ManifestError(Exception):
    """A manifest cannot be used; the message is a predicate to follow the file's name."""


class FutureManifestError(ManifestError):
    """A manifest of a newer format."""


@dataclasses.dataclass(frozen=True)
class FileEntry:
    """One file of the model: the hex sha256 and the size in bytes of its content."""

    sha256: str
    size: int


def entry_of(chunks: Iterable[bytes]) -> FileEntry:
    """The sha256 and size of a file's content."""
    digest, size = hashlib.sha256(), 0
    for chunk in chunks:
        digest.update(chunk)
        size += len(chunk)
    return FileEntry(sha256=digest.hexdigest(), size=size)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Facts:
    """The facts about a model when it is pushed; all values are JSON values.

    Attributes:
      metrics: the metrics of the Evaluator.
      verdict: the gate's verdict, or "approved".
      conditions: the gate's conditions.
      approval: who promoted a refused model, when, why, and the waived conditions; None for others.
      run_id: the run that trained it.
      data_fingerprint: the fingerprint of its training data.
      data: the settings of that data (`settings`) and its spans (`spans`).
      fitted_on: the splits of that data that its weights were fitted on; empty if unknown.
      threshold: the probability from which on it labels positive, of two classes.
      code_version: the fingerprint of the code that trained it.
      greenlight_version: the version of Greenlight.
      signatures: the inputs and outputs of each signature.
    """

    metrics: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    verdict: str | None = None
    conditions: tuple[Mapping[str, Any], ...] = ()
    approval: Mapping[str, Any] | None = None
    run_id: str | None = None
    data_fingerprint: str | None = None
    data: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    fitted_on: Sequence[str] = ()
    threshold: float = 0.5
    code_version: str | None = None
    greenlight_version: str | None = None
    signatures: Mapping[str, Any] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Manifest:
    """A version's number, files and facts.

    `created` is UTC in ISO 8601; `promoted_from` names the version that this one is a copy of. `records` are
    files beside the model that say something about it: listed and verified like the model's own `files`, but
    no part of its digest.
    """

    version: int
    created: str
    files: Mapping[str, FileEntry]
    records: Mapping[str, FileEntry] = dataclasses.field(default_factory=dict)
    facts: Facts = Facts()
    promoted_from: int | None = None

    @property
    def model_digest(self) -> str:
        """The digest of the model's content: equal for equal files, whatever their version or times."""
        return model_digest(self.files)


def model_digest(files: Mapping[str, FileEntry]) -> str:
    """`sha256:` and the sha256 of what `sha256sum` prints for the files in byte order of their paths."""
    whole = hashlib.sha256()
    for path in sorted(files, key=str.encode):
        whole.update(f"{files[path].sha256}  {path}\n".encode())
    return f"sha256:{whole.hexdigest()}"


def to_json(manifest: Manifest) -> bytes:
    """The manifest as it is written; raises TypeError or ValueError for facts that JSON cannot hold."""
    record = {
        "format": FORMAT,
        "version": manifest.version,
        "created": manifest.created,
        "model_digest": manifest.model_digest,
        "promoted_from": manifest.promoted_from,
        **dataclasses.asdict(manifest.facts),
        "files": _listed(manifest.files),
        "records": _listed(manifest.records),
    }
    return json.dumps(record, indent=1, allow_nan=False).encode() + b"\n"


def _listed(files: Mapping[str, FileEntry]) -> dict[str, dict[str, Any]]:
    return {path: dataclasses.asdict(files[path]) for path in sorted(files)}


def from_json(data: bytes) -> Manifest:
    """The manifest in `data`; raises ManifestError for one torn, from the future, or at odds with itself."""
    try:
        record = json.loads(data)
    except ValueError:
        raise ManifestError("is not valid JSON") from None
    if not isinstance(record, dict) or not isinstance(record.get("format"), int):
        raise ManifestError("has no format number")
    if record["format"] > FORMAT:
        raise FutureManifestError(
            f"has format {record['format']}, and this Greenlight reads formats up to {FORMAT}:"
            " update Greenlight"
        )
    try:
        manifest = _read(record)
    except (KeyError, TypeError, ValueError) as error:
        raise ManifestError(f"lacks a field or holds a wrong one ({error})") from None
    if record.get("model_digest") != manifest.model_digest:
        raise ManifestError("lists files that do not add up to its own model digest")
    return manifest


def _read(record: dict[str, Any]) -> Manifest:
    known = {field.name: record[field.name] for field in dataclasses.fields(Facts) if field.name in record}
    known |= {name: tuple(known.get(name, ())) for name in ("conditions", "fitted_on")}
    origin = record.get("promoted_from")
    return Manifest(
        version=int(record["version"]),
        created=str(record["created"]),
        files=_entries(record["files"]),
        records=_entries(record.get("records", {})),
        facts=Facts(**known),
        promoted_from=None if origin is None else int(origin),
    )


def _entries(record: dict[str, Any]) -> dict[str, FileEntry]:
    return {
        _inside(path): FileEntry(sha256=str(entry["sha256"]), size=int(entry["size"]))
        for path, entry in record.items()
    }


def _inside(path: str) -> str:
    """Refuse a path that would lead out of the version's folder."""
    if not path or path.startswith("/") or "\\" in path or ".." in path.split("/"):
        raise ValueError(f"file path {path!r}")
    return path
