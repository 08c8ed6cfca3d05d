"""A verdict follows from its conditions, and is read back as it was written."""

import dataclasses
import json
import math

import pytest

from components.evaluator.verdict import (
    Approval,
    Baseline,
    Comparison,
    Condition,
    ConditionResult,
    TestSet,
    Verdict,
    status_of,
)


def result(passed: bool, *, waived: str | None = None, **more) -> ConditionResult:
    about = {"metric": "accuracy", "slice": "overall", "split": "test", "kind": "floor", "threshold": 0.85}
    about |= {"reason": "kept" if passed else "broken"}
    return ConditionResult(passed=passed, waived=waived, **about | more)


KEPT, BROKEN = result(True), result(False)
WAIVED = result(False, waived="ada, the first one", reason="waived")
UNJUDGED = result(True, unjudged="no other model in production")


def verdict(*conditions: ConditionResult, **more) -> Verdict:
    return Verdict(split="test", conditions=conditions, metrics={"accuracy": 0.9}, **more)


@pytest.mark.parametrize(
    ("condition", "holds", "status"),
    [
        (KEPT, True, "ok"),
        (BROKEN, False, "failed"),
        (WAIVED, True, "waived"),
        (UNJUDGED, True, "not judged"),
        (result(True, waived="in vain"), True, "ok"),
        (result(False, waived=""), True, "waived"),
        (result(False, unjudged="no examples"), False, "failed"),
    ],
)
def test_a_condition_holds_where_it_passed_or_was_waived(condition, holds, status):
    assert (condition.holds, condition.status) == (holds, status)
    assert condition.to_dict()["status"] == status
    assert status_of(condition.to_dict()) == status
    assert ConditionResult.from_dict(condition.to_dict()) == condition


def test_keys_of_another_greenlight_are_passed_over():
    assert ConditionResult.from_dict(KEPT.to_dict() | {"later": 1}) == KEPT


@pytest.mark.parametrize(
    ("record", "status"),
    [
        ({"passed": True, "value": 0.9}, "ok"),
        ({"passed": True, "value": 0.0}, "ok"),
        ({"passed": True, "value": None}, "not judged"),
        ({"passed": True}, "not judged"),
        ({"passed": False, "waived": None}, "failed"),
        ({"passed": False, "waived": "ada"}, "waived"),
        ({}, "failed"),
        ({"status": "waived", "passed": True, "value": 1}, "waived"),
    ],
)
def test_records_from_before_there_was_a_status_have_one(record, status):
    assert status_of(record) == status


@pytest.mark.parametrize(
    ("conditions", "said", "reasons"),
    [
        ((KEPT,), "promoted", ()),
        ((KEPT, UNJUDGED, WAIVED), "promoted", ()),
        ((BROKEN,), "refused", ("broken",)),
        ((KEPT, BROKEN), "refused", ("broken",)),
        ((BROKEN, KEPT), "refused", ("broken",)),
        ((WAIVED, result(False, reason="too"), BROKEN), "refused", ("too", "broken")),
    ],
)
def test_one_condition_that_does_not_hold_refuses(conditions, said, reasons):
    found = verdict(*conditions)
    assert (found.verdict, found.promoted, found.reasons) == (said, said == "promoted", reasons)
    assert json.loads(found.to_json())["verdict"] == said


def test_without_conditions_there_is_no_verdict():
    with pytest.raises(ValueError, match=r"^a verdict without conditions says nothing$"):
        verdict()


FULL = verdict(
    dataclasses.replace(KEPT, value=0.9, lower=0.8, upper=0.95, margin=0.05, examples=10, texts=9),
    WAIVED,
    slices=({"slice": "span:1", "accuracy": 0.5},),
    baseline=Baseline(model_uri="models/7", metrics={"accuracy": 0.8, "auc": None}),
    approval=Approval(run="run-1", by="ada", reason="the first one", at="2026-11-22T10:10:10Z"),
    comparison=Comparison(
        reviews=10, compared=8, left_out={"seen": 2}, needed=5, data_changes=("the spans were 1 and are 2",)
    ),
    test_set=TestSet(digest="ab", reviews=10, texts=9, resolution=0.1, candidates=2),
    notes=("a note",),
)


def test_the_json_holds_everything():
    assert FULL.to_json().startswith('{\n "verdict": "promoted",\n "split": "test",\n')
    assert [each["status"] for each in json.loads(FULL.to_json())["conditions"]] == ["ok", "waived"]
    assert Verdict.from_json(FULL.to_json()) == FULL
    bare = verdict(KEPT)
    assert Verdict.from_json(bare.to_json()) == bare


def test_numbers_that_json_lacks_are_null_at_any_depth():
    found = verdict(
        dataclasses.replace(KEPT, value=math.nan, upper=math.inf),
        slices=({"slice": "a", "auc": -math.inf, "parts": (math.nan, 1.5)},),
    )
    content = json.loads(found.to_json())
    assert (content["conditions"][0]["value"], content["conditions"][0]["upper"]) == (None, None)
    assert content["slices"] == [{"slice": "a", "auc": None, "parts": [None, 1.5]}]
    assert content["metrics"] == {"accuracy": 0.9}


@pytest.mark.parametrize("part", ["baseline", "approval", "comparison", "test_set"])
def test_keys_that_a_newer_release_has_added_are_passed_over(part):
    content = json.loads(FULL.to_json()) | {"added": 1}
    content[part] |= {"added": [1]}
    assert Verdict.from_json(json.dumps(content)) == FULL


def test_a_verdict_from_before_comparisons_were_recorded_is_read():
    content = json.loads(FULL.to_json())
    for later in ("comparison", "test_set", "notes"):
        del content[later]
    found = Verdict.from_json(json.dumps(content))
    assert (found.comparison, found.test_set, found.notes) == (None, None, ())
    assert found.conditions == FULL.conditions


@pytest.mark.parametrize(
    ("conditions", "said", "meant"), [((KEPT,), "refused", "promoted"), ((BROKEN,), "promoted", "refused")]
)
def test_a_verdict_at_odds_with_its_conditions_is_not_believed(conditions, said, meant):
    content = json.loads(verdict(*conditions).to_json()) | {"verdict": said}
    with pytest.raises(ValueError, match=rf"^the verdict says {said}, its conditions say {meant}$"):
        Verdict.from_json(json.dumps(content))


@pytest.mark.parametrize("text", ["[]", "{}", '{"verdict": "promoted"}', "null", '"promoted"'])
def test_what_is_no_verdict_is_not_read_as_one(text):
    with pytest.raises(ValueError, match=r"^not a verdict: "):
        Verdict.from_json(text)


def test_text_that_is_not_json_is_no_verdict():
    with pytest.raises(ValueError):
        Verdict.from_json("{")


@pytest.mark.parametrize(
    ("kind", "ceiling"),
    [("floor", False), ("change", False), ("examples", False), ("ceiling", True), ("change_ceiling", True)],
)
def test_limits_from_above_are_ceilings(kind, ceiling):
    assert Condition(metric="loss", kind=kind, threshold=1).is_ceiling is ceiling
