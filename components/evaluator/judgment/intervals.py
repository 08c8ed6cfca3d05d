"""Confidence intervals of metrics and of their paired changes.

Wilson's interval where a metric is a proportion, Agresti and Caffo's for balanced accuracy (both from
statsmodels), the percentile bootstrap (scipy) elsewhere. Every interval is two-sided, holds the point value,
widens with the confidence level and is the same in every run. Copies of one text count once: see `distinct`.
"""

import inspect
import math
import warnings
from collections.abc import Callable

import numpy as np
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from components.evaluator.judgment import metrics
from components.evaluator.judgment.distinct import Resampling, Texts, effective, has_copies, per_text

Interval = tuple[float, float]

RESAMPLES = 2000
_SEED = 20261122
# SciPy 1.15 renamed the argument; the two TFX generations come with SciPy on either side of it.
_SEED_ARGUMENT = "rng" if "rng" in inspect.signature(stats.bootstrap).parameters else "random_state"


def interval(
    metric: str, *, label: np.ndarray, probability: np.ndarray, confidence: float, texts: Texts = None
) -> Interval | None:
    """The interval of a metric, or None where there is none (a count, an undefined metric, one example)."""
    value = metrics.METRICS[metric](label, probability)
    if metric == "example_count" or math.isnan(value):
        return None
    if metric in _PROPORTIONS:
        hits, of = _PROPORTIONS[metric](label, probability)
        size = effective(texts, of)
        low, high = proportion_confint(
            size * np.count_nonzero(hits) / np.count_nonzero(of), size, alpha=1 - confidence, method="wilson"
        )
        return _holding(value, float(low), float(high))
    if metric == "balanced_accuracy":
        return _balanced(label, probability, confidence, texts)
    if metric == "loss":
        return _bootstrap_mean(metrics.losses(label, probability), confidence, texts)
    return _bootstrap(metrics.METRICS[metric], (label, probability), value, confidence, texts)


def change_interval(
    metric: str,
    *,
    label: np.ndarray,
    probability: np.ndarray,
    baseline: np.ndarray,
    confidence: float,
    texts: Texts = None,
) -> Interval | None:
    """The interval of metric(candidate) - metric(baseline), both resampled together: a paired comparison.

    That of accuracy holds 0 where McNemar's exact test does not exclude equal accuracies at this level.
    """
    if metric == "accuracy":
        candidate_right = metrics.correct(label, probability).astype(float)
        found = _bootstrap_mean(candidate_right - metrics.correct(label, baseline), confidence, texts)
        p_value = mcnemar_p_value(label=label, probability=probability, baseline=baseline, texts=texts)
        # The bootstrap is too narrow where the models differ on few texts; the exact test is not.
        return _holding(0.0, *found) if found and p_value > 1 - confidence else found
    if metric == "loss":
        return _bootstrap_mean(
            metrics.losses(label, probability) - metrics.losses(label, baseline), confidence, texts
        )
    measure = metrics.METRICS[metric]

    def change(label: np.ndarray, probability: np.ndarray, baseline: np.ndarray) -> float:
        return measure(label, probability) - measure(label, baseline)

    value = change(label, probability, baseline)
    return _bootstrap(change, (label, probability, baseline), value, confidence, texts)


def mcnemar_p_value(
    *, label: np.ndarray, probability: np.ndarray, baseline: np.ndarray, texts: Texts = None
) -> float:
    """How likely so lopsided a disagreement is between two models of equal accuracy (exact McNemar test).

    A text counts for the model that is right on more of its copies.
    """
    only_ours, only_theirs = discordant(label=label, probability=probability, baseline=baseline, texts=texts)
    return float(mcnemar([[0, only_ours], [only_theirs, 0]], exact=True).pvalue)


def discordant(
    *, label: np.ndarray, probability: np.ndarray, baseline: np.ndarray, texts: Texts = None
) -> tuple[int, int]:
    """How many texts the candidate alone has right, and how many the baseline alone."""
    ours, theirs = metrics.correct(label, probability), metrics.correct(label, baseline)
    gain, _ = per_text(texts, ours.astype(float) - theirs)
    return int(np.count_nonzero(gain > 0)), int(np.count_nonzero(gain < 0))


