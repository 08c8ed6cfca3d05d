"""Removal of duplicate texts across spans: keeps the copy in the packaged base, else the newest span's.

The base keeps all its examples: its splits do not change, and a wrong label in a later span cannot change the
gate's test set.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

import apache_beam as beam

from components.example_gen.beam_steps import READING, Row, shuffled_batches
from components.example_gen.reading import Reading
from components.example_gen.span_pattern import BASE

_SHARD_BITS = 6
"""2**6 shards: a 64th of the rows must fit into a worker's memory."""


@beam.ptransform_fn
def DropSpanDuplicates(batches: beam.PCollection) -> beam.pvalue.DoOutputsTuple:
    """Batches of rows without duplicates (output "rows"), and the count of removed rows (READING).

    Whole batches are sorted into shards, not single rows: Beam's cost is per element.
    """
    by_shard = batches | "Shard" >> beam.ParDo(_ByShard()) | "Gather" >> beam.GroupByKey()
    return by_shard | "Keep" >> beam.ParDo(_DropDuplicates()).with_outputs(READING, main="rows")


@beam.typehints.with_output_types(tuple[int, list[Row]])
class _ByShard(beam.DoFn):
    def process(self, batch: list[Row]) -> Iterable[tuple[int, list[Row]]]:
        shards: dict[int, list[Row]] = defaultdict(list)
        for row in batch:
            shards[row.key[0] >> (8 - _SHARD_BITS)].append(row)
        return shards.items()


@beam.typehints.with_output_types(list[Row])
class _DropDuplicates(beam.DoFn):
    def process(
        self, shard: tuple[int, Iterable[list[Row]]]
    ) -> Iterator[list[Row] | beam.pvalue.TaggedOutput]:
        rows = [row for batch in shard[1] for row in batch]
        kept = without_span_duplicates(rows)
        yield from shuffled_batches(kept)
        yield beam.pvalue.TaggedOutput(READING, removed(len(rows) - len(kept)))


def removed(copies: int) -> Reading:
    """The change of a Reading when so many rows are removed."""
    return Reading(taken=-copies, set_aside=copies)


def without_span_duplicates(rows: Sequence[Row]) -> list[Row]:
    """The rows whose text neither the base nor a newer span has. Duplicates within a span stay."""
    winners: dict[bytes, int] = {}
    for row in rows:
        known = winners.setdefault(row.key, row.span)
        winners[row.key] = BASE if BASE in (known, row.span) else max(known, row.span)
    return [row for row in rows if row.span == winners[row.key]]
