"""Confidence intervals of metrics and of their paired changes.

Proportions get Wilson's interval, balanced accuracy Agresti and Caffo's (of more than two classes Price and
Bonett's), other metrics the percentile bootstrap (scipy). Every interval is two-sided, contains the point
value, widens with the confidence level and is deterministic. Copies of one text count once: see
`distinct`.
"""

import inspect
import math
import warnings
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy import stats

from components.evaluator.judgment import metrics
from components.evaluator.judgment.distinct import Texts, counts, effective, has_copies, per_text
from components.evaluator.judgment.measures import multiclass
from components.evaluator.judgment.measures.by_name import measure_of
from components.evaluator.judgment.measures.resampled import Resampled, resampled
from components.evaluator.judgment.proportions import agresti_caffo, mean_of_shares, wilson

Interval = tuple[float, float]

RESAMPLES = 2000
_SEED = 20261122
_BLOCK = 2_000_000
"""The numbers that are drawn at once from the largest sample, which bounds the memory."""
# SciPy 1.15 renamed the argument; the TFX generations have versions before and after it.
_SEED_ARGUMENT = "rng" if "rng" in inspect.signature(stats.bootstrap).parameters else "random_state"


def interval(
    metric: str,
    *,
    label: np.ndarray,
    probability: np.ndarray,
    confidence: float,
    texts: Texts = None,
    of_class: int | None = None,
) -> Interval | None:
    """The interval of a metric; None if there is none (a count, an undefined metric, one example).

    Args:
      probability: float [N] of two classes, or float [N, K].
      of_class: the class that the metric is about; None for one over all classes.
    """
    measure = measure_of(metric, probability, of_class=of_class)
    value = measure(label, probability)
    if metric == "example_count" or math.isnan(value):
        return None
    if metric in PROPORTIONS:
        hits, of = proportion(metric, label, probability, of_class=of_class)
        size = effective(texts, of)
        found = size * np.count_nonzero(hits) / np.count_nonzero(of)
        return _holding(value, *wilson(found, size, confidence=confidence))
    if metric == "balanced_accuracy":
        if probability.ndim > 1:
            return _holding(value, *_mean_recall(label, metrics.answers(probability), confidence, texts))
        return _balanced(label, probability, confidence, texts)
    if metric == "loss":
        return _bootstrap_mean(metrics.losses(label, probability), confidence, texts)
    if metric == "f1":
        return _f1(
            label, metrics.answers(probability), 1 if of_class is None else of_class, confidence, texts
        )
    of_resamples = resampled(metric, label, probability, of_class=of_class)
    return _bootstrap(of_resamples, len(label), value, confidence, texts)


def change_interval(
    metric: str,
    *,
    label: np.ndarray,
    probability: np.ndarray,
    baseline: np.ndarray,
    confidence: float,
    texts: Texts = None,
    of_class: int | None = None,
) -> Interval | None:
    """The interval of metric(candidate) - metric(baseline), both resampled together: a paired comparison.

    That of accuracy contains 0 unless McNemar's exact test excludes equal accuracies at this level.
    """
    if metric == "accuracy":
        candidate_right = metrics.correct(label, probability).astype(float)
        found = _bootstrap_mean(candidate_right - metrics.correct(label, baseline), confidence, texts)
        p_value = mcnemar_p_value(label=label, probability=probability, baseline=baseline, texts=texts)
        # The bootstrap is too narrow if the models differ on few texts; the exact test is not.
        return _holding(0.0, *found) if found and p_value > 1 - confidence else found
    if metric == "loss":
        return _bootstrap_mean(
            metrics.losses(label, probability) - metrics.losses(label, baseline), confidence, texts
        )
    measure = measure_of(metric, probability, of_class=of_class)
    ours, theirs = (resampled(metric, label, scores, of_class=of_class) for scores in (probability, baseline))

    def change(counted: np.ndarray) -> np.ndarray:
        return ours(counted) - theirs(counted)

    value = measure(label, probability) - measure(label, baseline)
    return _bootstrap(change, len(label), value, confidence, texts)


class Group(NamedTuple):
    """Examples that are compared with other ones: labels int [N], probabilities, and `distinct`'s texts."""

    label: np.ndarray
    probability: np.ndarray
    texts: Texts


def difference_interval(
    metric: str, first: Group, second: Group, *, confidence: float, of_class: int | None = None
) -> Interval | None:
    """The interval of metric(first) - metric(second), one model on two groups; None if undefined.

    Agresti and Caffo's for proportions; for other metrics a bootstrap that draws from both groups.
    """
    measure = measure_of(metric, first.probability, of_class=of_class)
    values = [measure(group.label, group.probability) for group in (first, second)]
    value = values[0] - values[1]
    if math.isnan(value):
        return None
    if metric in PROPORTIONS:
        counted = [
            proportion(metric, group.label, group.probability, of_class=of_class)[1]
            for group in (first, second)
        ]
        sizes = effective(first.texts, counted[0]), effective(second.texts, counted[1])
        low, high = agresti_caffo((values[0], values[1]), sizes, confidence=confidence)
        return _holding(value, max(-1.0, low), min(1.0, high))

    ours, theirs = (
        resampled(metric, group.label, group.probability, of_class=of_class) for group in (first, second)
    )

    def change(of_first: np.ndarray, of_second: np.ndarray, axis: int = -1) -> np.ndarray:
        return ours(counts(of_first, first.texts)) - theirs(counts(of_second, second.texts))

    drawn = tuple(
        np.arange(len(group.label) if group.texts is None else len(np.unique(group.texts)))
        for group in (first, second)
    )
    return _resampled(change, drawn, value, confidence, paired=False)


