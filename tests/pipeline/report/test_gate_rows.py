"""The gate's conditions in words, and their places on a scale."""

import pytest

from pipeline.report.gate_rows import gate_rows


def condition(**changes: object) -> dict:
    return {
        "metric": "accuracy",
        "slice": "overall",
        "kind": "floor",
        "threshold": 0.85,
        "value": 0.9,
        "passed": True,
    } | changes


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({}, "accuracy ≥ 0.85"),
        ({"kind": "ceiling", "metric": "ece", "threshold": 0.05}, "expected calibration error ≤ 0.05"),
        ({"kind": "change", "threshold": -0.002}, "change of accuracy ≥ −0.002"),
        ({"kind": "change_ceiling", "metric": "loss", "threshold": 0.01}, "change of loss ≤ 0.01"),
        ({"kind": "examples", "metric": "example_count", "threshold": 50}, "number of examples ≥ 50"),
        ({"kind": "baseline", "threshold": None}, "a model in production to compare with"),
        ({"kind": "quality", "threshold": None}, "a condition on the quality of the model that was judged"),
    ],
)
def test_each_kind_has_its_words(changes, text):
    assert gate_rows([condition(**changes)])[0].text == text


def test_what_failed_comes_first():
    rows = gate_rows([condition(), condition(metric="auc", passed=False)])

    assert [row.text for row in rows] == ["AUC ≥ 0.85", "accuracy ≥ 0.85"]


def test_a_scale_has_limit_value_and_interval_in_order():
    scale = gate_rows([condition(lower=0.88, upper=0.92, baseline=0.87)])[0].scale

    assert 0 < scale.limit < scale.baseline < scale.lower < scale.value < scale.upper < 100
    assert scale.rises


def test_a_ceiling_passes_to_the_left():
    scale = gate_rows([condition(kind="ceiling", threshold=0.95)])[0].scale

    assert scale.value < scale.limit and not scale.rises


def test_the_baseline_of_a_change_has_no_place_on_its_scale():
    assert (
        gate_rows([condition(kind="change", threshold=0.0, value=0.01, baseline=0.88)])[0].scale.baseline
        is None
    )


def test_a_value_on_its_limit_stays_on_the_scale():
    scale = gate_rows([condition(threshold=0.85, value=0.85)])[0].scale

    assert scale.limit == scale.value == 50


@pytest.mark.parametrize("changes", [{"value": None}, {"threshold": None}])
def test_without_a_number_there_is_no_scale(changes):
    assert gate_rows([condition(**changes)])[0].scale is None


def test_a_record_of_few_words_is_enough():
    row = gate_rows(
        [{"metric": "accuracy", "slice": "overall", "threshold": 0.85, "value": 0.9, "passed": True}]
    )[0]

    assert row.data["reason"] is None and row.where == "overall"


def test_counts_are_whole_numbers():
    row = gate_rows(
        [condition(metric="example_count", kind="examples", threshold=50, value=507.0, margin=457.0)]
    )[0]

    assert (repr(row.data["value"]), repr(row.data["margin"])) == ("507", "457")


@pytest.mark.parametrize(
    ("changes", "outcome"),
    [
        ({}, "passed"),
        ({"passed": False}, "failed"),
        ({"passed": False, "waived": "Ada: new data"}, "waived"),
        ({"kind": "change", "value": None}, "not judged"),
    ],
)
def test_each_outcome_has_its_word(changes, outcome):
    assert gate_rows([condition(**changes)])[0].outcome == outcome


def test_an_older_span_that_was_not_judged_never_passes_for_one_that_held():
    row = gate_rows(
        [condition(slice="span:5", kind="change", threshold=-0.01, value=None, unjudged="too few examples")]
    )[0]

    assert (row.where, row.text) == ("span 5", "change of accuracy ≥ −0.01")
    assert row.outcome == "not judged"
