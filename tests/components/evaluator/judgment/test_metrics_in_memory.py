import numpy as np
import pytest
from sklearn import metrics as sklearn_metrics

from components.evaluator.judgment import metrics

LABEL = np.array([1, 1, 1, 0, 0, 0, 1, 0], np.int8)
PROBABILITY = np.array([0.9, 0.8, 0.4, 0.3, 0.5, 0.1, 0.7, 0.2], np.float32)


@pytest.fixture(scope="module")
def many() -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(3)
    label = random.integers(0, 2, 999).astype(np.int8)
    probability = np.clip(0.25 * label + random.random(999) * 0.75, 0, 1).astype(np.float32)
    return label, probability.round(2)  # rounded, so that there are ties


def test_a_probability_of_one_half_is_positive():
    assert metrics.predicted(np.array([0.5, np.nextafter(np.float32(0.5), np.float32(0))])).tolist() == [
        True,
        False,
    ]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("accuracy", 6 / 8),
        ("precision", 3 / 4),
        ("recall", 3 / 4),
        ("auc", 15 / 16),
        ("calibration", 3.9 / 4),
    ],
)
def test_metrics_counted_by_hand(name, expected):
    assert metrics.METRICS[name](LABEL, PROBABILITY) == pytest.approx(expected)


def test_calibration_adds_up_exactly_what_float32_would_round_away():
    large = np.array([2**25, 1, 1, 1], np.float32)
    assert metrics.calibration(np.array([1, 0, 0, 0]), large) == 2**25 + 3


def test_metrics_agree_with_scikit_learn(many):
    label, probability = many
    found = metrics.summary(label, probability)

    assert found["auc"] == pytest.approx(sklearn_metrics.roc_auc_score(label, probability))
    assert found["accuracy"] == sklearn_metrics.accuracy_score(label, probability >= 0.5)
    assert found["precision"] == sklearn_metrics.precision_score(label, probability >= 0.5)
    assert found["recall"] == sklearn_metrics.recall_score(label, probability >= 0.5)
    clipped = np.clip(probability.astype(float), 1e-7, 1 - 1e-7)
    assert found["loss"] == pytest.approx(sklearn_metrics.log_loss(label, clipped))


def test_calibration_error_counts_each_bin_by_its_size():
    label = np.array([1, 1, 0, 0])
    probability = np.array([0.99, 0.97, 0.01, 0.51])

    # Three bins: (0.02 + 0.02) / 2 of two reviews, 0.01 of one, 0.51 of one.
    expected = (2 * 0.02 + 0.01 + 0.51) / 4
    assert metrics.expected_calibration_error(label, probability) == pytest.approx(expected)


def test_a_probability_of_one_falls_into_the_last_bin():
    both = metrics.expected_calibration_error(np.array([0, 1]), np.array([1.0, 0.95]))
    assert both == pytest.approx((1 - 0.05) / 2)


@pytest.mark.parametrize("name", sorted(set(metrics.METRICS) - {"example_count"}))
def test_without_examples_a_metric_is_undefined(name):
    assert np.isnan(metrics.METRICS[name](np.array([], np.int8), np.array([], np.float32)))


@pytest.mark.parametrize(
    ("name", "label", "probability"),
    [("auc", [1, 1], [0.1, 0.9]), ("precision", [1, 0], [0.1, 0.2]), ("recall", [0, 0], [0.1, 0.9])],
)
def test_metrics_undefined_on_one_class(name, label, probability):
    assert np.isnan(metrics.METRICS[name](np.array(label), np.array(probability)))


def test_certain_and_wrong_still_has_a_finite_loss():
    assert 15 < metrics.loss(np.array([0]), np.array([1.0], np.float32)) < 17
