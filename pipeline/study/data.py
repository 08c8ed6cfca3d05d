"""The splits of a source, as TextExampleGen makes them, without a pipeline."""

from __future__ import annotations

import dataclasses
import heapq
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import apache_beam as beam
import tensorflow as tf

from components.errors import InputError
from components.example_gen.beam_steps import Row, duplicates_among, limit_order, read_part
from components.example_gen.duplicate_steps.span_copies import removed, without_span_duplicates
from components.example_gen.duplicate_steps.split_groups import grouped_row, reassigned
from components.example_gen.duplicates.groups import group_splits
from components.example_gen.reading import Reading, merged
from components.example_gen.reading_limits import require_usable
from components.example_gen.settings import GROUPED_SOURCES, KEEP_TOGETHER, DataSettings
from components.example_gen.sources import parts as sources
from components.example_gen.sources import spans


@dataclasses.dataclass(frozen=True)
class SplitFile:
    """A GZIP TFRecord of `reviews` examples."""

    path: str
    reviews: int


@dataclasses.dataclass(frozen=True)
class Splits:
    """The files of the splits by their names, and what became of the rows of the source."""

    files: Mapping[str, SplitFile]
    account: Mapping[str, Any]
    """See `Reading.account`."""


@dataclasses.dataclass(frozen=True)
class Reviews:
    """The rows of the splits by their names, in the order of their digests; `account` as in `Splits`."""

    splits: Mapping[str, Sequence[Row]]
    account: Mapping[str, Any]


def write_splits(settings: DataSettings, folder: Path) -> Splits:
    """Writes each split of the source into `folder`, the examples in the order of their digests.

    Args:
      settings: see `read_reviews`.
      folder: for the files.

    Raises:
      InputError, DataStopped: as `read_reviews`.
    """
    reviews = read_reviews(settings)
    files = {split: write(folder / f"{split}.gz", rows) for split, rows in reviews.splits.items()}
    return Splits(files, reviews.account)


def read_reviews(settings: DataSettings) -> Reviews:
    """The splits of the source in memory.

    Args:
      settings: with a `source` that names the location of the spans, not `spans`.

    Raises:
      InputError: the source does not exist or is empty.
      DataStopped: too many of its rows cannot be used.
    """
    by_split: dict[str, list[Row]] = {}
    rows, account = _rows(settings)
    for row in sorted(rows):
        by_split.setdefault(row.split, []).append(row)
    return Reviews(by_split, account.account())


def require_splits(found: Collection[str], *needed: str) -> None:
    """Raises InputError where one of the splits `needed` is not in `found`: it has no examples."""
    if missing := [split for split in needed if split not in found]:
        shares = ", ".join(f"data.{split}_weight" for split in needed)
        raise InputError(
            f"The study needs examples in {_and(needed)}; there is none in {_and(missing)}. "
            f"Give more data, or a larger share ({shares})."
        )


def write(path: Path, rows: Sequence[Row]) -> SplitFile:
    """Writes examples as GZIP TFRecord."""
    # The file is read twice and then deleted, so the fastest compression is best.
    options = tf.io.TFRecordOptions(compression_type="GZIP", compression_level=1)
    with tf.io.TFRecordWriter(str(path), options) as writer:
        for row in rows:
            writer.write(row.example)
    return SplitFile(str(path), len(rows))


def _and(words: Sequence[str]) -> str:
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last


def _rows(settings: DataSettings) -> tuple[list[Row], Reading]:
    """All rows in memory, from ExampleGen's reading step, called directly as a generator."""
    chosen = spans.chosen(settings)
    limit = None if chosen else settings.limit
    step = read_part(settings, limit=limit)
    rows: list[Row] = []
    readings = []
    for part in sources.parts(settings, chosen):
        for found in step.process(part):
            if isinstance(found, beam.pvalue.TaggedOutput):
                readings.append(found.value)
            else:
                rows += found
    require_usable(merged(readings), max_bad_share=settings.max_bad_share, names=settings.class_names)
    if chosen:
        before, rows = len(rows), without_span_duplicates(rows)
        readings.append(removed(before - len(rows)))
    if settings.kind in GROUPED_SOURCES:
        made = group_splits(map(grouped_row, rows), near_together=settings.near_duplicates == KEEP_TOGETHER)
        rows = reassigned(rows, made)
    if settings.limit is not None:
        rows = heapq.nsmallest(settings.limit, rows, key=limit_order)
    readings.append(duplicates_among(row.digest for row in rows))
    return rows, dataclasses.replace(merged(readings), limit=settings.limit)
