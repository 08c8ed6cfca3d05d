"""Metrics and intervals of K classes, beside scikit-learn's and those of two classes."""

import numpy as np
import pytest
from sklearn import metrics as sklearn_metrics

from components.evaluator.judgment import intervals, metrics
from components.evaluator.judgment.measures import multiclass
from components.evaluator.judgment.measures.by_name import measure_of, names, of_verdict
from components.evaluator.judgment.proportions import agresti_caffo, mean_of_shares


def made(classes: int, *, size: int = 400, lean: float = 1.0, seed: int = 2) -> tuple[np.ndarray, np.ndarray]:
    """Labels and probabilities of which some are right."""
    random = np.random.default_rng(seed)
    label = random.integers(0, classes, size)
    scores = random.normal(size=(size, classes))
    scores[np.arange(size), label] += lean
    scores = np.exp(scores)
    return label, scores / scores.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("classes", [3, 7])
def test_metrics_are_those_of_scikit_learn(classes):
    label, scores = made(classes)
    answer = scores.argmax(axis=1)
    found = {name: of_verdict(name, label, scores) for name in names(scores)}

    assert found["accuracy"] == pytest.approx(sklearn_metrics.accuracy_score(label, answer))
    assert found["balanced_accuracy"] == pytest.approx(sklearn_metrics.balanced_accuracy_score(label, answer))
    assert found["macro_f1"] == pytest.approx(sklearn_metrics.f1_score(label, answer, average="macro"))
    assert found["weighted_f1"] == pytest.approx(sklearn_metrics.f1_score(label, answer, average="weighted"))
    assert found["auc"] == pytest.approx(sklearn_metrics.roc_auc_score(label, scores, multi_class="ovr"))
    assert found["loss"] == pytest.approx(sklearn_metrics.log_loss(label, scores))
    assert found["example_count"] == 400
    assert tuple(found) == names(scores)


def test_the_metrics_of_a_class_are_those_of_scikit_learn():
    label, scores = made(4)
    wanted = sklearn_metrics.precision_recall_fscore_support(label, scores.argmax(axis=1))

    for number in range(4):
        for name, values in zip(multiclass.BY_CLASS, wanted, strict=True):
            assert measure_of(name, scores, of_class=number)(label, scores) == pytest.approx(values[number])


def test_a_class_of_two_is_measured_like_one_of_many():
    label, scores = made(2)
    two = scores[:, 1]

    for number in (0, 1):
        for name in multiclass.BY_CLASS:
            of_two = measure_of(name, two, of_class=number)(label, two)
            assert of_two == pytest.approx(measure_of(name, scores, of_class=number)(label, scores))
    assert measure_of("precision", two)(label, two) == measure_of("precision", two, of_class=1)(label, two)
    assert measure_of("f1", two)(label, two) == pytest.approx(sklearn_metrics.f1_score(label, two >= 0.5))
    assert measure_of("macro_f1", two)(label, two) == pytest.approx(
        sklearn_metrics.f1_score(label, two >= 0.5, average="macro")
    )


def test_calibration_is_that_of_the_predicted_class():
    scores = np.array([[0.8, 0.1, 0.1]] * 10)
    label = np.array([0] * 8 + [1, 2])

    assert multiclass.expected_calibration_error(label, scores) == pytest.approx(0)
    assert multiclass.expected_calibration_error(np.zeros(10, int), scores) == pytest.approx(0.2)


def test_means_are_over_the_classes_with_an_example():
    label, scores = made(3)
    part = label < 2

    assert multiclass.balanced_accuracy(label[part], scores[part].argmax(axis=1)) == pytest.approx(
        np.mean([(scores[label == number].argmax(axis=1) == number).mean() for number in (0, 1)])
    )
    assert np.isnan(multiclass.macro_f1(label[label == 0], scores[label == 0].argmax(axis=1)))
    assert np.isnan(multiclass.recall_of(label[part], scores[part].argmax(axis=1), 2))


def test_equal_probabilities_are_the_first_class():
    assert list(metrics.answers(np.array([[0.4, 0.4, 0.2]]))) == [0]


def test_the_interval_of_the_mean_of_two_shares_is_agresti_and_caffos():
    shares, trials = (0.9, 0.7), (40, 25)
    low, high = agresti_caffo((shares[0], 1 - shares[1]), trials, confidence=0.95)

    assert mean_of_shares(shares, trials, confidence=0.95) == pytest.approx(((1 + low) / 2, (1 + high) / 2))


@pytest.mark.parametrize("classes", [3, 5, 20])
@pytest.mark.parametrize("size", [60, 2000])
def test_a_constant_answer_has_room_below_chance(classes, size):
    label = np.arange(size) % classes
    scores = np.tile(np.eye(classes)[0], (size, 1))
    low, high = intervals.interval("balanced_accuracy", label=label, probability=scores, confidence=0.95)

    assert low < 1 / classes < high


@pytest.mark.parametrize(
    "metric", ["accuracy", "balanced_accuracy", "macro_f1", "weighted_f1", "loss", "ece"]
)
def test_intervals_hold_the_value_and_widen_with_copies(metric):
    label, scores = made(4, size=200)
    given = {"label": label, "probability": scores, "confidence": 0.9}
    low, high = intervals.interval(metric, **given)
    value = measure_of(metric, scores)(label, scores)
    assert low <= value <= high

    copies = {name: np.repeat(each, 5, axis=0) for name, each in given.items() if name != "confidence"}
    texts = np.repeat(np.arange(200), 5)
    wide = intervals.interval(metric, **copies, confidence=0.9, texts=texts)
    narrow = intervals.interval(metric, **copies, confidence=0.9)
    assert narrow[1] - narrow[0] < wide[1] - wide[0]
    assert wide[1] - wide[0] == pytest.approx(high - low, rel=0.35)


@pytest.mark.parametrize(
    ("metric", "of_class"), [("recall", 1), ("f1", 2), ("macro_f1", None), ("auc", None)]
)
def test_a_change_is_paired(metric, of_class):
    label, ours = made(3)
    theirs = ours.copy()
    theirs[:4] = theirs[:4, ::-1]
    change = intervals.change_interval(
        metric, label=label, probability=ours, baseline=theirs, confidence=0.95, of_class=of_class
    )
    alone = intervals.interval(metric, label=label, probability=ours, confidence=0.95, of_class=of_class)

    assert change[1] - change[0] < (alone[1] - alone[0]) / 2


def test_only_one_of_the_models_is_right_on_a_discordant_text():
    label = np.array([0, 1, 2])
    ours, theirs = np.eye(3), np.eye(3)[[0, 0, 0]]

    assert intervals.discordant(label=label, probability=ours, baseline=theirs) == (2, 0)


@pytest.mark.parametrize("metric", ["accuracy", "auc", "macro_f1"])
def test_the_difference_of_two_groups_has_an_interval(metric):
    first, second = (intervals.Group(*made(3, lean=lean, size=150), None) for lean in (2.0, 0.5))
    low, high = intervals.difference_interval(metric, first, second, confidence=0.95)
    measure = measure_of(metric, first.probability)

    assert low < measure(*first[:2]) - measure(*second[:2]) < high
    assert low > 0
