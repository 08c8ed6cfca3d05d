"""The metrics by name: of two classes or more, over all classes or of one."""

from collections.abc import Callable

import numpy as np

from components.evaluator.judgment import metrics
from components.evaluator.judgment.measures import multiclass

Measure = Callable[[np.ndarray, np.ndarray], float]
"""A metric of labels, int [N], and probabilities, float [N] of class 1 or float [N, K]; NaN if undefined."""


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
    if binary and metric == "f1":
        return _of_class(metric, 1, binary=True)
    if binary and metric in metrics.METRICS:
        return metrics.METRICS[metric]
    if metric in multiclass.BY_ANSWER:
        of_answers = multiclass.BY_ANSWER[metric]
        return lambda label, scores: of_answers(label, metrics.answers(scores))
    return multiclass.METRICS[metric]


def _of_class(metric: str, of_class: int, *, binary: bool) -> Measure:
    if metric != "auc":
        of = multiclass.BY_ANSWER_OF_CLASS[metric]
        return lambda label, scores: of(label, metrics.answers(scores), of_class)
    if binary:  # the same area for either class
        return metrics.auc
    return lambda label, probabilities: multiclass.auc_of(label, probabilities, of_class)


def of_verdict(name: str, label: np.ndarray, probability: np.ndarray) -> float:
    """The metric of a verdict that has this name."""
    return (metrics.METRICS if probability.ndim == 1 else multiclass.METRICS)[name](label, probability)


def names(probability: np.ndarray) -> tuple[str, ...]:
    """The names of every metric of a verdict."""
    return tuple(metrics.METRICS if probability.ndim == 1 else multiclass.METRICS)
