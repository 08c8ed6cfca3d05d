"""The Evaluator of a model of three classes, TFMA included."""

import json
from pathlib import Path

import numpy as np
import pytest
import tensorflow_model_analysis as tfma
from example_files import write_examples
from sklearn import metrics as sklearn_metrics

from components.errors import GreenlightError
from components.evaluator.settings import GateSettings
from components.evaluator.tfma.agreement import candidate_metrics, check_agreement

COLORS = ("red", "green", "blue")
DATA = json.dumps({"classes": COLORS})
UNTIED = (0.02, 0.01, 0.0)
"""A bias that leaves no two classes equally probable."""
GATE = GateSettings(
    min_accuracy=0.5,
    min_change=-0.1,
    min_change_length="off",
    conditions=[
        {"metric": "recall", "class": "blue", "at_least": 0.9},
        {"metric": "macro_f1", "change_at_least": -0.1},
        {"metric": "f1", "class": "green", "change_at_least": -0.1, "at_least": 0.5},
        {"metric": "example_count", "class": "blue", "at_least": 20},
    ],
)


@pytest.fixture(scope="module")
def outcome(evaluate, export_names, colors_folder):
    """A candidate against a baseline that says red for most texts."""
    baseline = export_names(bias=(2.0, 0.0, 0.0))
    return evaluate(export_names(bias=UNTIED), baseline, gate=GATE, folder=colors_folder, data=DATA)


def test_the_predictions_hold_the_probabilities_of_both_models(outcome):
    kept = outcome.predictions

    assert (kept.probabilities.dtype, kept.probabilities.shape) == (np.float32, (240, 3))
    assert kept.baseline_probabilities.shape == (240, 3)
    assert kept.probabilities.sum(axis=1) == pytest.approx(1, abs=1e-5)
    assert (kept.probability == kept.probabilities.max(axis=1)).all()
    assert sorted(set(kept.label)) == [0, 1, 2]


def test_the_metrics_are_those_of_scikit_learn(outcome):
    kept, found = outcome.predictions, outcome.verdict.metrics
    answers = kept.probabilities.argmax(axis=1)
    expected = {
        "accuracy": sklearn_metrics.accuracy_score(kept.label, answers),
        "balanced_accuracy": sklearn_metrics.balanced_accuracy_score(kept.label, answers),
        "macro_f1": sklearn_metrics.f1_score(kept.label, answers, average="macro"),
        "weighted_f1": sklearn_metrics.f1_score(kept.label, answers, average="weighted"),
        "auc": sklearn_metrics.roc_auc_score(kept.label, kept.probabilities, multi_class="ovr"),
        "loss": sklearn_metrics.log_loss(kept.label, kept.probabilities.astype(float)),
        "example_count": 240,
    }
    assert {name: found[name] for name in expected} == pytest.approx(expected, abs=1e-5)
    assert set(found) == {*expected, "ece"}
    assert 0 < found["ece"] < 1


def test_each_class_has_its_metrics_with_intervals(outcome):
    kept = outcome.predictions
    answers = kept.probabilities.argmax(axis=1)
    precision, recall, f1, count = sklearn_metrics.precision_recall_fscore_support(kept.label, answers)

    for number, found in enumerate(outcome.verdict.classes):
        assert found["class"] == COLORS[number]
        assert found["precision"] == pytest.approx(precision[number])
        assert found["recall"] == pytest.approx(recall[number])
        assert found["f1"] == pytest.approx(f1[number])
        assert found["example_count"] == count[number]
        for name in ("precision", "recall", "f1"):
            lower, upper = found[f"{name}_interval"]
            assert lower < found[name] < upper


def test_conditions_on_one_class_say_which(outcome):
    by_name = {(each.metric, each.class_name, each.kind): each for each in outcome.verdict.conditions}

    blue = by_name["recall", "blue", "floor"]
    assert not blue.passed
    assert blue.reason.startswith("recall of blue 0.")
    assert "is below the floor 0.9000 by" in blue.reason
    assert blue.to_dict()["class"] == "blue"
    change = by_name["f1", "green", "change"]
    assert change.reason.startswith("change of F1 of green +0.")
    assert change.lower < change.value < change.upper
    assert by_name["example_count", "blue", "floor"].reason.startswith(
        "number of examples of blue 40 is above"
    )
    assert by_name["macro_f1", None, "change"].value > 0.1
    assert by_name["accuracy", None, "floor"].to_dict()["class"] is None


