"""One split for all copies of a text, and for its near-duplicates.

A review's split is drawn by a hash of `reviews.normalize`, which a single entity, tag or final dot changes.
So that a copy with one does not end up in another split, copies follow the one that leads: a row whose
split is fixed, else the one of the oldest span, else the one of the smallest hash. New spans follow older
ones therefore; a text without copies keeps the split that it always had, and so do the packaged reviews.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import NamedTuple

import apache_beam as beam

from components.example_gen.beam_steps import READING, Row
from components.example_gen.duplicates.clusters import clusters
from components.example_gen.reading import Reading

TEXTS, COPIES, NEAR, APART = "texts", "copies", "near_duplicates", "apart"
TEMPLATE = "template"
_LARGEST_CLUSTER, _LARGEST_SHARE = 50, 0.1
"""A cluster that has more texts than the first, and a larger share of all, is a template for many reviews."""


class Known(NamedTuple):
    """Of a row what decides where it goes; sorts by who leads."""

    follows: bool
    """Whether its split is not fixed."""
    span: int
    digest: bytes
    split: str
    key: bytes
    sketch: bytes


class Plan(NamedTuple):
    """Where copies go."""

    splits: dict[bytes, str]
    """By key, of the texts some of whose rows were drawn into another split."""
    account: Counter[str]
    """TEXTS that differ; rows that are COPIES of another row's text; rows that have NEAR duplicates; rows
    drawn APART from what they are a copy of; rows of a TEMPLATE, which are not held together.
    """


def known(row: Row) -> Known:
    return Known(not row.fixed, row.span, row.digest, row.split, row.key, row.sketch)


def plan(rows: Iterable[Known], *, near_together: bool) -> Plan:
    """What becomes of all rows of a source.

    Args:
      near_together: whether near-duplicates are to be held together, too, not just counted.
    """
    by_key: dict[bytes, list[Known]] = {}
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
    splits = {}
    for key, copies in by_key.items():
        split = leaders[key].split
        if moved := sum(row.follows and row.split != split for row in copies):
            splits[key] = split
            account[APART] += moved
    return Plan(splits, account)


@beam.ptransform_fn
def KeepTogether(batches: beam.PCollection, *, near_together: bool) -> dict[str, beam.PCollection]:
    """Batches of rows (output "rows"), each in the split of what it is a copy of, and the count (READING)."""
    planned = (
        batches
        | "Known" >> beam.Map(lambda batch: [known(row) for row in batch])
        | "All" >> beam.combiners.ToList()
        | "Plan" >> beam.Map(lambda lists: plan(chain.from_iterable(lists), near_together=near_together))
    )
    rows = batches | "Move" >> beam.Map(moved, beam.pvalue.AsSingleton(planned))
    return {"rows": rows, READING: planned | "Count" >> beam.Map(lambda made: Reading(sameness=made.account))}


def moved(batch: Iterable[Row], plan: Plan) -> list[Row]:
    """The rows in the splits that the plan has for them."""
    return list(_moved(batch, plan.splits))


def _moved(batch: Iterable[Row], splits: dict[bytes, str]) -> Iterator[Row]:
    for row in batch:
        split = splits.get(row.key)
        yield row if split is None or row.fixed else row._replace(split=split)
