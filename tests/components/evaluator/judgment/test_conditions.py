"""The conditions that a gate's settings come to, each with everything that is asked."""

from components.evaluator.judgment.conditions import conditions
from components.evaluator.settings import SLICES, GateSettings
from components.evaluator.verdict import Condition


def accuracy(kind: str, threshold: float, where: str = "overall", **more) -> Condition:
    return Condition(metric="accuracy", kind=kind, threshold=threshold, slice=where, **more)


EVERYTHING = GateSettings(
    min_examples=70,
    min_accuracy=0.81,
    min_balanced_accuracy=0.52,
    min_change=-0.003,
    max_calibration_error=0.1,
    min_change_base=-0.011,
    min_change_newest=-0.012,
    min_change_older=-0.014,
    min_accuracy_newest=0.61,
    min_change_length=-0.013,
    min_span_examples=31,
    slices={SLICES[1]: 0.7, SLICES[0]: 0.6},
    conditions=[
        {"metric": "auc", "at_least": 0.9, "at_most": 0.99, "change_at_least": -0.1, "change_at_most": 0.2},
        {"metric": "loss", "slice": SLICES[2], "at_most": 0.4},
    ],
)


def test_every_setting_is_a_condition_in_the_order_of_reading():
    assert conditions(EVERYTHING, newest_span=12, older_spans={11, 3}, judged_spans=2) == (
        Condition(metric="example_count", kind="examples", threshold=70),
        accuracy("floor", 0.81),
        Condition(metric="balanced_accuracy", kind="floor", threshold=0.52, by="proof"),
        accuracy("change", -0.003),
        Condition(metric="ece", kind="ceiling", threshold=0.1),
        accuracy("change", -0.003, "span:!12", min_examples=31),
        accuracy("change", -0.011, "span:0", min_examples=31, by="doubt"),
        accuracy("change", -0.012, "span:12", min_examples=31, by="doubt"),
        accuracy("floor", 0.61, "span:12", min_examples=1, by="doubt"),
        accuracy("change", -0.014, "span:3", min_examples=31, by="doubt", family=2),
        accuracy("change", -0.014, "span:11", min_examples=31, by="doubt", family=2),
        *(accuracy("change", -0.013, name, min_examples=31, by="doubt", family=4) for name in SLICES),
        *(accuracy("floor", floor, name) for name, floor in sorted({SLICES[0]: 0.6, SLICES[1]: 0.7}.items())),
        Condition(metric="auc", kind="floor", threshold=0.9),
        Condition(metric="auc", kind="ceiling", threshold=0.99),
        Condition(metric="auc", kind="change", threshold=-0.1),
        Condition(metric="auc", kind="change_ceiling", threshold=0.2),
        Condition(metric="loss", kind="ceiling", threshold=0.4, slice=SLICES[2]),
    )


def test_without_spans_nothing_is_asked_of_spans():
    asked = conditions(EVERYTHING)
    assert asked == tuple(
        each for each in conditions(EVERYTHING, newest_span=12) if not each.slice.startswith("span:")
    )


def test_limits_of_zero_are_limits():
    gate = GateSettings(
        min_accuracy=0,
        min_balanced_accuracy=0,
        min_change=0,
        max_calibration_error=0,
        min_change_base=0,
        min_change_newest=0,
        min_accuracy_newest=0,
        min_change_length=0,
        conditions=[{"metric": "loss", "at_least": 0, "change_at_most": 0}],
    )
    asked = [each for each in conditions(gate, newest_span=1) if each.kind != "examples"]
    assert [each.threshold for each in asked] == [0] * 14


def test_what_is_switched_off_is_not_asked():
    off = dict.fromkeys(
        (
            "min_balanced_accuracy",
            "min_change",
            "min_change_base",
            "min_change_newest",
            "min_accuracy_newest",
            "min_change_length",
        ),
        "off",
    )
    asked = conditions(GateSettings(min_accuracy=0.8, **off), newest_span=12)
    assert [(each.metric, each.slice) for each in asked] == [
        ("example_count", "overall"),
        ("accuracy", "overall"),
    ]
    lengths = conditions(GateSettings(min_change="off", min_change_length=-0.01), newest_span=12)
    assert not [each for each in lengths if each.slice in SLICES or each.slice == "span:!12"]


def test_older_spans_are_not_asked_for_without_a_comparison_or_a_floor_of_their_own():
    for off in ("min_change", "min_change_older"):
        asked = conditions(GateSettings(**{off: "off"}), newest_span=12, older_spans={3})
        assert not [each for each in asked if each.slice == "span:3"]
    (asked,) = [
        each for each in conditions(GateSettings(), newest_span=12, older_spans={3}) if each.slice == "span:3"
    ]
    assert (asked.threshold, asked.family) == (-0.01, 1)
