"""Groups of duplicates and near-duplicates: all rows of a group get the same split.

An example's split is a hash of `reviews.normalize`, which a single entity, tag or final dot changes. To keep
duplicates in one split, each group has a leader, whose split the other rows take: a row with a fixed split,
else one of the oldest span, else the one with the lowest rank. The rank is independent of the split: if the
lowest hash led, the first split would get most groups, and the last one hardly any. Rows of new spans
therefore take the splits of older ones; texts without duplicates and the packaged reviews keep their splits.

Near-duplicates can only be found among all rows. One worker holds the keys and sketches of all rows, but not
their texts, in memory: about 1.2 kB per row at the peak.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import NamedTuple

import apache_beam as beam

from components.example_gen import splits
from components.example_gen.beam_steps import READING, Row
from components.example_gen.duplicates.clusters import clusters
from components.example_gen.reading import Reading

TEXTS, COPIES, NEAR, APART = "texts", "copies", "near_duplicates", "apart"
TEMPLATE = "template"
_LARGEST_CLUSTER, _LARGEST_SHARE = 50, 0.1
"""A cluster with more texts than the first and a larger share of all texts is a template."""


class GroupedRow(NamedTuple):
    """The fields of a row that decide its group and split; the leader of a group sorts first."""

    follows: bool
    """Whether the row takes the leader's split, because its own is not fixed."""
    span: int
    rank: bytes
    """See `splits.rank`."""
    split: str
    key: bytes
    sketch: bytes


class GroupSplits(NamedTuple):
    """The splits that differ from the rows' own splits, and the counts."""

    splits: dict[bytes, str]
    """Text key -> split, for texts with rows of another split."""
    account: Counter[str]
    """Counts: distinct TEXTS; rows that are COPIES of another row's text; rows with NEAR duplicates; rows
    whose own split differs from their group's (APART); rows of a TEMPLATE, which are not grouped.
    """


def grouped_row(row: Row) -> GroupedRow:
    return GroupedRow(not row.fixed, row.span, splits.rank(row.digest), row.split, row.key, row.sketch)


def group_splits(rows: Iterable[GroupedRow], *, near_together: bool) -> GroupSplits:
    """Groups all rows of a source.

    Args:
      near_together: whether near-duplicates also get one split; otherwise they are only counted.
    """
    by_key: dict[bytes, list[GroupedRow]] = {}
    for row in rows:
        by_key.setdefault(row.key, []).append(row)
    keys = sorted(by_key)
    leaders = {key: min(by_key[key]) for key in keys}
    account = Counter({TEXTS: len(keys), COPIES: sum(len(rows) - 1 for rows in by_key.values())})
    for indexes in clusters([leaders[key].sketch for key in keys]):
        cluster = [keys[index] for index in indexes]
        count = sum(len(by_key[key]) for key in cluster)
        if len(cluster) > max(_LARGEST_CLUSTER, _LARGEST_SHARE * len(keys)):
            account[TEMPLATE] += count
            continue
        account[NEAR] += count
        leader = min(leaders[key] for key in cluster)
        if near_together:
            leaders |= dict.fromkeys(cluster, leader)
        else:
            account[APART] += sum(row.split != leader.split for key in cluster for row in by_key[key])
    changed = {}
    for key, copies in by_key.items():
        split = leaders[key].split
        if moved := sum(row.follows and row.split != split for row in copies):
            changed[key] = split
            account[APART] += moved
    return GroupSplits(changed, account)


@beam.ptransform_fn
def AssignGroupSplits(batches: beam.PCollection, *, near_together: bool) -> dict[str, beam.PCollection]:
    """Batches of rows with the splits of their groups (output "rows"), and the counts (READING)."""
    planned = (
        batches
        | "GroupedRow" >> beam.Map(lambda batch: [grouped_row(row) for row in batch])
        | "All" >> beam.combiners.ToList()
        | "GroupSplits"
        >> beam.Map(lambda lists: group_splits(chain.from_iterable(lists), near_together=near_together))
    )
    rows = batches | "Move" >> beam.Map(reassigned, beam.pvalue.AsSingleton(planned))
    return {"rows": rows, READING: planned | "Count" >> beam.Map(lambda made: Reading(sameness=made.account))}


def reassigned(batch: Iterable[Row], assigned: GroupSplits) -> list[Row]:
    """The rows with the split of their group."""
    return list(_moved(batch, assigned.splits))


def _moved(batch: Iterable[Row], splits: dict[bytes, str]) -> Iterator[Row]:
    for row in batch:
        split = splits.get(row.key)
        yield row if split is None or row.fixed else row._replace(split=split)
