import dataclasses
import json

import numpy as np
import pytest

from components.evaluator.approval import approve
from components.evaluator.judgment.judge import judge
from components.evaluator.predictions import Predictions
from components.evaluator.settings import GateSettings
from components.evaluator.verdict import Approval, Baseline, Verdict

SHORT, LONG = "under 125 words", "280 words or more"
IN_PRODUCTION = Baseline(model_uri="models/7")


def predictions(
    right: int, wrong: int, *, baseline_right: int | None = None, length: str = SHORT
) -> Predictions:
    """Half of the reviews positive; scores of 0.9 and 0.1, `right` of them on the proper side."""
    size = right + wrong
    label = np.arange(size) % 2

    def scores(correct: int) -> np.ndarray:
        return np.where((np.arange(size) < correct) == (label == 1), 0.9, 0.1).astype(np.float32)

    return Predictions(
        text=np.full(size, "a film", object),
        label=label.astype(np.int8),
        length=np.full(size, length, object),
        probability=scores(right),
        baseline_probability=None if baseline_right is None else scores(baseline_right),
    )


def only(**settings) -> GateSettings:
    none = {"min_accuracy": "off", "min_balanced_accuracy": "off", "min_change": "off", "min_examples": 1}
    return GateSettings(**none | {"min_change_length": "off"} | settings)


def verdict_on(gate: GateSettings, found: Predictions, problem: str | None = None) -> Verdict:
    baseline = None
    if found.baseline_probability is not None or problem:
        baseline = dataclasses.replace(IN_PRODUCTION, problem=problem)
    return judge(gate, found, split="test", baseline=baseline)


def outcome(gate: GateSettings, found: Predictions) -> tuple[bool, str]:
    """Of the condition that was asked for last."""
    asked = [each for each in verdict_on(gate, found).conditions if each.kind != "quality"]
    return asked[-1].passed, asked[-1].reason


@pytest.mark.parametrize("problem", [None, "it is damaged"])
@pytest.mark.parametrize(("earlier", "level"), [(None, 0.9), (0, 0.9), (1, 0.95), (3, 0.975)])
def test_every_condition_is_judged_at_the_level_of_so_many_candidates(problem, earlier, level):
    found = predictions(900, 100, baseline_right=None if problem else 900)
    verdict = judge(
        only(min_accuracy=0.5, min_change=-0.5, confidence=0.9),
        found,
        split="test",
        baseline=dataclasses.replace(IN_PRODUCTION, problem=problem),
        earlier_candidates=earlier,
    )
    levels = [each.confidence for each in verdict.conditions if each.kind in ("floor", "change")]
    assert levels == pytest.approx([level] if problem else [level, level])


@pytest.mark.parametrize(
    ("right", "passed", "reason"),
    [
        (849, False, "accuracy 0.8490 is below the floor 0.8500 by 0.0010 on test (1,000 examples)"),
        (850, True, "accuracy 0.8500 is exactly the floor 0.8500 on test (1,000 examples)"),
        (851, True, "accuracy 0.8510 is above the floor 0.8500 by 0.0010 on test (1,000 examples)"),
    ],
)
def test_an_accuracy_floor_just_below_and_just_above(right, passed, reason):
    assert outcome(only(min_accuracy=0.85), predictions(right, 1000 - right)) == (passed, reason)


@pytest.mark.parametrize(
    ("right", "passed", "said"),
    [
        (847, False, "-0.0030 is below the floor -0.0020 by 0.0010"),
        # 0.848 - 0.85 is -0.0020000000000000018 in binary: rounding must not refuse a model.
        (848, True, "-0.0020 is exactly the floor -0.0020"),
        (853, True, "+0.0030 is above the floor -0.0020 by 0.0050"),
    ],
)
def test_a_change_just_below_and_just_above(right, passed, said):
    found, reason = outcome(only(min_change=-0.002), predictions(right, 1000 - right, baseline_right=850))

    assert found is passed
    assert reason.startswith(f"change of accuracy {said} on test (1,000 examples), McNemar p = 0.")


@pytest.mark.parametrize(("size", "passed"), [(49, False), (50, True)])
def test_too_few_examples(size, passed):
    condition = verdict_on(GateSettings(min_examples=50), predictions(size, 0)).conditions[0]

    assert (condition.kind, condition.passed) == ("examples", passed)
    if not passed:
        assert condition.reason == "number of examples 49 is below the floor 50 by 1 on test (49 examples)"


