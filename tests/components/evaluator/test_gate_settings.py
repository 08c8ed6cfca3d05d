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
        ({"metric": "f2", "at_least": 0.5}, "Input should be 'accuracy', 'balanced_accuracy', 'auc'"),
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


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        (
            {"metric": "accuracy", "class": "spam", "at_least": 0.5},
            "accuracy is over all classes: leave out class",
        ),
        (
            {"metric": "accuracy", "slice": "lang", "at_least": 0.5},
            'no slice is called "lang": give "overall"',
        ),
        ({"metric": "accuracy", "slice": "text:x", "at_least": 0.5}, 'no slice is called "text:x"'),
        ({"metric": "accuracy", "max_gap": 0.1}, "max_gap needs the name of a column as its slice"),
        ({"metric": "accuracy", "slice": "lang:de", "max_gap": 0.1}, 'data.slice_columns, not "lang:de"'),
        (
            {"metric": "accuracy", "slice": "lang", "max_gap": 0.1, "at_least": 0.5},
            "max_gap is about all slices of a column: give at_least in an entry of its own",
        ),
        ({"metric": "accuracy", "slice": "lang", "max_gap": -0.1}, "max_gap = -0.1 is impossible"),
        ({"metric": "example_count", "slice": "lang", "max_gap": 3}, "not example_count"),
    ],
)
def test_impossible_classes_slices_and_gaps_are_refused(condition, message):
    assert message in refusal(conditions=[condition])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"conditions": [{"metric": "accuracy", "slice": "shop:a", "at_least": 0.5}]},
            'conditions[0].slice = "shop:a": the examples do not have the column "shop"; set '
            'data.slice_columns = ["lang", "shop"]',
        ),
        (
            {"slices": {"shop:a": 0.5}},
            'slices."shop:a" = "shop:a": the examples do not have the column "shop"',
        ),
        (
            {"conditions": [{"metric": "recall", "class": "gray", "at_least": 0.5}]},
            'conditions[0].class = "gray": the data has no such class; give one of red, green, blue',
        ),
        (
            {"conditions": [{"metric": "recall", "at_least": 0.5}]},
            'conditions[0].metric = "recall": it is of one class; add class, one of red, green, blue, or use',
        ),
        (
            {"conditions": [{"metric": "calibration", "at_least": 0.5}]},
            'conditions[0].metric = "calibration": it is of two classes, and the data has 3; use ece',
        ),
    ],
)
def test_a_condition_that_the_data_cannot_answer_is_named(settings, message):
    gate = GateSettings(**settings)

    assert message in (gate.problem(classes=("red", "green", "blue"), slice_columns=("lang",)) or "")


def test_conditions_of_the_data_are_not_named():
    gate = GateSettings(
        conditions=[
            {"metric": "recall", "class": "red", "slice": "lang:de", "at_least": 0.5},
            {"metric": "accuracy", "slice": "lang", "max_gap": 0.5},
            {"metric": "accuracy", "slice": "span", "max_gap": 0.5},
        ]
    )

    assert gate.problem(classes=("red", "green", "blue"), slice_columns=("lang",)) is None
    assert gate.problem(classes=None, slice_columns=("lang",)) is None
    content = gate.model_dump(mode="json")
    assert content["conditions"][0]["class"] == "red"
    assert "class" not in content["conditions"][1]
    assert GateSettings.model_validate(content) == gate


@pytest.mark.parametrize("chance", ["chance", " Chance "])
def test_the_floor_of_balanced_accuracy_can_be_chance(chance):
    assert GateSettings(min_balanced_accuracy=chance).min_balanced_accuracy == "chance"
    assert GateSettings(min_balanced_accuracy="off").min_balanced_accuracy is None
