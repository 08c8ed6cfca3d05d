"""The comparison of two models with different classes, on the classes that both know."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from components.evaluator.predictions import Predictions

UNKNOWN = "the model in production does not know the classes of"
"""Why examples of other classes are left out of the comparison, as a clause that begins with their number."""


def shared(ours: Sequence[str], theirs: Sequence[str]) -> tuple[str, ...]:
    """The names that both models know, in our order."""
    return tuple(name for name in ours if name in theirs)


def in_our_order(scores: np.ndarray, *, ours: Sequence[str], theirs: Sequence[str]) -> np.ndarray:
    """The other model's probabilities of our classes: 0 for one that it does not know.

    Args:
      scores: float [N] of its second class if it has two, else float [N, K'].
      ours, theirs: the classes, two or more each; at least two in both.

    Returns:
      float [N] of our second class if we have two (of its probabilities for both, the share of that), else
      float [N, K], whose rows have a sum below 1 if it has classes that we do not.
    """
    of_theirs = np.stack([1 - scores, scores], axis=1) if scores.ndim == 1 else scores
    index = [theirs.index(name) if name in theirs else None for name in ours]
    none = np.zeros(len(scores), of_theirs.dtype)
    found = np.stack([none if each is None else of_theirs[:, each] for each in index], axis=1)
    return _normalized(found)[:, 1] if len(ours) == 2 else found


def among(predictions: Predictions, classes: Sequence[int]) -> Predictions:
    """The examples of these classes, with each model's probabilities for these classes alone.

    Args:
      predictions: those of more than two classes, with a baseline; of two they are returned as they are.
      classes: the indexes of at least two classes.
    """
    if predictions.probabilities is None or predictions.baseline_probabilities is None:
        return predictions
    part = predictions.where(np.isin(predictions.label, classes))
    assert part.probabilities is not None and part.baseline_probabilities is not None
    known = np.isin(np.arange(part.probabilities.shape[1]), classes)
    return dataclasses.replace(
        part,
        probabilities=_normalized(np.where(known, part.probabilities, 0)),
        baseline_probabilities=_normalized(np.where(known, part.baseline_probabilities, 0)),
    )


def _normalized(scores: np.ndarray) -> np.ndarray:
    """Rows with the sum 1; equal ones where all are 0."""
    sums = scores.sum(axis=1, keepdims=True)
    uniform = np.full_like(scores, 1 / scores.shape[1])
    return np.where(sums > 0, scores / np.where(sums > 0, sums, 1), uniform).astype(scores.dtype)
