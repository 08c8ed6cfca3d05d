"""The metrics of many resamples at once, beside the plain functions on the examples of each resample."""

import numpy as np
import pytest
from scipy import stats

from components.evaluator.judgment import intervals, metrics
from components.evaluator.judgment.measures import multiclass
from components.evaluator.judgment.measures.by_name import measure_of
from components.evaluator.judgment.measures.resampled import resampled

OF_TWO = [(name, None) for name in (*metrics.METRICS, "f1", "macro_f1", "weighted_f1")]
OF_MANY = [(name, None) for name in multiclass.METRICS]
OF_ONE = [(name, number) for name in ("precision", "recall", "f1", "auc") for number in (0, 1)]
WITHOUT_BOOTSTRAP = ("example_count",)


def made(classes: int, *, size: int = 60, seed: int = 3, decimals: int = 2):
    """Labels and probabilities in float32, with ties; few examples, so that resamples lack classes."""
    random = np.random.default_rng(seed)
    label = np.random.default_rng(size).integers(0, classes, size).astype(np.int8)
    scores = np.exp(random.normal(size=(size, classes)) + 1.2 * (label[:, None] == np.arange(classes)))
    scores = np.round(scores / scores.sum(axis=1, keepdims=True), decimals).astype(np.float32)
    return label, scores[:, 1] if classes == 2 else scores


def cases():
    for classes, names in ((2, OF_TWO), (3, OF_MANY), (12, OF_MANY)):
        for metric, of_class in [*names, *OF_ONE]:
            if metric not in WITHOUT_BOOTSTRAP:
                yield classes, metric, of_class


@pytest.mark.parametrize(("classes", "metric", "of_class"), cases())
@pytest.mark.parametrize("size", [5, 60])
def test_values_are_those_of_the_plain_functions(classes, metric, of_class, size):
    label, scores = made(classes, size=size)
    random = np.random.default_rng(8)
    drawn = [random.integers(0, size, size) for _ in range(40)] + [np.zeros(size, int)]
    counts = np.stack([np.bincount(rows, minlength=size) for rows in drawn]).astype(float)

    found = resampled(metric, label, scores, of_class=of_class)(counts)
    measure = measure_of(metric, scores, of_class=of_class)
    expected = [measure(label[rows], scores[rows]) for rows in drawn]
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12, equal_nan=True)


def test_the_area_is_equal_to_the_last_bit():
    label, scores = made(12, size=400)
    rows = np.random.default_rng(1).integers(0, 400, 400)
    counts = np.bincount(rows, minlength=400)[None].astype(float)
    for number in range(12):
        (found,) = resampled("auc", label, scores, of_class=number)(counts)
        assert found == multiclass.auc_of(label[rows], scores[rows], number)


def plain_bootstrap(statistic, sizes, *, paired):
    """SciPy's bootstrap, one resample after the other."""
    return stats.bootstrap(
        tuple(map(np.arange, sizes)),
        statistic,
        paired=paired,
        vectorized=False,
        n_resamples=intervals.RESAMPLES,
        batch=max(1, 2_000_000 // sizes[0]),
        confidence_level=0.9,
        method="percentile",
        **{intervals._SEED_ARGUMENT: np.random.default_rng(intervals._SEED)},
    ).confidence_interval


@pytest.mark.parametrize(("classes", "metric"), [(2, "auc"), (2, "ece"), (3, "auc"), (3, "macro_f1")])
@pytest.mark.parametrize("copies", [False, True])
def test_intervals_are_those_of_a_plain_bootstrap(classes, metric, copies):
    label, ours = made(classes, size=300)
    _, theirs = made(classes, size=300, seed=4)
    texts = np.arange(300) % 290 if copies else np.arange(300)[::-1]
    measure = measure_of(metric, ours)
    rows_of = [np.flatnonzero(texts == text) for text in np.unique(texts)]

    def rows(drawn):
        return np.concatenate([rows_of[number] for number in drawn]) if copies else drawn

    def value(drawn):
        return measure(label[rows(drawn)], ours[rows(drawn)])

    def change(drawn):
        return value(drawn) - measure(label[rows(drawn)], theirs[rows(drawn)])

    given = {"label": label, "probability": ours, "confidence": 0.9, "texts": texts}
    expected = plain_bootstrap(value, [len(rows_of)], paired=True)
    assert intervals.interval(metric, **given) == pytest.approx(tuple(expected), abs=1e-12)
    expected = plain_bootstrap(change, [len(rows_of)], paired=True)
    found = intervals.change_interval(metric, **given, baseline=theirs)
    assert found == pytest.approx(tuple(expected), abs=1e-12)


def test_the_memory_of_a_difference_is_bounded_by_the_larger_group(monkeypatch):
    (label, ours), (other, theirs) = made(2, size=20), made(2, size=4000)
    drawn, real = [], intervals.counts

    def counted(numbers, texts):
        drawn.append(numbers.size)
        return real(numbers, texts)

    monkeypatch.setattr(intervals, "counts", counted)
    groups = intervals.Group(label, ours, None), intervals.Group(other, theirs, None)
    assert intervals.difference_interval("auc", *groups, confidence=0.9)
    assert max(drawn) <= 2_000_000


@pytest.mark.parametrize("metric", ["auc", "balanced_accuracy", "loss"])
def test_the_interval_of_a_difference_is_that_of_a_plain_bootstrap(metric):
    (label, ours), (other, theirs) = made(3, size=200), made(3, size=120, seed=4)
    texts = np.arange(120) % 110
    rows_of = [np.flatnonzero(texts == text) for text in np.unique(texts)]
    measure = measure_of(metric, ours)

    def difference(first, second):
        at = np.concatenate([rows_of[number] for number in second])
        return measure(label[first], ours[first]) - measure(other[at], theirs[at])

    expected = plain_bootstrap(difference, [200, 110], paired=False)
    groups = intervals.Group(label, ours, None), intervals.Group(other, theirs, texts)
    found = intervals.difference_interval(metric, *groups, confidence=0.9)
    assert found == pytest.approx(tuple(expected), abs=1e-12)
