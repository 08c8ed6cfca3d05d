"""The Beam steps that give duplicates and near-duplicates one split; see `duplicates.groups`.

No worker holds all rows. Rows are gathered by the first byte of their text's key, and hashes of their
sketches' bands by the band and a part of the hash; only texts that share a band with another text come
together on one worker. They are few, unless the texts are made from a template.
"""

import itertools
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

import apache_beam as beam
import numpy as np

from components.example_gen import splits
from components.example_gen.beam_steps import Row
from components.example_gen.duplicates.clusters import bands, candidates
from components.example_gen.duplicates.groups import (
    TEXTS,
    GroupedRow,
    GroupSplits,
    Text,
    counted,
    group_copies,
    group_near_duplicates,
    merged,
    texts_of,
)

_COMPARED, _NEAR, _ROWS = "compared", "near", "rows"  # tags of ten characters or more have other types
_BAND_SHARD_BITS = 4
"""2**4 shards of each of the 16 bands: 16 bytes of a 16th of the texts must fit into a worker's memory."""


@beam.ptransform_fn
def PlanGroups(batches: beam.PCollection, *, near_together: bool) -> beam.PCollection:
    """One GroupSplits of all rows, which come in batches.

    near_together: see `group_near_duplicates`.
    """
    candidate_ids = (
        batches
        | "Bands" >> beam.ParDo(_Bands())
        | "SameBand" >> beam.GroupByKey()
        | "Candidates" >> beam.FlatMap(_candidates).with_output_types(list[int])
    )
    by_key = {
        _ROWS: batches | "Rows" >> beam.ParDo(_RowsByKey()),
        _COMPARED: candidate_ids | "Ids" >> beam.ParDo(_IdsByKey()),
    }
    found = (
        by_key
        | "ByKey" >> beam.CoGroupByKey()
        | "Texts" >> beam.ParDo(_Texts()).with_outputs(_NEAR, main="alone")
    )
    texts = found["alone"] | "Number" >> beam.Map(_text_count) | "All" >> beam.CombineGlobally(sum)
    together = {
        _NEAR: found[_NEAR] | "Near" >> beam.Map(_on_one_worker),
        _COMPARED: candidate_ids | "Groups" >> beam.Map(_on_one_worker),
    }
    near = (
        together
        | "Together" >> beam.CoGroupByKey()
        | "NearDuplicates"
        >> beam.Map(_near_duplicates, beam.pvalue.AsSingleton(texts), near_together=near_together)
    )
    return (found["alone"], near) | beam.Flatten() | "Plan" >> beam.CombineGlobally(merged)


@beam.typehints.with_output_types(tuple[int, list[Any]])
class _RowsByKey(beam.DoFn):
    """The fields of GroupedRow as plain tuples: Beam pickles a named one, which takes a fifth more bytes."""

    def process(self, batch: list[Row]) -> Iterable[tuple[int, list[Any]]]:
        shards: dict[int, list[Any]] = defaultdict(list)
        for row in batch:
            shards[_shard(_id(row.key))].append(tuple(grouped_row(row)))
        return shards.items()


@beam.typehints.with_output_types(tuple[int, list[int]])
class _IdsByKey(beam.DoFn):
    def process(self, ids: list[int]) -> Iterable[tuple[int, list[int]]]:
        shards: dict[int, list[int]] = defaultdict(list)
        for each in ids:
            shards[_shard(each)].append(each)
        return shards.items()


@beam.typehints.with_output_types(tuple[int, tuple[bytes, bytes]])
class _Bands(beam.DoFn):
    """Ids, int64, and hashes, uint64, of the rows with a sketch, by band and shard of the hash."""

    def process(self, batch: list[Row]) -> Iterator[tuple[int, tuple[bytes, bytes]]]:
        long = [row for row in batch if row.sketch]
        if not long:
            return
        ids = np.array([_id(row.key) for row in long], np.int64)
        for band, hashes in enumerate(bands([row.sketch for row in long]).T):
            shards = (hashes >> np.uint64(64 - _BAND_SHARD_BITS)).astype(int)
            for shard in np.unique(shards).tolist():
                chosen = shards == shard
                pair = ids[chosen].tobytes(), np.ascontiguousarray(hashes[chosen]).tobytes()
                yield (band << _BAND_SHARD_BITS) + shard, pair


def _candidates(shard: tuple[int, Iterable[tuple[bytes, bytes]]]) -> Iterator[list[int]]:
    """The candidates of a band's shard, from what `_Bands` made of it."""
    ids, hashes = zip(*shard[1], strict=True)
    return candidates(np.frombuffer(b"".join(ids), np.int64), np.frombuffer(b"".join(hashes), np.uint64))


@beam.typehints.with_output_types(GroupSplits)
class _Texts(beam.DoFn):
    """The texts of a shard. Main output: GroupSplits of those without candidates, with the counts of all;
    output _NEAR: a list of the others."""

    def process(
        self, shard: tuple[int, dict[str, list[Any]]]
    ) -> Iterator[GroupSplits | beam.pvalue.TaggedOutput]:
        texts = texts_of(itertools.starmap(GroupedRow, itertools.chain.from_iterable(shard[1][_ROWS])))
        ids = set(itertools.chain.from_iterable(shard[1][_COMPARED]))
        near = [text for text in texts if _id(text.leader.key) in ids]
        alone = [text for text in texts if _id(text.leader.key) not in ids]
        yield merged([group_copies(alone), GroupSplits({}, counted(texts))])
        if near:
            yield beam.pvalue.TaggedOutput(_NEAR, near)


def _near_duplicates(
    found: tuple[None, dict[str, list[Any]]], texts: int, *, near_together: bool
) -> GroupSplits:
    """Groups the texts that have candidates."""
    near: list[Text] = sorted(
        itertools.chain.from_iterable(found[1][_NEAR]), key=lambda text: text.leader.key
    )
    indexes: dict[int, list[int]] = defaultdict(list)
    for index, text in enumerate(near):
        indexes[_id(text.leader.key)].append(index)
    compared = ([index for each in ids for index in indexes[each]] for ids in found[1][_COMPARED])
    return group_near_duplicates(near, compared, total=texts, near_together=near_together)


def _id(key: bytes) -> int:
    """63 bits of a text key, in the same order."""
    return int.from_bytes(key[:8], "big") >> 1


def _shard(number: int) -> int:
    """The first byte of the key with this `_id`."""
    return number >> 55


def _text_count(made: GroupSplits) -> int:
    return made.account[TEXTS]


def _on_one_worker(value: Any) -> tuple[None, Any]:
    return None, value


def grouped_row(row: Row) -> GroupedRow:
    return GroupedRow(not row.fixed, row.span, splits.rank(row.digest), row.split, row.key, row.sketch)


def reassigned(batch: Iterable[Row], assigned: GroupSplits) -> list[Row]:
    """The rows with the split of their group."""
    return list(_moved(batch, assigned.splits))


def _moved(batch: Iterable[Row], splits: dict[bytes, str]) -> Iterator[Row]:
    for row in batch:
        split = splits.get(row.key)
        yield row if split is None or row.fixed else row._replace(split=split)
