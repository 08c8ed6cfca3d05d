import dataclasses

import numpy as np
import pytest

from components.evaluator.judgment.judge import judge
from components.evaluator.judgment.wording import bound_judged, numbers, render, tally
from components.evaluator.predictions import Predictions
from components.evaluator.settings import GateSettings
from components.evaluator.verdict import Approval, Baseline, Verdict

SIZE = 1200
LABEL = np.arange(SIZE) % 2


def verdict(**settings) -> Verdict:
    """9 of 10 reviews right, the baseline 8 of 10."""

    def scores(share: float) -> np.ndarray:
        return np.where((np.arange(SIZE) < share * SIZE) == (LABEL == 1), 0.9, 0.1).astype(np.float32)

    found = Predictions(
        text=np.full(SIZE, "", object),
        label=LABEL.astype(np.int8),
        length=np.full(SIZE, "under 125 words", object),
        probability=scores(0.9),
        baseline_probability=scores(0.8),
    )
    gate = GateSettings(**{"min_balanced_accuracy": "off", "min_change_length": "off"} | settings)
    return judge(gate, found, split="test", baseline=Baseline(model_uri="models/7"))


def test_a_promotion_for_a_terminal():
    *lines, change, _, compared, resolution = render(verdict())

    assert lines == [
        "promoted: 3 of 3 conditions hold on test",
        "",
        "    metric              slice    limit       value    interval                   baseline  margin",
        "ok  example_count       overall  >= 50       1,200    -                          1,200     +1,150",
        "ok  accuracy            overall  >= 0.8500   0.9000   0.8817 to 0.9157 (95 %)    0.8000    +0.0500",
    ]
    assert change.startswith("ok  change of accuracy  overall  >= -0.0020  +0.1000  +0.08")
    assert change.endswith(" (95 %)  0.8000    +0.1020")
    assert compared == (
        "note: compared with the model in production on all 1,200 examples of test; neither model has seen "
        "any of them"
    )
    assert resolution == (
        "note: this test set can show differences of accuracy from ±0.0256 on: whether a change keeps "
        "gate.min_change = -0.002 is partly chance"
    )


@pytest.mark.parametrize(
    ("statuses", "told"),
    [
        (["ok"] * 3, "3 conditions held"),
        (["ok"] * 3 + ["not judged"] * 5, "3 conditions held, 5 were not judged"),
        (["not judged", "ok"], "1 condition held, 1 was not judged"),
        (["ok", "ok", "waived", "failed"], "2 conditions held, 1 was waived, 1 failed"),
        ([], "no condition is set"),
    ],
)
def test_conditions_are_counted_by_how_they_came_out(statuses, told):
    assert tally(statuses) == told


def test_the_bound_that_was_judged_is_named_beside_the_value():
    floor = {"kind": "floor", "value": 0.5, "lower": 0.4479, "upper": 0.5521}

    assert bound_judged(floor | {"judged": "lower"}) == "lower bound 0.4479"
    assert bound_judged(floor | {"judged": "value"}) == bound_judged(floor) == ""
    assert bound_judged({"kind": "change", "upper": 0.01, "judged": "upper"}) == "upper bound +0.0100"
    lines = render(verdict(min_balanced_accuracy=0.895))
    (row,) = [line for line in lines if "balanced_accuracy" in line and "FAILED" in line]
    assert "0.9000, lower bound 0.88" in row


def test_a_refusal_says_what_failed_below_the_table():
    lines = render(verdict(min_accuracy=0.95))

    assert lines[0] == "refused: 2 of 3 conditions hold on test"
    assert lines[4].startswith("FAILED  accuracy ")
    below = "accuracy 0.9000 is below the floor 0.9500 by 0.0500 on test (1,200 examples)"
    assert lines[-4:-2] == ["", below]


def test_what_was_not_judged_is_not_counted_among_what_holds():
    lines = render(verdict(min_change_length=-0.01))

    assert lines[0] == "promoted: 4 of 4 conditions hold on test, 3 not judged"
    assert sum(line.startswith("not judged  change of accuracy  length:") for line in lines) == 3


def test_an_approval_names_who_and_why():
    refused = verdict(min_change=0.2)
    approval = Approval(run="1", by="ada", reason="a new schema", at="2026-11-22T10:00:00Z")
    approved = dataclasses.replace(
        refused,
        conditions=tuple(dataclasses.replace(each, waived="ada") for each in refused.conditions),
        approval=approval,
    )

    lines = render(approved)

    assert lines[0] == "promoted: 3 of 3 conditions hold on test"
    assert lines[5].startswith("waived  change of accuracy ")
    assert lines[-1] == "approved by ada at 2026-11-22T10:00:00Z: a new schema"


def test_numbers_get_as_many_decimals_as_tell_them_apart():
    assert numbers(0.85, 0.9) == ("0.8500", "0.9000")
    assert numbers(0.8499996, 0.85) == ("0.8499996", "0.8500000")
    assert numbers(0.85, 0.85) == ("0.8500", "0.8500")
    assert numbers(-0.002, 0.001, signed=True) == ("-0.0020", "+0.0010")
