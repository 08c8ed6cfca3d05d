"""Beam transforms from the parts of a source to batches of serialized tf.Examples per split.

Rows travel in batches: Beam's cost is per element, and an element of one example costs more than its
conversion. A part is read in order by one worker, and without a `limit` nothing that shuffles stands between
reading and writing, so the examples stream through.
"""

import dataclasses
import heapq
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import apache_beam as beam
from apache_beam.io.filesystems import FileSystems

from components.errors import InputError, carried, machine_fault_of
from components.example_gen import splits
from components.example_gen.duplicates.sketches import sketch
from components.example_gen.formats.labels import CLASS_NAMES
from components.example_gen.formats.rows import Review
from components.example_gen.reading import Reading, merged, usable
from components.example_gen.settings import GROUPED_SOURCES, DataSettings
from components.example_gen.sources.content import Content
from components.example_gen.sources.file_fingerprints import with_format
from components.example_gen.sources.files import FilePart
from components.example_gen.sources.packaged import PackagedPart
from components.example_gen.sources.parts import Part
from components.example_gen.splits import Splitter
from components.reviews import canonical, canonical_key, count_words, text_key, to_example


class Row(NamedTuple):
    """An example with its digest and serialized example."""

    digest: bytes
    """The digest of the normalized text; see `splits.digest`."""
    split: str
    example: bytes
    """Serialized tf.Example; empty where only the duplicates are looked for."""
    span: int
    key: bytes = b""
    """The `reviews.text_key`; empty for sources with fixed splits."""
    fixed: bool = False
    """Whether duplicates must not change the split."""
    sketch: bytes = b""
    """See `duplicates.sketches`; empty for short texts, and if near-duplicates do not matter."""


READING = "reading"
_BATCH = 512
_SHARD_BITS = 4
"""2**4 shards: a 16th of the digests must fit into a worker's memory."""
_WINDOW_BYTES = 64 * 2**20
"""The memory of the rows that are shuffled at once."""
_BARE_ROW_BYTES = 500
"""The memory of a row without its example."""


@beam.typehints.with_output_types(list[Row])
class ReadPart(beam.DoFn):
    """Reads a part. Main output: batches of rows; output READING: one Reading per part.

    Rows are shuffled by sorting them by digest, all of them or 64 MB at a time: sources are often sorted by
    class, and the order of digests is independent of everything else and the same in every run.
    """

    def __init__(
        self,
        *,
        splitter: Splitter,
        salt: str,
        limit: int | None,
        names: tuple[str, ...] = CLASS_NAMES,
        slice_columns: tuple[str, ...] = (),
        with_keys: bool = False,
        with_sketches: bool = False,
        with_examples: bool = True,
    ):
        self._splitter = splitter
        self._salt = salt
        self._limit = limit
        self._names = names
        self._slice_columns = slice_columns
        self._with_keys = with_keys
        self._with_sketches = with_sketches
        self._with_examples = with_examples

    def process(self, part: Part) -> Iterator[list[Row] | beam.pvalue.TaggedOutput]:
        reading = Reading()
        rows: Iterable[Row] = self._rows(part, reading)
        with carried():
            try:
                if self._limit is not None:
                    rows = heapq.nsmallest(self._limit, rows, key=limit_order)
                for window in windows(rows):
                    yield from shuffled_batches(window)
            except InputError as error:
                if machine_fault_of(error):
                    raise
                reading.failures.append(str(error))
        yield beam.pvalue.TaggedOutput(READING, reading)

    def _rows(self, part: Part, reading: Reading) -> Iterator[Row]:
        held_out = self._held_out(part)
        content = Content()
        # The other sources compare what they read with a hash of their own.
        rows = part.rows(content) if isinstance(part, FilePart) else part.rows()
        for review, normalized in usable(rows, name=part.name, reading=reading, names=self._names):
            if held_out and text_key(review.text) in held_out:
                reading.set_aside += 1
                continue
            digested = self._digest(normalized)
            reading.taken += 1
            split = part.split or self._splitter.split_of(digested)
            example = self._example(part, review, normalized) if self._with_examples else b""
            yield Row(digested, split, example, part.span, **self._duplicate_fields(part, review.text))
        if content.digest:
            reading.contents[part.name] = with_format(part.name, content.digest)

    def _example(self, part: Part, review: Review, normalized: str) -> bytes:
        # The packaged reviews have no slice columns.
        slices = review.slices or [(name, "") for name in self._slice_columns]
        words = count_words(normalized)
        example = to_example(review.text, review.label, words=words, span=part.span, slices=slices)
        # Otherwise the order of an example's features differs between processes.
        return example.SerializeToString(deterministic=True)

    def _duplicate_fields(self, part: Part, text: str) -> dict[str, Any]:
        """The fields of a Row by which its duplicates are found."""
        if not self._with_keys:
            return {}
        same = canonical(text)
        return {
            "key": canonical_key(same),
            "fixed": part.split is not None or isinstance(part, PackagedPart),
            "sketch": sketch(same) if self._with_sketches else b"",
        }

    def _held_out(self, part: Part) -> set[bytes]:
        """The keys of held-out texts, whose rows are excluded."""
        return {text_key(text) for text in part.held_out()}

    def _digest(self, normalized: str) -> bytes:
        return splits.digest(normalized, salt=self._salt)


