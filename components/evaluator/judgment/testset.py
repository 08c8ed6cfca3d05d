"""The test set: its digest, its distinct texts, and the smallest difference it can show."""

import hashlib
import math

import numpy as np
from scipy import stats

from components.evaluator.judgment import intervals, metrics
from components.evaluator.judgment.distinct import per_text
from components.evaluator.predictions import Predictions, not_probabilities
from components.evaluator.verdict import TestSet
from components.reviews import CLASSES

LEVEL, POWER = 0.95, 0.8


def describe(
    whole: Predictions,
    own: Predictions,
    compared: Predictions,
    *,
    candidates: int | None = None,
    classes: tuple[str, ...] = CLASSES,
) -> TestSet:
    """Describes the test set.

    Args:
      whole: all examples of the split.
      own: those that the candidate has not seen.
      compared: those that neither model has seen.
      candidates: the number of models judged on these texts so far.
      classes: the names of the classes; of two the positive one last.
    """
    majority, share = largest_class(own.label) if len(own) else (0, math.nan)
    return TestSet(
        digest=digest(whole),
        reviews=len(whole),
        texts=whole.distinct_texts,
        seen_by_candidate=len(whole) - len(own),
        majority_class=classes[majority] if len(own) else None,
        majority_share=share if len(own) else None,
        resolution=resolution(compared),
        candidates=candidates,
    )


def largest_class(label: np.ndarray) -> tuple[int, float]:
    """The class with the most examples of int [N] labels, and its share; of equal ones the last."""
    counts = np.bincount(label)
    largest = int(len(counts) - 1 - np.argmax(counts[::-1]))
    return largest, float(np.mean(label == largest))


def digest(whole: Predictions) -> str | None:
    """A digest of the distinct texts, 32 hex digits; independent of order and copies."""
    if whole.text_id is None:
        return None
    texts = np.unique(whole.text_id).astype("<u8")
    return hashlib.sha256(texts.tobytes()).hexdigest()[:32]


def resolution(compared: Predictions) -> float | None:
    """The smallest change of accuracy detected with 80 % power at the 95 % level; None without examples.

    (z(0.975) + z(0.8)) * sqrt(D) / n for n texts, D of which only one model predicts correctly: the sample
    size formula for McNemar's test (Connor, Biometrics 43, 1987), solved for the difference. Without a model
    to compare with, D assumes two models as accurate as this one with independent errors.
    """
    if not len(compared) or not_probabilities(compared.scores):
        return None
    ours, theirs = compared.scores_for("accuracy"), compared.baseline_scores_for("accuracy")
    right = metrics.correct(compared.label, ours)
    if theirs is None:
        sums, sizes = per_text(compared.text_id, right.astype(float))
        share = float(np.mean(sums / sizes))
        disagreeing = 2 * share * (1 - share) * len(sums)
    else:
        disagreeing = sum(
            intervals.discordant(
                label=compared.label,
                probability=ours,
                baseline=theirs,
                texts=compared.text_id,
            )
        )
    quantiles = stats.norm.ppf(1 - (1 - LEVEL) / 2) + stats.norm.ppf(POWER)
    return float(quantiles * math.sqrt(max(disagreeing, 1)) / compared.distinct_texts)
