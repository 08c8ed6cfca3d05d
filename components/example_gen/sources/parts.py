"""The parts of a source that Beam workers read, and their fingerprint.

A source is chosen by `DataSettings.source`; each has a file of its own: packaged, files, prepared (TFDS).
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from components.example_gen.settings import DataSettings
from components.example_gen.sources import file_fingerprints, file_lookup, packaged, prepared
from components.example_gen.sources.files import FilePart
from components.example_gen.sources.packaged import PackagedPart
from components.example_gen.sources.prepared import TfdsPart
from components.example_gen.sources.spans import Span
from components.example_gen.span_pattern import BASE

Part = PackagedPart | TfdsPart | FilePart
"""What one worker reads from its first row to its last; travels to the worker pickled. Each has

- `name`: how messages call it: a package, a dataset, a path;
- `split`: the split that all its rows go to, or None to share them out by their text;
- `span`: the number of the span that its rows come with, or BASE;
- `rows()`: its rows; raises InputError if it cannot be read to the end;
- `held_out()`: texts of another part whose split is fixed; rows with these texts are excluded.
"""


def parts(settings: DataSettings, spans: Sequence[Span] = ()) -> list[Part]:
    """The parts of the source, in an order that depends on their names alone.

    Args:
      spans: of a source with spans, those to read: what `spans.chosen(settings)` found.

    Raises:
      InputError: the source is not there: no file matches, or TFDS has nothing prepared and cannot download.
    """
    if settings.kind == "packaged":
        return [PackagedPart()]
    if settings.kind == "tfds":
        prepared.prepare(settings.tfds_data_dir)
        if not settings.test_weight:
            return [TfdsPart(settings.tfds_data_dir, "train", split=None)]
        return [
            TfdsPart(settings.tfds_data_dir, "train", split=None, unlike="test"),
            TfdsPart(settings.tfds_data_dir, "test", split="test"),
        ]
    columns, dialect = settings.columns, settings.dialect
    if not settings.has_spans:
        return [FilePart(path, columns, dialect) for path in file_lookup.matching_paths(settings.pattern)]
    base = [PackagedPart()] if settings.with_base else []
    paths = [(path, span.number) for span in spans for path in span.paths]
    return [*base, *(FilePart(path, columns, dialect, span=number) for path, number in paths)]


def fingerprint(settings: DataSettings, spans: Sequence[Span] = ()) -> str:
    """Names the content that the source has now: the same bytes elsewhere, or touched, have the same
    fingerprint. Of a span its number counts too, for it stands in the examples.

    Raises:
      InputError: as `parts`.
    """
    paths = [path for span in spans for path in span.paths]
    if settings.kind not in ("packaged", "tfds") and not settings.has_spans:
        paths = file_lookup.matching_paths(settings.pattern)
    return fingerprint_of(settings, spans, {path: file_fingerprints.file_fingerprint(path) for path in paths})


def fingerprint_of(settings: DataSettings, spans: Sequence[Span], read: Mapping[str, str]) -> str:
    """The fingerprint of what was read.

    Args:
      spans: those that were read.
      read: the fingerprint of each file by its path, as its reader found it.

    Raises:
      InputError: as `parts`.
    """
    if settings.kind == "packaged":
        # The reader accepts no other bytes than these.
        return f"packaged:{packaged.SHA256}"
    if settings.kind == "tfds":
        return f"tfds:{prepared.content_fingerprint(prepared.prepare(settings.tfds_data_dir))}"
    if not settings.has_spans:
        return f"files:{file_fingerprints.combined(read.values())}"
    base = [f"{BASE} {packaged.SHA256}"] if settings.with_base else []
    own = [f"{content['span']} {content['fingerprint']}" for content in contents(spans, read)]
    digest = hashlib.sha256("\n".join([*base, *own]).encode()).hexdigest()
    return f"spans:{digest}"


def contents(spans: Sequence[Span], read: Mapping[str, str]) -> list[dict[str, Any]]:
    """For the record: number, version and fingerprint of each span that was read.

    Args:
      read: as in `fingerprint_of`.
    """
    return [
        {
            "span": span.number,
            "version": span.version,
            "fingerprint": file_fingerprints.combined(read[path] for path in span.paths),
        }
        for span in spans
    ]


def state(settings: DataSettings) -> object:
    """Of a source whose reader cannot hash what it reads: another one whenever its files were written to.

    Raises:
      InputError: as `parts`.
    """
    return prepared.state(prepared.prepare(settings.tfds_data_dir)) if settings.kind == "tfds" else None
