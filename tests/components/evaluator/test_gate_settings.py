import math
import tomllib
from pathlib import Path

import pytest
from pydantic import ValidationError

from components.evaluator.settings import SLICES, GateSettings

SHORT = "length:under 125 words"


def refusal(**settings) -> str:
    with pytest.raises(ValidationError) as caught:
        GateSettings(**settings)
    return caught.value.errors()[0]["msg"]


def test_the_defaults_are_the_documented_gate():
    gate = GateSettings()

    assert (gate.min_accuracy, gate.min_change, gate.confidence, gate.min_examples) == (
        0.85,
        -0.002,
        None,
        50,
    )


@pytest.mark.parametrize("off", ["off", "OFF", " off ", False, None])
def test_off_drops_a_limit(off):
    assert GateSettings(min_accuracy=off).min_accuracy is None


def test_settings_survive_their_own_json_where_toml_has_no_null():
    gate = GateSettings(min_change="off", confidence=0.9, conditions=[{"metric": "auc", "at_least": 0.9}])

    content = gate.model_dump(mode="json")

    assert content["min_change"] == "off"
    assert content["conditions"][0]["at_most"] == "off"
    assert GateSettings.model_validate(content) == gate


def test_true_is_no_limit():
    assert 'expected a number or "off", got true' in refusal(min_accuracy=True)


def test_a_gate_that_would_promote_anything_is_a_configuration_error():
    message = refusal(min_accuracy="off", min_change="off")

    assert "this gate has no condition and would promote anything: set min_accuracy" in message


@pytest.mark.parametrize(
    "only",
    [
        {"min_change": 0},
        {"max_calibration_error": 0.1},
        {"slices": {SHORT: 0.8}},
        {"conditions": [{"metric": "auc", "at_least": 0.9}]},
    ],
)
def test_any_one_condition_makes_a_gate(only):
    assert GateSettings(**{"min_accuracy": "off", "min_change": "off"} | only)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"min_accuracy": 1.5}, "Input should be less than or equal to 1"),
        ({"min_accuracy": -0.1}, "Input should be greater than or equal to 0"),
        ({"min_change": -2}, "Input should be greater than or equal to -1"),
        ({"confidence": 1}, "Input should be less than 1"),
        ({"confidence": 0.4}, "Input should be greater than or equal to 0.5"),
        ({"min_accuracy": math.nan}, "Input should be a finite number"),
        ({"min_examples": 0}, "Input should be greater than or equal to 1"),
        ({"min_acuracy": 0.8}, "Extra inputs are not permitted"),
        (
            {"slices": {"length:tiny": 0.8}},
            'no slice is called "length:tiny": give "overall" or one of length:under',
        ),
    ],
)
def test_impossible_values_are_refused(settings, message):
    assert message in refusal(**settings)


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ({"metric": "auc"}, "a condition on auc needs one of at_least, at_most, change_at_least"),
        (
            {"metric": "auc", "at_least": 1.5},
            "at_least = 1.5 is impossible for auc: give a number from 0 to 1",
        ),
        ({"metric": "auc", "change_at_most": -3}, "change_at_most = -3.0 is impossible for auc"),
        (
            {"metric": "loss", "at_least": 2, "at_most": 1},
            "no loss meets both at_least = 2.0 and at_most = 1.0",
        ),
        ({"metric": "example_count", "change_at_least": 1}, "both models see the same examples"),
        ({"metric": "f1", "at_least": 0.5}, "Input should be 'accuracy', 'balanced_accuracy', 'auc'"),
    ],
)
def test_impossible_conditions_are_refused(condition, message):
    assert message in refusal(conditions=[condition])


@pytest.mark.parametrize("key", ["change_at_least", "change_at_most"])
def test_a_change_may_be_a_loss(key):
    (condition,) = GateSettings(conditions=[{"metric": "accuracy", key: -0.01}]).conditions
    assert getattr(condition, key) == -0.01


def test_a_loss_may_exceed_one():
    assert GateSettings(conditions=[{"metric": "loss", "at_most": 3}]).conditions[0].at_most == 3


def test_the_documented_gate_is_one():
    page = Path(__file__).parents[3].joinpath("docs", "gate.md").read_text(encoding="utf-8")
    example = page.split("```toml\n")[1].split("```")[0]

    assert GateSettings.model_validate(tomllib.loads(example)["gate"]).min_accuracy == 0.88
    assert all(f"`{name}`" in page for name in SLICES)
    assert all(f"`gate.{name}`" in page for name in GateSettings.model_fields)