@pytest.mark.parametrize(("ceiling", "passed"), [(0.0999, False), (0.1001, True)])
def test_a_calibration_ceiling_just_below_and_just_above(ceiling, passed):
    # All right, but said with 0.9: the calibration error is 0.1.
    found, reason = outcome(only(max_calibration_error=ceiling), predictions(100, 0))

    assert found is passed
    assert reason.startswith("expected calibration error 0.1000 is")
    assert ("above the ceiling 0.0999 by 0.0001" in reason) is not passed


@pytest.mark.parametrize(("floor", "passed"), [(0.8001, False), (0.8, True)])
def test_a_floor_of_a_slice(floor, passed):
    found, reason = outcome(only(slices={f"length:{SHORT}": floor}), predictions(80, 20))

    assert found is passed
    assert reason.endswith(" on length:under 125 words of test (100 examples)")


@pytest.mark.parametrize(
    ("condition", "just_failing", "just_passing"),
    [
        ({"metric": "precision", "at_least": 0.7}, (69, 31), (70, 30)),
        ({"metric": "recall", "at_most": 0.7}, (72, 28), (70, 30)),
        ({"metric": "loss", "at_most": 0.3277}, (89, 11), (90, 10)),
        ({"metric": "auc", "at_least": 0.9}, (89, 11), (90, 10)),
        ({"metric": "calibration", "at_most": 1.01}, (13, 0), (90, 10)),
        ({"metric": "example_count", "at_most": 100}, (101, 0), (100, 0)),
    ],
)
def test_any_metric_has_floors_and_ceilings(condition, just_failing, just_passing):
    gate = only(conditions=[condition])

    assert outcome(gate, predictions(*just_passing))[0] is True
    assert outcome(gate, predictions(*just_failing))[0] is False


@pytest.mark.parametrize(("ceiling", "passed"), [(-0.0880, False), (-0.0878, True)])
def test_a_ceiling_on_the_change_of_a_metric_that_should_fall(ceiling, passed):
    # Each review set right lowers the loss by ln 9 / 100; from 90 to 94 right, that is 0.08789.
    gate = only(conditions=[{"metric": "loss", "change_at_most": ceiling}])
    found = predictions(94, 6, baseline_right=90)

    assert outcome(gate, found)[0] is passed


def test_the_confidence_bound_is_judged_instead_of_the_value():
    # Wilson, 95 %: 0.88 of 1,000 is 0.8584 to 0.8987.
    found = predictions(880, 120)
    condition = verdict_on(only(min_accuracy=0.8583, confidence=0.95), found).conditions[-1]

    assert (condition.passed, condition.judged, condition.confidence) == (True, "lower", 0.95)
    passed, reason = outcome(only(min_accuracy=0.8585, confidence=0.95), found)
    assert passed is False
    assert reason.startswith(
        "lower bound of accuracy 0.8584 (value 0.8800) is below the floor 0.8585 by 0.0001 on"
    )


def test_the_upper_bound_is_judged_against_a_ceiling():
    condition = verdict_on(only(max_calibration_error=0.11, confidence=0.95), predictions(100, 0)).conditions[
        -1
    ]

    assert (condition.judged, condition.passed) == ("upper", True)


def test_a_lucky_change_is_not_promoted():
    # Three reviews of 1,000 better: the plain value passes, the paired interval reaches below zero.
    found = predictions(853, 147, baseline_right=850)
    found = dataclasses.replace(found, baseline_probability=np.roll(found.baseline_probability, 40))

    assert outcome(only(min_change=0), found)[0] is True
    passed, reason = outcome(only(min_change=0, confidence=0.95), found)
    assert passed is False
    assert reason.startswith("lower bound of the change of accuracy -0.01")
    assert "(value +0.0030) is below the floor +0.0000" in reason


def test_without_a_model_in_production_a_change_passes_unjudged():
    assert outcome(only(min_change=0.1), predictions(1, 9)) == (
        True,
        "change of accuracy is not judged: no other model is in production",
    )


@pytest.mark.parametrize(
    "settings",
    [
        {"min_change": -0.002},
        {"conditions": [{"metric": "auc", "change_at_least": 0}, {"metric": "example_count", "at_least": 5}]},
    ],
)
def test_a_gate_that_only_compares_refuses_a_first_model_until_a_person_approves_it(settings):
    verdict = verdict_on(only(**settings), predictions(571, 429))

    assert (verdict.promoted, verdict.conditions[-1].kind) == (False, "quality")
    assert verdict.reasons == (
        "no condition on the quality of the model was judged: the gate only compares, and nothing was "
        "compared (no other model in production). Set a floor such as gate.min_accuracy; greenlight approve "
        "promotes this model by your decision",
    )
    assert Verdict.from_json(verdict.to_json()) == verdict
    decision = Approval(run="run-1", by="ada", reason="the first one", at="2026-11-22T10:10:10Z")
    assert approve(verdict, decision).promoted


