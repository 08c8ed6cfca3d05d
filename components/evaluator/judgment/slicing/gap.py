"""The greatest difference of a metric between the slices of a column."""

import math
from typing import NamedTuple

from components.evaluator.judgment import intervals, samples
from components.evaluator.judgment.measures.by_name import measure_of
from components.evaluator.predictions import Predictions


class Gap(NamedTuple):
    """A gap.

    Attributes:
      value: the difference, at least 0.
      highest, lowest: the names of the two slices.
      baseline: that of the model in production on the same slices; None if there is none, or it is undefined.
      interval: that of the difference between these two slices; None if there is none.
      level: the confidence level of each of the differences, so that all of them hold together.
    """

    value: float
    highest: str
    lowest: str
    baseline: float | None
    interval: intervals.Interval | None
    level: float


def gap(
    metric: str,
    predictions: Predictions,
    column: str,
    *,
    fewest: int,
    confidence: float,
    of_class: int | None = None,
) -> Gap | None:
    """The greatest difference between any two slices; None if fewer than two can be compared.

    The slices to compare were picked by their values, so the error of the interval is divided among all
    pairs of slices (Bonferroni).

    Args:
      metric: the metric.
      predictions: the examples of all slices.
      column: the column, or `length` or `span`.
      fewest: the minimum number of distinct texts of a slice.
      confidence: the level for all pairs together.
      of_class: the class that the metric is about.
    """
    measure = measure_of(metric, predictions.scores, of_class=of_class)
    found = {}
    for name in samples.slices_of(predictions, column):
        part = samples.part(predictions, name)
        if part.distinct_texts >= fewest and not math.isnan(
            value := measure(part.label, part.scores_for(metric))
        ):
            found[name] = part, value
    if len(found) < 2:
        return None
    # Of equal values the first slice is the highest and the last the lowest, so that these are always two.
    highest = max(found, key=lambda name: found[name][1])
    lowest = min(reversed(found), key=lambda name: found[name][1])
    theirs = [
        measure(part.label, old)
        for part, _ in found.values()
        if (old := part.baseline_scores_for(metric)) is not None
    ]
    known = bool(theirs) and not any(map(math.isnan, theirs))
    level = 1 - (1 - confidence) / math.comb(len(found), 2)
    return Gap(
        value=found[highest][1] - found[lowest][1],
        highest=highest,
        lowest=lowest,
        baseline=max(theirs) - min(theirs) if known else None,
        interval=intervals.difference_interval(
            metric,
            *(_group(found[name][0], metric) for name in (highest, lowest)),
            confidence=level,
            of_class=of_class,
        ),
        level=level,
    )


def _group(part: Predictions, metric: str) -> intervals.Group:
    return intervals.Group(part.label, part.scores_for(metric), part.text_id)
