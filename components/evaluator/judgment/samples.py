"""The samples that conditions are judged on: unseen examples, and slices of them."""

import dataclasses
from collections import Counter
from collections.abc import Collection, Iterator, Mapping

import numpy as np

from components.evaluator.predictions import Predictions
from components.evaluator.settings import OVERALL
from components.evaluator.slice_names import excluded_span, of_span
from components.reviews import CLASSES, LENGTH, SPAN

MOST = 50
"""The number of slices of a metadata column that are measured, the most frequent values."""


@dataclasses.dataclass(frozen=True, eq=False)
class Sample:
    """Examples with the models' predictions.

    Attributes:
      predictions: the predictions.
      split: the name of the split.
      whose: which of its examples these are, as a clause that follows their number; "" for all.
      classes: the names of the classes; of two the positive one last.
    """

    predictions: Predictions
    split: str
    whose: str = ""
    classes: tuple[str, ...] = CLASSES

    def index(self, class_name: str | None) -> int | None:
        """The label of a class; None for None."""
        return None if class_name is None else self.classes.index(class_name)

    def part(self, slice_name: str) -> Predictions:
        """The examples of a slice."""
        return part(self.predictions, slice_name)


def part(predictions: Predictions, slice_name: str) -> Predictions:
    """The examples of a slice: "overall", a length bucket, a span, all but a span, or a value of metadata."""
    if slice_name == OVERALL:
        return predictions
    feature, value = slice_name.split(":", 1)
    if feature == LENGTH:
        return predictions.where(predictions.length == value)
    if feature != SPAN:
        column = (predictions.slices or {}).get(feature)
        return predictions.where(np.zeros(len(predictions), bool) if column is None else column == value)
    span = np.zeros(len(predictions), int) if predictions.span is None else predictions.span
    if (excluded := excluded_span(value)) is not None:
        return predictions.where(span != int(excluded))
    return predictions.where(span == int(value))


def slices(predictions: Predictions) -> Iterator[tuple[str, Predictions]]:
    """Name -> slice with examples: length buckets, then spans, then the values of the metadata columns."""
    columns = (LENGTH, SPAN, *(predictions.slices or {}))
    for name in (name for column in columns for name in slices_of(predictions, column)):
        yield name, part(predictions, name)


def slices_of(predictions: Predictions, column: str) -> list[str]:
    """The names of the slices of a column: of a metadata column the MOST most frequent values, sorted."""
    if column == SPAN:
        return [of_span(span) for span in sorted(spans(predictions))]
    values = predictions.length if column == LENGTH else (predictions.slices or {}).get(column, ())
    frequent = Counter(values).most_common(None if column == LENGTH else MOST)
    return [f"{column}:{value}" for value in sorted(value for value, _ in frequent)]


def spans(predictions: Predictions) -> set[int]:
    """The spans of the examples; empty if they have none."""
    return set() if predictions.span is None else {int(span) for span in np.unique(predictions.span)}


def judged_spans(predictions: Predictions, numbers: Collection[int], texts: int) -> int:
    """The number of spans with at least so many distinct texts among the examples."""
    return sum(part(predictions, of_span(number)).distinct_texts >= texts for number in numbers)


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Exposure:
    """Which examples of a split the models have seen: bool [N] by use (see `training_reviews`).

    Attributes:
      candidate: those of the candidate.
      production: those of the model in production; empty if unknown.
      problem: why they are unknown, or incomplete, a clause.
      data_changes: how the data differs from that of the model in production, a clause each.
    """

    candidate: Mapping[str, np.ndarray] = dataclasses.field(default_factory=dict)
    production: Mapping[str, np.ndarray] = dataclasses.field(default_factory=dict)
    problem: str | None = None
    data_changes: tuple[str, ...] = ()

    def unseen_by_candidate(self, size: int) -> np.ndarray:
        """bool [N]"""
        return ~_any(self.candidate, size)

    def unseen(self, size: int) -> np.ndarray:
        """bool [N]: by neither model."""
        return ~(_any(self.candidate, size) | _any(self.production, size))

    def left_out(self, size: int) -> dict[str, int]:
        """Reason -> number of examples that are not compared; each counts for its first reason."""
        left, found = np.ones(size, bool), {}
        for whose, uses in (("the model in production", self.production), ("the candidate", self.candidate)):
            for use in filter(uses.__contains__, REASONS):
                seen = uses[use]
                if count := np.count_nonzero(seen & left):
                    found[REASONS[use].format(whose)] = int(count)
                left &= ~seen
        return found


REASONS = {
    "train": "{} was trained on",
    "eval": "{} was chosen by",
    "earlier": "the model that {} started from was trained on",
    "earlier eval": "the model that {} started from was chosen by",
}
"""Reasons by use, as clauses that begin with the number of examples."""


def _any(uses: Mapping[str, np.ndarray], size: int) -> np.ndarray:
    return np.logical_or.reduce([np.zeros(size, bool), *uses.values()])
