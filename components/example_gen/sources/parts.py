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
"""A part is read by one worker, which gets it pickled. It has

- `name`: its name in messages: a package, a dataset, a path;
- `split`: the split of all its rows; None to assign them by their text;
- `span`: the number of the span of its rows, or BASE;
- `rows()`: its rows; raises InputError if it cannot be read completely;
- `held_out()`: texts of another part with a fixed split; rows with these texts are excluded.
"""


def parts(settings: DataSettings, spans: Sequence[Span] = ()) -> list[Part]:
    """The parts of the source, in an order that depends only on their names.

    Args:
      spans: the spans to read, from `spans.chosen(settings)`, if the source has spans.

    Raises:
      InputError: no file matches, or TFDS has no prepared data and cannot download it.
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
    """The fingerprint of the source's current content; copied or touched files keep it.

    The numbers of spans are part of it, because the examples contain them.

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
      spans: the spans that were read.
      read: path -> fingerprint of each file, from its reader.

    Raises:
      InputError: as `parts`.
    """
    if settings.kind == "packaged":
        # The reader accepts only these bytes.
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
    """The number, version and fingerprint of each span that was read.

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
    """The state of a source whose reader cannot hash what it reads; it changes whenever a file is written.

    Raises:
      InputError: as `parts`.
    """
    return prepared.state(prepared.prepare(settings.tfds_data_dir)) if settings.kind == "tfds" else None
