"""Conditions on a class that the split lacks, and classes with names that need care."""

import numpy as np
import pytest
from sklearn import metrics as sklearn_metrics

from components.evaluator.judgment.judge import judge
from components.evaluator.predictions import Predictions
from components.evaluator.settings import GateSettings
from components.reviews import LENGTHS

NAMES = ("a b", "gr\u00f6\u00dfe", 'it\'s "x"', "a, b")


def predictions(label: np.ndarray) -> Predictions:
    scores = np.random.default_rng(4).normal(size=(len(label), 4))
    scores[np.arange(len(label)), label] += 2
    scores = np.exp(scores)
    scores = (scores / scores.sum(axis=1, keepdims=True)).astype(np.float32)
    return Predictions(
        text=np.array([f"text {number}" for number in range(len(label))], object),
        label=label.astype(np.int8),
        length=np.array([LENGTHS[0]] * len(label), object),
        probability=scores.max(axis=1),
        probabilities=scores,
    )


def judged(label: np.ndarray, *conditions):
    return judge(
        GateSettings(min_accuracy=0.1, conditions=list(conditions)),
        predictions(label),
        split="test",
        baseline=None,
        classes=NAMES,
    )


@pytest.mark.parametrize("metric", ["recall", "auc"])
def test_an_absent_class_refuses_its_condition_and_says_why(metric):
    label = np.arange(300) % 3
    verdict = judged(label, {"metric": metric, "class": "a, b", "at_least": 0.1})
    name = "AUC" if metric == "auc" else metric
    assert verdict.reasons == (f"{name} of a, b is undefined on test (300 examples): none of them is a, b",)


def test_means_without_an_absent_class_are_those_of_scikit_learn():
    label = np.arange(300) % 3
    answer = predictions(label).probabilities.argmax(axis=1)
    assert 3 in answer
    found = judged(label).metrics
    of_present = {"labels": [0, 1, 2], "average": "macro"}
    assert found["macro_f1"] == pytest.approx(sklearn_metrics.f1_score(label, answer, **of_present))
    assert found["balanced_accuracy"] == pytest.approx(
        sklearn_metrics.recall_score(label, answer, **of_present)
    )


def test_a_class_with_one_example_is_measured():
    label = np.append(np.arange(300) % 3, 3)
    verdict = judged(label, {"metric": "f1", "class": "a, b", "at_least": 0.01})
    (last,) = [each for each in verdict.classes if each["class"] == "a, b"]
    answer = predictions(label).probabilities.argmax(axis=1)
    precision, recall, f1, count = sklearn_metrics.precision_recall_fscore_support(label, answer, labels=[3])
    assert (last["precision"], last["recall"], last["f1"], last["example_count"]) == pytest.approx(
        (precision[0], recall[0], f1[0], count[0])
    )
    assert last["recall_interval"][1] - last["recall_interval"][0] > 0.7