def read_part(
    settings: DataSettings, *, limit: int | None, with_sketches: bool = True, with_examples: bool = True
) -> ReadPart:
    """The step that reads the parts of these settings; without sketches or examples for less memory."""
    with_keys = settings.kind in GROUPED_SOURCES
    return ReadPart(
        splitter=splits.splitter(settings),
        salt=settings.split_salt,
        limit=limit,
        names=settings.class_names,
        slice_columns=settings.slice_columns,
        with_keys=with_keys,
        with_sketches=with_sketches and with_keys and settings.near_duplicates != "off",
        with_examples=with_examples,
    )


@beam.typehints.with_output_types(list[bytes])
class GroupBySplit(beam.DoFn):
    """Converts batches of rows to batches of serialized examples, one output per split."""

    def process(self, batch: list[Row]) -> Iterator[beam.pvalue.TaggedOutput]:
        by_split: dict[str, list[bytes]] = defaultdict(list)
        for row in batch:
            by_split[row.split].append(row.example)
        for split, examples in by_split.items():
            yield beam.pvalue.TaggedOutput(split, examples)


@beam.ptransform_fn
def TakeLimit(batches: beam.PCollection, *, limit: int) -> beam.PCollection:
    """Takes the first `limit` rows in `limit_order`, independent of parts and their order."""
    return (
        batches
        | "Unbatch" >> beam.FlatMap(lambda batch: batch)
        | "Smallest" >> beam.combiners.Top.Of(limit, key=limit_order, reverse=True)
        | "Batch" >> beam.FlatMap(shuffled_batches)
    )


@beam.ptransform_fn
def CountDuplicates(batches: beam.PCollection) -> beam.PCollection:
    """Counts rows whose text another row has, too: one Reading per shard of the digests."""
    shards = batches | "Digests" >> beam.ParDo(_DigestsByShard()) | "Gather" >> beam.GroupByKey()
    return shards | "Count" >> beam.Map(_duplicates)


@beam.typehints.with_output_types(tuple[int, list[bytes]])
class _DigestsByShard(beam.DoFn):
    def process(self, batch: list[Row]) -> Iterable[tuple[int, list[bytes]]]:
        shards: dict[int, list[bytes]] = defaultdict(list)
        for row in batch:
            shards[row.digest[-1] >> (8 - _SHARD_BITS)].append(row.digest)
        return shards.items()


def _duplicates(shard: tuple[int, Iterable[list[bytes]]]) -> Reading:
    return duplicates_among(digest for digests in shard[1] for digest in digests)


def duplicates_among(digests: Iterable[bytes]) -> Reading:
    """The number of rows whose text another of these rows has, too."""
    rows, distinct = 0, set[bytes]()
    for digest in digests:
        rows += 1
        distinct.add(digest)
    return Reading(duplicates=rows - len(distinct))


@beam.ptransform_fn
def WriteReading(readings: beam.PCollection, *, path: str, limit: int | None = None) -> beam.PCollection:
    """Writes the merged Readings of the parts as one JSON file. `limit`: `data.limit`."""
    return (
        readings
        | "Merge" >> beam.CombineGlobally(merged)
        | "Write" >> beam.Map(_write_json, path=path, limit=limit)
    )


def limit_order(row: Row) -> tuple[bytes, bytes]:
    """The order in which `limit` takes rows."""
    return splits.rank(row.digest), row.example


def windows(rows: Iterable[Row]) -> Iterator[list[Row]]:
    """Consecutive rows, as many as fit into the memory for shuffling."""
    window: list[Row] = []
    size = 0
    for row in rows:
        window.append(row)
        size += len(row.example) or _BARE_ROW_BYTES
        if size >= _WINDOW_BYTES:
            yield window
            window, size = [], 0
    if window:
        yield window


def shuffled_batches(rows: Iterable[Row]) -> Iterator[list[Row]]:
    """The rows, sorted by digest, in batches."""
    shuffled = sorted(rows)
    for start in range(0, len(shuffled), _BATCH):
        yield shuffled[start : start + _BATCH]


def _write_json(reading: Reading, *, path: str, limit: int | None) -> None:
    reading = dataclasses.replace(reading, limit=limit)
    with FileSystems.create(path) as file:
        file.write(reading.to_json().encode())
