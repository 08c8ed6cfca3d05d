"""Confidence intervals of metrics and of their paired changes.

Wilson's interval (statsmodels) where a metric is a proportion, the percentile bootstrap (scipy) elsewhere.
Every interval is two-sided, holds the point value, widens with the confidence level and is the same in every
run.
"""

import inspect
import math
import warnings
from collections.abc import Callable

import numpy as np
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.proportion import proportion_confint

from components.evaluator.judgment import metrics

Interval = tuple[float, float]

RESAMPLES = 2000
_SEED = 20261122
# SciPy 1.15 renamed the argument; the two TFX generations come with SciPy on either side of it.
_SEED_ARGUMENT = "rng" if "rng" in inspect.signature(stats.bootstrap).parameters else "random_state"


def interval(
    metric: str, *, label: np.ndarray, probability: np.ndarray, confidence: float
) -> Interval | None:
    """The interval of a metric, or None where there is none (a count, an undefined metric, one example)."""
    value = metrics.METRICS[metric](label, probability)
    if metric == "example_count" or math.isnan(value):
        return None
    if metric in _PROPORTIONS:
        hits, of = _PROPORTIONS[metric](label, probability)
        low, high = proportion_confint(hits, of, alpha=1 - confidence, method="wilson")
        return _holding(value, float(low), float(high))
    if metric == "loss":
        return _bootstrap_mean(metrics.losses(label, probability), confidence)
    return _bootstrap(metrics.METRICS[metric], (label, probability), value, confidence)


def change_interval(
    metric: str, *, label: np.ndarray, probability: np.ndarray, baseline: np.ndarray, confidence: float
) -> Interval | None:
    """The interval of metric(candidate) - metric(baseline), both resampled together: a paired comparison."""
    if metric == "accuracy":
        candidate_right = metrics.correct(label, probability).astype(float)
        return _bootstrap_mean(candidate_right - metrics.correct(label, baseline), confidence)
    if metric == "loss":
        return _bootstrap_mean(
            metrics.losses(label, probability) - metrics.losses(label, baseline), confidence
        )
    measure = metrics.METRICS[metric]

    def change(label: np.ndarray, probability: np.ndarray, baseline: np.ndarray) -> float:
        return measure(label, probability) - measure(label, baseline)

    value = change(label, probability, baseline)
    return _bootstrap(change, (label, probability, baseline), value, confidence)


def mcnemar_p_value(*, label: np.ndarray, probability: np.ndarray, baseline: np.ndarray) -> float:
    """How likely so lopsided a disagreement is between two models of equal accuracy (exact McNemar test)."""
    ours, theirs = metrics.correct(label, probability), metrics.correct(label, baseline)
    only_ours, only_theirs = np.count_nonzero(ours & ~theirs), np.count_nonzero(theirs & ~ours)
    return float(mcnemar([[0, only_ours], [only_theirs, 0]], exact=True).pvalue)


_PROPORTIONS: dict[str, Callable[[np.ndarray, np.ndarray], tuple[int, int]]] = {
    "accuracy": lambda label, probability: (
        int(metrics.correct(label, probability).sum()),
        len(label),
    ),
    "precision": lambda label, probability: (
        int((metrics.predicted(probability) & (label == 1)).sum()),
        int(metrics.predicted(probability).sum()),
    ),
    "recall": lambda label, probability: (
        int((metrics.predicted(probability) & (label == 1)).sum()),
        int((label == 1).sum()),
    ),
}


def _bootstrap_mean(values: np.ndarray, confidence: float) -> Interval | None:
    """Of a mean over examples: the arithmetic is done for all resamples of a block at once."""
    if not len(values):
        return None
    return _bootstrap(np.mean, (values,), float(values.mean()), confidence, vectorized=True)


def _bootstrap(
    statistic: Callable[..., float],
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
    """The interval, widened to hold a point value that rounding or a bootstrap's bias left just outside."""
    return min(low, value), max(high, value)
