"""A model in production with other classes than the candidate's: compared on what both know."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from example_files import write_examples

from components.evaluator.judgment.classes.shared import among, in_our_order, shared
from components.evaluator.predictions import Predictions
from components.evaluator.settings import GateSettings
from serving.store.manifest import MANIFEST_NAME, Facts, Manifest, to_json

COLORS = ("red", "green", "blue")
DATA = json.dumps({"classes": COLORS})
GATE = GateSettings(min_accuracy=0.5, min_change=-0.1, min_change_length="off", min_unseen=30)


@pytest.fixture
def live(tmp_path):
    """A copy of a model with a manifest that names its classes, as the version store has it."""

    def make(model: Path, classes: tuple[str, ...]) -> Path:
        folder = tmp_path / "live"
        shutil.copytree(model, folder)
        facts = Facts(data={"settings": {"classes": classes}})
        manifest = Manifest(version=1, created="2026-11-29T00:00:00Z", files={}, facts=facts)
        (folder / "Format-Serving" / MANIFEST_NAME).write_bytes(to_json(manifest))
        return folder

    return make


def test_the_names_that_both_know_are_in_our_order():
    assert shared(COLORS, ("blue", "gray", "red")) == ("red", "blue")


def test_the_other_model_s_probabilities_are_put_in_our_order():
    theirs = np.array([[0.5, 0.2, 0.3]], np.float32)

    found = in_our_order(theirs, ours=COLORS, theirs=("blue", "gray", "red"))

    assert found == pytest.approx(np.array([[0.3, 0, 0.5]]))


def test_a_model_of_two_classes_is_one_of_ours():
    found = in_our_order(np.array([0.9], np.float32), ours=COLORS, theirs=("blue", "red"))

    assert found == pytest.approx(np.array([[0.9, 0, 0.1]]))


@pytest.mark.parametrize(
    ("theirs", "scores", "expected"),
    [
        (("spam", "ham"), [0.9], 0.1),
        (("spam", "news", "ham"), [[0.1, 0.6, 0.3]], 0.25),
        (("spam", "news", "ham"), [[0.0, 1.0, 0.0]], 0.5),
    ],
)
def test_for_two_classes_of_ours_the_probability_of_the_second_is_asked(theirs, scores, expected):
    found = in_our_order(np.array(scores, np.float32), ours=("ham", "spam"), theirs=theirs)

    assert found == pytest.approx([expected])


def test_only_examples_of_shared_classes_are_compared_and_only_these_are_chosen_from():
    found = among(
        Predictions(
            text=np.array(["a", "b", "c"], object),
            label=np.array([0, 1, 2], np.int8),
            length=np.array(["x"] * 3, object),
            probability=np.array([0.5, 0.6, 0.7], np.float32),
            probabilities=np.array([[0.3, 0.5, 0.2], [0.2, 0.6, 0.2], [0.1, 0.2, 0.7]], np.float32),
            baseline_probability=np.ones(3, np.float32),
            baseline_probabilities=np.array([[0.2, 0, 0.2], [1, 0, 0], [0, 0, 0]], np.float32),
        ),
        [0, 2],
    )

    assert list(found.text) == ["a", "c"]
    assert found.probabilities == pytest.approx(np.array([[0.6, 0, 0.4], [0.125, 0, 0.875]]))
    assert found.baseline_probabilities[0] == pytest.approx(np.array([0.5, 0, 0.5]))


def test_a_class_that_production_does_not_know_is_left_out_and_said(
    evaluate, export_names, colors_folder, live
):
    old = live(export_names(("green", "red", "gray")), ("green", "red", "gray"))
    outcome = evaluate(export_names(), old, gate=GATE, folder=colors_folder, data=DATA)

    comparison = outcome.verdict.comparison
    assert comparison.classes == ("red", "green")
    assert (comparison.reviews, comparison.compared) == (240, 200)
    assert comparison.left_out == {"the model in production does not know the classes of": 40}
    (change,) = [each for each in outcome.verdict.conditions if each.kind == "change"]
    assert change.examples == 200
    assert " on test (200 examples of the classes that both models know), McNemar p = " in change.reason
    notes = "\n".join(outcome.verdict.notes)
    assert (
        "compared with the model in production on 200 examples of test that neither model has seen and that "
        "are of a class that both know; 40 of 240 were left out, 40 because the model in production does not "
        "know the classes of them"
    ) in notes
    assert "in the comparison each chooses among those that both know, red, green" in notes
    assert outcome.verdict.metrics["example_count"] == 240
    assert outcome.verdict.promoted, outcome.verdict.reasons


def test_too_few_shared_examples_are_no_fair_comparison(evaluate, export_names, colors_folder, live):
    old = live(export_names(("blue", "green", "gray")), ("blue", "green", "gray"))
    gate = GateSettings(min_accuracy=0.5, min_change_length="off", min_unseen=150)
    outcome = evaluate(export_names(), old, gate=gate, folder=colors_folder, data=DATA)

    (reason,) = outcome.verdict.reasons
    assert "only 120 examples of test can be compared" in reason
    assert "greenlight approve" in reason


def test_models_that_share_one_class_are_not_compared(evaluate, export_names, colors_folder, live):
    old = live(export_names(("blue", "gray", "pink")), ("blue", "gray", "pink"))
    outcome = evaluate(export_names(), old, gate=GATE, folder=colors_folder, data=DATA)

    (reason,) = outcome.verdict.reasons
    assert reason == (
        "the model in production cannot be evaluated: its classes are blue, gray and pink, those of the data "
        "red, green and blue (data.classes), so the two cannot be compared; to promote the candidate without "
        "the comparison: greenlight approve"
    )
    assert outcome.predictions.baseline_probabilities is None


def test_a_model_of_two_of_the_three_classes_is_compared(
    evaluate, export_names, export_model, colors_folder, live
):
    old = live(export_model(bias=-3.0), ("red", "green"))  # says red to everything
    outcome = evaluate(export_names(), old, gate=GATE, folder=colors_folder, data=DATA)

    assert outcome.verdict.comparison.classes == ("red", "green")
    assert outcome.verdict.baseline.metrics["accuracy"] == pytest.approx(0.6)
    assert outcome.verdict.promoted, outcome.verdict.reasons


def test_two_classes_in_another_order_are_the_same(evaluate, export_model, live, tmp_path):
    texts = [(f"{('bad', 'good')[number % 2]} film {number}", number % 2) for number in range(100)]
    write_examples(tmp_path / "Split-test" / "data_tfrecord-0.gz", texts)
    old = live(export_model(slope=-1.0), ("good", "bad"))
    outcome = evaluate(
        export_model(), old, gate=GATE, folder=tmp_path, data=json.dumps({"classes": ["bad", "good"]})
    )

    assert outcome.verdict.baseline.metrics["accuracy"] == 1
    assert outcome.verdict.comparison.classes is None
    assert outcome.verdict.promoted, outcome.verdict.reasons