def test_a_condition_on_the_number_of_examples_says_nothing_of_the_quality():
    verdict = verdict_on(only(conditions=[{"metric": "example_count", "at_least": 5}]), predictions(6, 4))

    assert verdict.reasons[0].startswith("no condition on the quality of the model was judged. Set a floor")


@pytest.mark.parametrize(
    ("settings", "found"),
    [
        ({"min_change": -0.002}, predictions(571, 429, baseline_right=571)),
        ({"min_change": -0.002, "max_calibration_error": 0.9}, predictions(571, 429)),
    ],
)
def test_one_judged_condition_on_the_model_is_enough(settings, found):
    assert verdict_on(only(**settings), found).promoted


def test_a_baseline_that_cannot_be_evaluated_refuses():
    verdict = verdict_on(GateSettings(), predictions(90, 10), problem="models/7 is gone")

    assert [condition.kind for condition in verdict.conditions] == ["examples", "floor", "floor", "baseline"]
    assert verdict.verdict == "refused"
    assert verdict.reasons == (
        "the model in production cannot be evaluated: models/7 is gone; to promote the candidate "
        "without the comparison: greenlight approve",
    )
    assert verdict.baseline.problem == "models/7 is gone"


def test_a_broken_baseline_does_not_matter_to_a_gate_that_never_compares():
    verdict = verdict_on(only(min_accuracy=0.85), predictions(90, 10), problem="models/7 is gone")

    assert verdict.promoted


def test_a_slice_without_examples_refuses():
    passed, reason = outcome(only(slices={f"length:{LONG}": 0.1}), predictions(90, 10))

    assert (passed, reason) == (
        False,
        "accuracy is undefined on length:280 words or more of test (0 examples)",
    )


def test_an_undefined_metric_refuses():
    found = dataclasses.replace(predictions(4, 0), label=np.ones(4, np.int8))

    assert outcome(only(conditions=[{"metric": "auc", "at_least": 0}]), found) == (
        False,
        "AUC is undefined on test (4 examples): all of them are positive",
    )


@pytest.mark.parametrize("bad", [np.nan, np.inf, -0.1, 1.1])
def test_what_is_no_probability_refuses_in_words(bad):
    found = predictions(99, 1)
    found.probability[3] = bad
    verdict = verdict_on(GateSettings(), found)

    assert verdict.reasons == (
        "no accuracy on test (100 examples): 1 of 100 probabilities are not numbers from 0 to 1",
        "no balanced accuracy on test (100 examples): 1 of 100 probabilities are not numbers from 0 to 1",
    )
    assert verdict.metrics["accuracy"] is None


def test_a_metric_without_an_interval_cannot_be_judged_with_confidence():
    gate = only(confidence=0.95, conditions=[{"metric": "loss", "at_most": 5}])

    assert outcome(gate, predictions(1, 0)) == (False, "loss has no confidence interval on test (1 example)")


def test_the_verdict_names_both_models_and_every_slice():
    verdict = verdict_on(GateSettings(), predictions(90, 10, baseline_right=80))

    assert verdict.metrics["accuracy"] == 0.9
    assert verdict.baseline.metrics["accuracy"] == 0.8
    assert [(part["slice"], part["accuracy"]) for part in verdict.slices] == [("length:under 125 words", 0.9)]


def test_a_margin_smaller_than_four_decimals_is_shown():
    passed, reason = outcome(only(min_accuracy=0.850004), predictions(850, 150))

    assert (passed, reason) == (
        False,
        "accuracy 0.850000 is below the floor 0.850004 by 0.000004 on test (1,000 examples)",
    )


def test_predictions_and_baseline_come_together():
    with pytest.raises(ValueError, match="predictions of a baseline belong to a baseline without a problem"):
        judge(GateSettings(), predictions(1, 1), split="test", baseline=IN_PRODUCTION)


def test_the_json_is_strict_and_read_back_as_it_was():
    found = predictions(90, 10, baseline_right=91)
    found.label[:] = 1  # the calibration error of a slice, AUC: undefined
    verdict = verdict_on(GateSettings(conditions=[{"metric": "auc", "at_least": 0.9}], confidence=0.9), found)

    text = verdict.to_json()

    assert json.loads(text)["verdict"] == "refused"
    assert "NaN" not in text
    assert Verdict.from_json(text) == verdict