def mcnemar_p_value(
    *, label: np.ndarray, probability: np.ndarray, baseline: np.ndarray, texts: Texts = None
) -> float:
    """The p-value of the exact McNemar test that two models have equal accuracy.

    A text counts for the model that is right on more of its copies.
    """
    only_ours, only_theirs = discordant(label=label, probability=probability, baseline=baseline, texts=texts)
    if only_ours == only_theirs:
        return 1.0
    return float(stats.binomtest(only_ours, only_ours + only_theirs).pvalue)


def discordant(
    *, label: np.ndarray, probability: np.ndarray, baseline: np.ndarray, texts: Texts = None
) -> tuple[int, int]:
    """The numbers of texts that only the candidate, and only the baseline, predicts correctly."""
    ours, theirs = metrics.correct(label, probability), metrics.correct(label, baseline)
    gain, _ = per_text(texts, ours.astype(float) - theirs)
    return int(np.count_nonzero(gain > 0)), int(np.count_nonzero(gain < 0))


PROPORTIONS = frozenset({"accuracy", "precision", "recall"})
"""Metrics that are shares of examples."""


def proportion(
    metric: str, label: np.ndarray, probability: np.ndarray, *, of_class: int | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """The hits and the counted examples of one of PROPORTIONS, each bool [N]."""
    if metric == "accuracy":
        return metrics.correct(label, probability), np.ones(len(label), bool)
    of_class = 1 if of_class is None else of_class
    answered, true = metrics.answers(probability) == of_class, label == of_class
    return answered & true, answered if metric == "precision" else true


def _balanced(label: np.ndarray, probability: np.ndarray, confidence: float, texts: Texts) -> Interval | None:
    """The interval of balanced accuracy, from that of the difference of two proportions.

    Agresti and Caffo (2000) add a hit and a miss to both, so that the interval keeps its level if a class has
    few examples or all predictions are equal; the bootstrap interval would have no width.
    """
    answered = metrics.predicted(probability)
    sizes = effective(texts, label == 1), effective(texts, label == 0)
    shares = float(answered[label == 1].mean()), float(answered[label == 0].mean())
    low, high = agresti_caffo(shares, sizes, confidence=confidence)
    value = metrics.balanced_accuracy(label, probability)
    return _holding(value, max(0.0, (1 + low) / 2), min(1.0, (1 + high) / 2))


def _mean_recall(
    label: np.ndarray, answer: np.ndarray, confidence: float, texts: Texts
) -> tuple[float, float]:
    """The interval of balanced accuracy of more than two classes."""
    classes = multiclass.present(label)
    return mean_of_shares(
        [multiclass.recall_of(label, answer, each) for each in classes],
        [effective(texts, label == each) for each in classes],
        confidence=confidence,
    )


def _bootstrap_mean(values: np.ndarray, confidence: float, texts: Texts) -> Interval | None:
    """The bootstrap of a mean over examples, computed for all resamples of a block at once."""
    if not len(values):
        return None
    value = float(values.mean())
    if not has_copies(texts):
        return _resampled(np.mean, (values,), value, confidence)

    def mean(sums: np.ndarray, sizes: np.ndarray, axis: int = -1) -> np.ndarray:
        return sums.sum(axis=axis) / sizes.sum(axis=axis)

    return _resampled(mean, per_text(texts, values), value, confidence)


def _f1(
    label: np.ndarray, answer: np.ndarray, of_class: int, confidence: float, texts: Texts
) -> Interval | None:
    """The bootstrap of F1, which is a ratio of two sums over examples: all resamples of a block at once."""
    true, answered = label == of_class, answer == of_class
    hits, _ = per_text(texts, 2.0 * (true & answered))
    of_either, _ = per_text(texts, true.astype(float) + answered)

    def f1(hits: np.ndarray, of_either: np.ndarray, axis: int = -1) -> np.ndarray:
        # A resample without the class has no F1. It counts as 0, as that of a class that is never found.
        return hits.sum(axis=axis) / np.maximum(of_either.sum(axis=axis), 1.0)

    value = multiclass.f1_of(label, answer, of_class)
    return _resampled(f1, (hits, of_either), value, confidence)


def _bootstrap(
    of_resamples: Resampled, size: int, value: float, confidence: float, texts: Texts
) -> Interval | None:
    """The bootstrap of a metric, or a change, of `size` examples with this value."""
    copies = texts if has_copies(texts) else None

    def statistic(drawn: np.ndarray, axis: int = -1) -> np.ndarray:
        return of_resamples(counts(drawn, copies))

    numbers = np.arange(size if copies is None else len(np.unique(copies)))
    return _resampled(statistic, (numbers,), value, confidence)


def _resampled(
    statistic: Callable[..., np.ndarray],
    samples: tuple[np.ndarray, ...],
    value: float,
    confidence: float,
    *,
    paired: bool = True,
) -> Interval | None:
    """The percentile interval of a statistic of all resamples of a block, along the last axis."""
    if min(map(len, samples)) < 2 or math.isnan(value):
        return None
    with warnings.catch_warnings():
        # A resample of one class has no AUC; its NaN is dropped below.
        warnings.simplefilter("ignore", stats.DegenerateDataWarning)
        found = stats.bootstrap(
            samples,
            statistic,
            paired=paired,
            vectorized=True,
            n_resamples=RESAMPLES,
            batch=max(1, _BLOCK // max(map(len, samples))),
            confidence_level=confidence,
            method="percentile",
            **{_SEED_ARGUMENT: np.random.default_rng(_SEED)},
        ).confidence_interval
    if math.isnan(found.low) or math.isnan(found.high):
        return None
    return _holding(value, float(found.low), float(found.high))


def _holding(value: float, low: float, high: float) -> Interval:
    """The interval, widened to contain the value."""
    return float(min(low, value)), float(max(high, value))
