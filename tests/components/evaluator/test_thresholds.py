"""A model with a threshold of its own: the gate, TFMA and the report see the labels that it gives."""

import shutil

import numpy as np
import pytest

from components import threshold
from components.evaluator.judgment import metrics
from components.evaluator.predictions import Predictions
from components.evaluator.settings import GateSettings


@pytest.fixture
def at(export_model, tmp_path):
    """The folder of a Model artifact with this threshold."""

    def make(cut, **model):
        folder = tmp_path / f"model-{cut}"
        shutil.copytree(export_model(**model), folder)
        threshold.write(str(folder), cut)
        return folder

    return make


def test_accuracy_precision_and_recall_are_those_of_the_labels(evaluate, at):
    outcome = evaluate(at(0.8))
    found, verdict = outcome.predictions, outcome.verdict
    labeled = found.probability >= np.float32(0.8)
    assert (verdict.threshold, found.threshold) == (0.8, 0.8)
    assert verdict.metrics["accuracy"] == pytest.approx(np.mean(labeled == found.label))
    assert verdict.metrics["recall"] == pytest.approx(np.mean(labeled[found.label == 1]))
    assert verdict.metrics["precision"] == pytest.approx(np.mean(found.label[labeled]))
    for metric in ("auc", "loss", "ece"):
        assert verdict.metrics[metric] == metrics.METRICS[metric](found.label, found.probability)
    assert any("from the probability 0.8000 on (data.threshold)" in note for note in verdict.notes)


def test_the_usual_threshold_says_nothing_and_leaves_no_trace(evaluate, export_model):
    outcome = evaluate(export_model())
    assert outcome.verdict.threshold == 0.5 and outcome.predictions.threshold is None
    assert not any("data.threshold" in note for note in outcome.verdict.notes)


def test_two_models_are_compared_by_the_labels_that_each_gives(evaluate, at, export_model):
    gate = GateSettings(min_accuracy=None, min_change=0.0, min_change_length="off")
    outcome = evaluate(at(0.8), export_model(), gate=gate)
    found = outcome.predictions
    ours = np.mean((found.probability >= np.float32(0.8)) == found.label)
    theirs = np.mean((found.baseline_probability >= 0.5) == found.label)
    (change,) = [each for each in outcome.verdict.conditions if each.kind == "change"]
    assert change.value == pytest.approx(ours - theirs)
    assert not change.passed and "NOT_BLESSED" in outcome.marks


def test_a_probability_at_the_threshold_is_positive_as_in_the_model():
    cut = np.float32(0.7)
    probability = np.array([np.nextafter(cut, np.float32(0)), cut, np.nextafter(cut, np.float32(1))])
    found = Predictions(
        text=np.array(["a", "b", "c"], object),
        label=np.array([0, 1, 1], np.int8),
        length=np.array(["x"] * 3, object),
        probability=probability.astype(np.float32),
        threshold=0.7,
    )
    assert metrics.predicted(found.scores_for("accuracy")).tolist() == [False, True, True]
    assert found.scores_for("auc") is found.probability
    again = Predictions.from_bytes(found.to_bytes())
    assert again.threshold == 0.7 and again.where(np.array([True, False, False])).threshold == 0.7
