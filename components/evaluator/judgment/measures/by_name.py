"""The metrics by name: of two classes or more, over all classes or of one."""

import dataclasses
from collections.abc import Callable

import numpy as np

from components.evaluator.judgment import metrics
from components.evaluator.judgment.measures import multiclass


@dataclasses.dataclass(frozen=True)
class Measure:
    """A metric in two steps, of which a bootstrap repeats only the second.

    Attributes:
      prepare: the numbers of each example from its probabilities (float [N] of class 1, or float [N, K]): the
        same, or the predicted class, int [N].
      value: the metric of labels, int [N], and of these numbers; NaN if undefined.
    """

    prepare: Callable[[np.ndarray], np.ndarray]
    value: Callable[[np.ndarray, np.ndarray], float]

    def __call__(self, label: np.ndarray, probability: np.ndarray) -> float:
        """The metric of labels and probabilities."""
        return self.value(label, self.prepare(probability))


def measure_of(metric: str, probability: np.ndarray, *, of_class: int | None = None) -> Measure:
    """The metric for probabilities of this shape.

    Args:
      metric: its name.
      probability: float [N] of two classes, or float [N, K].
      of_class: the class that it is about; None for a metric over all classes.
    """
    binary = probability.ndim == 1
    if of_class is not None:
        return _of_class(metric, of_class, binary=binary)
    if binary and metric in metrics.METRICS:
        return Measure(_as_is, metrics.METRICS[metric])
    if binary and metric == "f1":
        return _of_class(metric, 1, binary=True)
    if metric in multiclass.BY_ANSWER:
        return Measure(metrics.answers, multiclass.BY_ANSWER[metric])
    return Measure(_as_is, multiclass.METRICS[metric])


def _of_class(metric: str, of_class: int, *, binary: bool) -> Measure:
    if metric != "auc":
        of = multiclass.BY_ANSWER_OF_CLASS[metric]
        return Measure(metrics.answers, lambda label, answer: of(label, answer, of_class))
    if binary:  # the same area for either class
        return Measure(_as_is, metrics.auc)
    return Measure(_as_is, lambda label, probabilities: multiclass.auc_of(label, probabilities, of_class))


def of_verdict(name: str, label: np.ndarray, probability: np.ndarray) -> float:
    """The metric of a verdict that has this name."""
    return (metrics.METRICS if probability.ndim == 1 else multiclass.METRICS)[name](label, probability)


def names(probability: np.ndarray) -> tuple[str, ...]:
    """The names of every metric of a verdict."""
    return tuple(metrics.METRICS if probability.ndim == 1 else multiclass.METRICS)


def _as_is(probability: np.ndarray) -> np.ndarray:
    return probability