_Masks = tuple[np.ndarray, np.ndarray]
_PROPORTIONS: dict[str, Callable[[np.ndarray, np.ndarray], _Masks]] = {
    "accuracy": lambda label, probability: (
        metrics.correct(label, probability),
        np.ones(len(label), bool),
    ),
    "precision": lambda label, probability: (
        metrics.predicted(probability) & (label == 1),
        metrics.predicted(probability),
    ),
    "recall": lambda label, probability: (
        metrics.predicted(probability) & (label == 1),
        label == 1,
    ),
}
"""Metrics that are the share of hits among some reviews: both as bool [N]."""


def _balanced(label: np.ndarray, probability: np.ndarray, confidence: float, texts: Texts) -> Interval | None:
    """Half of one plus the difference of two proportions: positive answers to positive and negative reviews.

    Agresti and Caffo (2000) add a hit and a miss to both, so that the interval keeps its level where a class
    has few reviews or all answers are alike; the bootstrap has no width there.
    """
    answered = metrics.predicted(probability)
    sizes = [effective(texts, label == each) for each in (1, 0)]
    shares = [float(answered[label == each].mean()) for each in (1, 0)]
    low, high = confint_proportions_2indep(
        shares[0] * sizes[0],
        sizes[0],
        shares[1] * sizes[1],
        sizes[1],
        method="agresti-caffo",
        compare="diff",
        alpha=1 - confidence,
    )
    value = metrics.balanced_accuracy(label, probability)
    return _holding(value, max(0.0, (1 + float(low)) / 2), min(1.0, (1 + float(high)) / 2))


def _bootstrap_mean(values: np.ndarray, confidence: float, texts: Texts) -> Interval | None:
    """Of a mean over examples: the arithmetic is done for all resamples of a block at once."""
    if not len(values):
        return None
    value = float(values.mean())
    if not has_copies(texts):
        return _resampled(np.mean, (values,), value, confidence, vectorized=True)

    def mean(sums: np.ndarray, sizes: np.ndarray, axis: int = -1) -> np.ndarray:
        return sums.sum(axis=axis) / sizes.sum(axis=axis)

    return _resampled(mean, per_text(texts, values), value, confidence, vectorized=True)


def _bootstrap(
    statistic: Callable[..., float],
    samples: tuple[np.ndarray, ...],
    value: float,
    confidence: float,
    texts: Texts,
) -> Interval | None:
    if texts is None or not has_copies(texts):
        return _resampled(statistic, samples, value, confidence)
    resampling = Resampling(texts)

    def of_texts(drawn: np.ndarray) -> float:
        rows = resampling.rows(drawn)
        return statistic(*(sample[rows] for sample in samples))

    return _resampled(of_texts, (np.arange(len(resampling)),), value, confidence)


def _resampled(
    statistic: Callable[..., float | np.ndarray],
    samples: tuple[np.ndarray, ...],
    value: float,
    confidence: float,
    *,
    vectorized: bool = False,
) -> Interval | None:
    if len(samples[0]) < 2 or math.isnan(value):
        return None
    with warnings.catch_warnings():
        # A resample of one class alone has no AUC; the interval is nan then, and left out below.
        warnings.simplefilter("ignore", stats.DegenerateDataWarning)
        found = stats.bootstrap(
            samples,
            statistic,
            paired=True,
            vectorized=vectorized,
            n_resamples=RESAMPLES,
            batch=max(1, 2_000_000 // len(samples[0])),
            confidence_level=confidence,
            method="percentile",
            **{_SEED_ARGUMENT: np.random.default_rng(_SEED)},
        ).confidence_interval
    if math.isnan(found.low) or math.isnan(found.high):
        return None
    return _holding(value, float(found.low), float(found.high))


def _holding(value: float, low: float, high: float) -> Interval:
    """The interval, widened to hold a value that it leaves out."""
    return min(low, value), max(high, value)