def test_the_floor_of_balanced_accuracy_is_that_of_a_constant_answer(outcome):
    (found,) = [each for each in outcome.verdict.conditions if each.metric == "balanced_accuracy"]

    assert found.threshold == pytest.approx(1 / 3)
    assert found.reason.endswith(
        "50.0 % of the examples are red, so the constant answer red has accuracy 0.5000 and balanced "
        "accuracy 0.3333"
    )
    assert outcome.verdict.test_set.majority_class == "red"


def test_the_change_of_accuracy_is_paired(outcome):
    (change,) = [
        each for each in outcome.verdict.conditions if (each.metric, each.kind) == ("accuracy", "change")
    ]

    assert change.value == pytest.approx(
        outcome.verdict.metrics["accuracy"] - outcome.verdict.baseline.metrics["accuracy"]
    )
    assert ", McNemar p = " in change.reason


def test_tfma_measures_the_same_overall_by_slice_and_by_class(outcome):
    found = candidate_metrics(outcome.evaluation.uri)
    ours = outcome.verdict.metrics

    assert set(found) == {"overall", "length:under 125 words", "length:125 to 174 words"}
    assert found["overall"]["accuracy"] == pytest.approx(ours["accuracy"])
    assert found["overall"]["auc"] == pytest.approx(ours["auc"], abs=1e-3)
    for number, of_class in enumerate(outcome.verdict.classes):
        for name in ("precision", "recall"):
            assert found["overall"][f"{name} of {number}"] == pytest.approx(of_class[name])
    check_agreement(found, outcome.predictions)
    found["length:under 125 words"]["recall of 2"] += 0.01
    with pytest.raises(GreenlightError, match=r"TFMA measured recall of 2 = .* on length:under 125 words"):
        check_agreement(found, outcome.predictions)


def test_tfma_s_thresholds_are_those_of_the_gate(evaluate, export_names, colors_folder, outcome):
    assert tfma.load_validation_result(outcome.evaluation.uri).validation_ok is True
    refused = evaluate(
        export_names(bias=(2.0, 0.0, 0.0)), export_names(), gate=GATE, folder=colors_folder, data=DATA
    )
    assert tfma.load_validation_result(refused.evaluation.uri).validation_ok is False
    assert refused.marks == {"NOT_BLESSED"}


def test_a_class_that_lost_is_named(evaluate, export_names, colors_folder):
    blind = evaluate(export_names(bias=(0.0, 0.0, -9.0)), export_names(), folder=colors_folder, data=DATA)

    assert any(
        note.startswith("the model is worse on blue examples: change of accuracy -0.")
        for note in blind.verdict.notes
    )


def test_a_constant_model_is_refused(evaluate, export_names, colors_folder):
    constant = evaluate(export_names(bias=(99.0, 0.0, 0.0)), folder=colors_folder, data=DATA)

    (reason,) = constant.verdict.reasons
    assert reason.startswith("lower bound of balanced accuracy 0.3")


def test_a_model_of_two_classes_is_not_one_of_three(evaluate, export_model, colors_folder):
    with pytest.raises(GreenlightError, match="gives no probabilities; it gives: label, probability"):
        evaluate(export_model(), folder=colors_folder, data=DATA)


def test_a_model_of_four_classes_is_not_one_of_three(evaluate, export_names, colors_folder):
    with pytest.raises(
        GreenlightError, match=r"probabilities of shape \(240, 4\) for 240 examples and 3 classes"
    ):
        evaluate(export_names((*COLORS, "gray")), folder=colors_folder, data=DATA)


def test_rows_whose_sum_is_not_1_are_not_probabilities(evaluate, export_names, colors_folder):
    outcome = evaluate(export_names(slope=float("nan")), folder=colors_folder, data=DATA)

    assert outcome.verdict.reasons[0] == (
        "no accuracy on test (240 examples): the probabilities of 240 of 240 examples are not numbers from 0 "
        "to 1 with the sum 1"
    )
    assert outcome.verdict.classes == ()


def test_a_class_without_examples_leaves_its_metrics_out(evaluate, export_names, tmp_path: Path):
    examples = [(f"{COLORS[number % 2]} {number}", number % 2) for number in range(120)]
    write_examples(tmp_path / "Split-test" / "data_tfrecord-0.gz", examples)
    outcome = evaluate(export_names(), folder=tmp_path, data=DATA)

    blue = outcome.verdict.classes[2]
    assert (blue["example_count"], blue["recall"], blue["recall_interval"]) == (0, None, None)
    assert outcome.verdict.metrics["balanced_accuracy"] == 1
