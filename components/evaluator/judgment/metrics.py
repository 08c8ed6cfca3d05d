"""The metrics of a binary classifier, from labels and probabilities in memory.

In each function, `label` is int [N] of 0 and 1, and `probability` float [N] of class 1. A metric that is
undefined (precision without a positive prediction, AUC with one class) is NaN, never an error.

`answers`, `of_answer`, `correct`, `losses`, `accuracy` and `loss` also take the float [N, K] of K classes;
the other metrics of K classes are in `measures.multiclass`.
"""

from collections.abc import Callable

import numpy as np
from scipy import stats

CALIBRATION_BINS = 15
_SMALLEST = 1e-7  # Keras clips probabilities to this distance from 0 and 1


def predicted(probability: np.ndarray) -> np.ndarray:
    """bool [N]: positive from 0.5 on. `Predictions.scores_for` moves another threshold there."""
    return probability >= 0.5


def answers(probability: np.ndarray) -> np.ndarray:
    """int [N]: the predicted class of each example, the first of equally probable ones."""
    return predicted(probability).astype(int) if probability.ndim == 1 else probability.argmax(axis=1)


def of_answer(probability: np.ndarray) -> np.ndarray:
    """float [N]: the probability of the predicted class."""
    return np.maximum(probability, 1 - probability) if probability.ndim == 1 else probability.max(axis=1)


def correct(label: np.ndarray, probability: np.ndarray) -> np.ndarray:
    """bool [N]: whether each prediction is correct."""
    if probability.ndim > 1:
        return answers(probability) == label
    return predicted(probability) == (label == 1)


def losses(label: np.ndarray, probability: np.ndarray) -> np.ndarray:
    """float64 [N]: cross-entropy of each example, with probabilities clipped as in Keras."""
    if probability.ndim > 1:
        of_truth = np.take_along_axis(probability, label[:, None].astype(int), axis=1)[:, 0]
        return -np.log(np.clip(of_truth.astype(np.float64), _SMALLEST, 1))
    clipped = np.clip(probability.astype(np.float64), _SMALLEST, 1 - _SMALLEST)
    return -np.where(label == 1, np.log(clipped), np.log1p(-clipped))


def share(hits: np.ndarray, of: np.ndarray) -> float:
    """The share of the examples at `of` that are at `hits` as well, both bool [N]; NaN of none."""
    total = np.count_nonzero(of)
    return float(np.count_nonzero(hits & of) / total) if total else float("nan")


def accuracy(label: np.ndarray, probability: np.ndarray) -> float:
    return share(correct(label, probability), np.ones(len(label), bool))


def balanced_accuracy(label: np.ndarray, probability: np.ndarray) -> float:
    """The mean of the accuracies on the two classes; 0.5 for any constant prediction."""
    right = correct(label, probability)
    return (share(right, label == 1) + share(right, label == 0)) / 2


def precision(label: np.ndarray, probability: np.ndarray) -> float:
    return share(label == 1, predicted(probability))


def recall(label: np.ndarray, probability: np.ndarray) -> float:
    return share(predicted(probability), label == 1)


def auc(label: np.ndarray, probability: np.ndarray) -> float:
    """The exact area under the ROC curve: the share of pairs with the positive example ranked higher."""
    positives = np.count_nonzero(label == 1)
    negatives = len(label) - positives
    if not positives or not negatives:
        return float("nan")
    ranks = stats.rankdata(probability)[label == 1].sum()
    return float((ranks - positives * (positives + 1) / 2) / (positives * negatives))


def loss(label: np.ndarray, probability: np.ndarray) -> float:
    return float(losses(label, probability).mean()) if len(label) else float("nan")


def calibration(label: np.ndarray, probability: np.ndarray) -> float:
    """Mean probability divided by the share of positives; 1 is calibrated on average."""
    positives = np.count_nonzero(label == 1)
    return float(probability.sum(dtype=np.float64) / positives) if positives else float("nan")


def expected_calibration_error(label: np.ndarray, probability: np.ndarray) -> float:
    """Weighted mean of |mean probability - share of positives| over 15 bins of equal width."""
    if not len(label):
        return float("nan")
    gaps = np.bincount(
        bins(probability), weights=probability.astype(np.float64) - label, minlength=CALIBRATION_BINS
    )
    return float(np.abs(gaps).sum() / len(label))


def bins(probability: np.ndarray) -> np.ndarray:
    """int [N]: the bin of the calibration error that each probability is in."""
    return np.minimum((probability * CALIBRATION_BINS).astype(int), CALIBRATION_BINS - 1)


METRICS: dict[str, Callable[[np.ndarray, np.ndarray], float]] = {
    "accuracy": accuracy,
    "balanced_accuracy": balanced_accuracy,
    "auc": auc,
    "precision": precision,
    "recall": recall,
    "loss": loss,
    "calibration": calibration,
    "ece": expected_calibration_error,
    "example_count": lambda label, probability: float(len(label)),
}


def summary(label: np.ndarray, probability: np.ndarray) -> dict[str, float]:
    """Every metric by its name."""
    return {name: metric(label, probability) for name, metric in METRICS.items()}
