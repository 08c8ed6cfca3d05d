"""The metrics of many resamples at once, from how often each resample has each example.

A bootstrap needs a metric two thousand times. What does not change between resamples (the order of the
probabilities, which predictions are correct) is found once here, and a metric of all resamples is a few
operations on arrays. The values are those of the functions in `metrics` and `multiclass`, as a test checks.
"""

from collections.abc import Callable

import numpy as np

from components.evaluator.judgment import metrics

Resampled = Callable[[np.ndarray], np.ndarray]
"""The values of a metric, float64 [B], of B resamples of N examples; their counts are float64 [B, N]."""


def resampled(
    metric: str, label: np.ndarray, probability: np.ndarray, *, of_class: int | None = None
) -> Resampled:
    """The metric of resamples; NaN where it is undefined.

    Args:
      metric: its name.
      label: int [N].
      probability: float [N] of class 1 of two, or float [N, K].
      of_class: the class that the metric is about; None for one over all classes, or the positive one of two.
    """
    many = probability.ndim > 1
    if metric in _OF_PROBABILITIES:
        return _OF_PROBABILITIES[metric](label, probability)
    if metric == "auc":
        if many and of_class is None:
            return _mean_area(label, probability)
        number = 1 if of_class is None or not many else of_class
        return _area(label == number, probability[:, number] if many else probability)
    if metric == "calibration":
        return _ratio(probability.astype(np.float64), label == 1)
    if metric == "accuracy":
        return _ratio(metrics.correct(label, probability), np.ones(len(label)))
    answer = metrics.answers(probability)
    if metric in _OF_ONE_CLASS and (of_class is not None or not many):
        number = 1 if of_class is None else of_class
        return _OF_ONE_CLASS[metric](label == number, answer == number)
    return _over_classes(metric, label, answer, classes=probability.shape[1] if many else 2, many=many)


def _ratio(numerator: np.ndarray, denominator: np.ndarray) -> Resampled:
    """The sum of one number of the examples over that of another; NaN over 0."""
    columns = np.stack([numerator, denominator], axis=1).astype(np.float64)

    def value(counts: np.ndarray) -> np.ndarray:
        above, below = (counts @ columns).T
        return _share(above, below)

    return value


def _share(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    return np.divide(above, below, out=np.full(below.shape, np.nan), where=below > 0)


def _area(positive: np.ndarray, probability: np.ndarray) -> Resampled:
    """The area under the ROC curve of the examples at `positive`, bool [N].

    It is the share of pairs of a positive and a negative example in which the positive one has the higher
    probability; equal ones count half.
    """
    order = np.argsort(probability, kind="stable")
    negatives, positives = order[~positive[order]], order[positive[order]]
    # Of each positive: the negatives with a lower probability, and those with at most its own.
    lower, up_to = (
        np.searchsorted(probability[negatives], probability[positives], side=side)
        for side in ("left", "right")
    )

    def value(counts: np.ndarray) -> np.ndarray:
        weights = counts[:, positives]
        passed = np.zeros((len(counts), len(negatives) + 1))
        np.cumsum(counts[:, negatives], axis=1, out=passed[:, 1:])
        twice = passed[:, lower] + passed[:, up_to]
        above = np.einsum("rp,rp->r", weights, twice) / 2
        return _share(above, weights.sum(axis=1) * passed[:, -1])

    return value


def _mean_area(label: np.ndarray, probabilities: np.ndarray) -> Resampled:
    """The mean of the areas of one class against the rest, over the classes in a resample."""
    classes = np.unique(label)
    areas = [_area(label == number, probabilities[:, number]) for number in classes]

    def value(counts: np.ndarray) -> np.ndarray:
        return _mean(np.stack([area(counts) for area in areas], axis=1))

    return value


def _mean(values: np.ndarray) -> np.ndarray:
    """float [B]: the mean over those of the [B, K] that are not NaN; NaN of fewer than two."""
    known = ~np.isnan(values)
    number = known.sum(axis=1)
    return _share(np.where(known, values, 0).sum(axis=1), np.where(number > 1, number, 0).astype(float))


def _f1(true: np.ndarray, answered: np.ndarray) -> Resampled:
    return _ratio(2.0 * (true & answered), true.astype(np.float64) + answered)


def _over_classes(
    metric: str, label: np.ndarray, answer: np.ndarray, *, classes: int, many: bool
) -> Resampled:
    """Balanced accuracy, macro and weighted F1.

    many: whether there are more than two classes; balanced accuracy of two is undefined without both.
    """
    numbers = np.arange(classes)
    true, answered = label[:, None] == numbers, answer[:, None] == numbers
    columns = np.concatenate([true & answered, true, answered], axis=1).astype(np.float64)

    def value(counts: np.ndarray) -> np.ndarray:
        hits, of_class, as_class = np.split(counts @ columns, 3, axis=1)
        if metric == "balanced_accuracy":
            recalls = _share(hits, of_class)
            return _mean(recalls) if many else recalls.sum(axis=1) / 2
        f1 = _share(2 * hits, np.where(of_class > 0, of_class + as_class, 0))
        if metric == "macro_f1":
            return _mean(f1)
        return _share(np.where(of_class > 0, f1 * of_class, 0).sum(axis=1), of_class.sum(axis=1))

    return value


def _calibration_error(label: np.ndarray, probability: np.ndarray) -> Resampled:
    if probability.ndim > 1:
        label, probability = metrics.correct(label, probability), metrics.of_answer(probability)
    in_bin = metrics.bins(probability)[:, None] == np.arange(metrics.CALIBRATION_BINS)
    gaps = in_bin * (probability.astype(np.float64) - label)[:, None]

    def value(counts: np.ndarray) -> np.ndarray:
        return _share(np.abs(counts @ gaps).sum(axis=1), counts.sum(axis=1))

    return value


_OF_PROBABILITIES: dict[str, Callable[[np.ndarray, np.ndarray], Resampled]] = {
    "loss": lambda label, probability: _ratio(metrics.losses(label, probability), np.ones(len(label))),
    "ece": _calibration_error,
}
_OF_ONE_CLASS: dict[str, Callable[[np.ndarray, np.ndarray], Resampled]] = {
    "precision": lambda true, answered: _ratio(true & answered, answered),
    "recall": lambda true, answered: _ratio(true & answered, true),
    "f1": _f1,
}
