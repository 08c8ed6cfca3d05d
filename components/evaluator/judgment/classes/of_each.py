"""The metrics of each class with their intervals, for verdicts of more than two classes."""

import math
from typing import Any

from components.evaluator.judgment import intervals
from components.evaluator.judgment.measures import multiclass
from components.evaluator.judgment.measures.by_name import measure_of
from components.evaluator.judgment.samples import Sample
from components.evaluator.predictions import not_probabilities

LEVEL = 0.95
"""The confidence level of the intervals."""


def of_each(sample: Sample) -> tuple[dict[str, Any], ...]:
    """Precision, recall, F1 and the number of examples of each class; empty for two classes.

    An undefined metric is None, and so is its interval.
    """
    scores = sample.predictions.scores
    if scores.ndim == 1 or not_probabilities(scores):
        return ()
    return tuple(_of_class(sample, of_class, name) for of_class, name in enumerate(sample.classes))


def _of_class(sample: Sample, of_class: int, name: str) -> dict[str, Any]:
    label, scores = sample.predictions.label, sample.predictions.scores
    found: dict[str, Any] = {"class": name}
    for metric in multiclass.BY_CLASS:
        value = measure_of(metric, scores, of_class=of_class)(label, scores)
        found[metric] = None if math.isnan(value) else value
        if metric != "example_count":
            found[f"{metric}_interval"] = intervals.interval(
                metric,
                label=label,
                probability=scores,
                confidence=LEVEL,
                texts=sample.predictions.text_id,
                of_class=of_class,
            )
    return found
