"""The metrics of a classifier of K classes, from labels and probabilities in memory.

In each function, `label` is int [N] of 0 to K - 1, `answer` int [N] the predicted classes, and
`probabilities` float [N, K]. Means over classes are over those with an example among the labels, so that a
rare class that a slice lacks does not make its metrics undefined; without two such classes they are NaN.
"""

from collections.abc import Callable

import numpy as np

from components.evaluator.judgment import metrics

BY_CLASS = ("precision", "recall", "f1", "example_count")
"""The metrics of one class, in the order of the report."""


def present(label: np.ndarray) -> list[int]:
    """The classes with an example."""
    return [int(each) for each in np.unique(label)]


def precision_of(label: np.ndarray, answer: np.ndarray, of_class: int) -> float:
    return metrics.share(label == of_class, answer == of_class)


def recall_of(label: np.ndarray, answer: np.ndarray, of_class: int) -> float:
    return metrics.share(answer == of_class, label == of_class)


def f1_of(label: np.ndarray, answer: np.ndarray, of_class: int) -> float:
    """The harmonic mean of precision and recall; 0 if the class has examples and none is found."""
    of_either = np.count_nonzero(label == of_class) + np.count_nonzero(answer == of_class)
    hits = np.count_nonzero((label == of_class) & (answer == of_class))
    return 2 * hits / of_either if of_either else float("nan")


def example_count_of(label: np.ndarray, answer: np.ndarray, of_class: int) -> float:
    return float(np.count_nonzero(label == of_class))


def balanced_accuracy(label: np.ndarray, answer: np.ndarray) -> float:
    """The mean of the recalls; 1 / K for any constant prediction."""
    return _mean([recall_of(label, answer, each) for each in present(label)])


def macro_f1(label: np.ndarray, answer: np.ndarray) -> float:
    return _mean([f1_of(label, answer, each) for each in present(label)])


def weighted_f1(label: np.ndarray, answer: np.ndarray) -> float:
    """The mean of the F1 of each class, weighted by its examples."""
    if not len(label):
        return float("nan")
    return float(sum(f1_of(label, answer, each) * np.mean(label == each) for each in present(label)))


def auc_of(label: np.ndarray, probabilities: np.ndarray, of_class: int) -> float:
    """The area under the ROC curve of one class against the rest."""
    return metrics.auc((label == of_class).astype(int), probabilities[:, of_class])


def auc(label: np.ndarray, probabilities: np.ndarray) -> float:
    """The mean of the areas of one class against the rest."""
    return _mean([auc_of(label, probabilities, each) for each in present(label)])


def expected_calibration_error(label: np.ndarray, probabilities: np.ndarray) -> float:
    """That of the predicted class: |mean probability - share of correct predictions| over 15 bins."""
    right = metrics.correct(label, probabilities).astype(int)
    return metrics.expected_calibration_error(right, metrics.of_answer(probabilities))


def _mean(values: list[float]) -> float:
    return float(np.mean(values)) if len(values) > 1 else float("nan")


BY_ANSWER: dict[str, Callable[[np.ndarray, np.ndarray], float]] = {
    "balanced_accuracy": balanced_accuracy,
    "macro_f1": macro_f1,
    "weighted_f1": weighted_f1,
}
BY_ANSWER_OF_CLASS: dict[str, Callable[[np.ndarray, np.ndarray, int], float]] = {
    "precision": precision_of,
    "recall": recall_of,
    "f1": f1_of,
    "example_count": example_count_of,
}
METRICS: dict[str, Callable[[np.ndarray, np.ndarray], float]] = {
    "accuracy": metrics.accuracy,
    "balanced_accuracy": lambda label, probabilities: balanced_accuracy(
        label, metrics.answers(probabilities)
    ),
    "macro_f1": lambda label, probabilities: macro_f1(label, metrics.answers(probabilities)),
    "weighted_f1": lambda label, probabilities: weighted_f1(label, metrics.answers(probabilities)),
    "auc": auc,
    "loss": metrics.loss,
    "ece": expected_calibration_error,
    "example_count": lambda label, probabilities: float(len(label)),
}
"""Those of a verdict, as functions of labels and probabilities."""
