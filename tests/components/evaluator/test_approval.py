import dataclasses
import json
from pathlib import Path

import pytest
from ml_metadata import MetadataStore
from ml_metadata.proto import metadata_store_pb2 as mlmd

from components.errors import InputError
from components.evaluator.approval import APPROVED_BY, NotWaived, Waivers, approve, record, waived
from components.evaluator.verdict import Approval, Baseline, ConditionResult, Verdict

APPROVAL = Approval(
    run="20261122-101010.123456",
    by="ada",
    reason="the old model takes another schema",
    at="2026-11-22T10:10:10Z",
)


def condition(kind: str, *, passed: bool) -> ConditionResult:
    return ConditionResult(
        metric="accuracy",
        slice="overall",
        split="test",
        kind=kind,
        threshold=0.85,
        value=0.9,
        lower=None,
        upper=None,
        confidence=None,
        judged="value",
        baseline=None,
        passed=passed,
        margin=0.05,
        reason=f"{kind} {'holds' if passed else 'fails'}",
    )


def verdict(**outcomes: bool) -> Verdict:
    return Verdict(
        split="test",
        conditions=tuple(condition(kind, passed=passed) for kind, passed in outcomes.items()),
        metrics={"accuracy": 0.9},
        baseline=Baseline(model_uri="models/7", problem="gone"),
    )


@pytest.mark.parametrize("kind", ["baseline", "change", "change_ceiling", "unseen"])
def test_a_failed_comparison_can_be_waived(kind):
    approved = approve(verdict(floor=True, **{kind: False}), APPROVAL)

    assert approved.verdict == "promoted"
    assert approved.reasons == ()
    assert approved.approval == APPROVAL
    waived = approved.conditions[1]
    assert (waived.passed, waived.waived) == (
        False,
        "ada, 2026-11-22T10:10:10Z: the old model takes another schema",
    )
    assert approved.conditions[0].waived is None
    assert Verdict.from_json(approved.to_json()) == approved


@pytest.mark.parametrize("kind", ["floor", "ceiling", "examples"])
def test_what_a_model_shows_by_itself_stays_refused_unless_it_is_named(kind):
    with pytest.raises(NotWaived) as caught:
        approve(verdict(baseline=False, **{kind: False}), APPROVAL)

    assert caught.value.exit_code == 3
    assert str(caught.value) == (
        f"Run {APPROVAL.run} stays refused. "
        "An approval waives the comparison with production alone, and this failed, too:\n"
        f"  {kind} fails: --waive accuracy\n"
        "Repeat the command with each of them that you accept, or with --waive-all."
    )


@pytest.mark.parametrize("waivers", [Waivers(["accuracy"]), Waivers(everything=True)])
def test_what_is_named_is_waived(waivers):
    approved = approve(verdict(examples=True, floor=False), APPROVAL, waivers)

    assert approved.promoted
    assert [each.waived is not None for each in approved.conditions] == [False, True]


def test_a_waiver_is_for_one_slice():
    floors = verdict(floor=False, ceiling=False)
    short = dataclasses.replace(floors.conditions[1], slice="length:under 125 words")
    floors = dataclasses.replace(floors, conditions=(floors.conditions[0], short))

    with pytest.raises(NotWaived, match="ceiling fails: --waive 'accuracy@length:under 125 words'"):
        approve(floors, APPROVAL, Waivers(["accuracy"]))
    with pytest.raises(NotWaived, match="floor fails: --waive accuracy\n"):
        approve(floors, APPROVAL, Waivers(["accuracy@length:under 125 words"]))
    approved = approve(floors, APPROVAL, Waivers(["accuracy", "accuracy@length:under 125 words"]))
    assert waived(approved) == ["accuracy", "accuracy@length:under 125 words"]


def test_a_waiver_of_what_did_not_fail_is_refused():
    with pytest.raises(InputError) as caught:
        approve(verdict(floor=False), APPROVAL, Waivers(["auc"]))
    assert (
        str(caught.value)
        == f"'auc' is not a condition that failed in run {APPROVAL.run}; these did: accuracy."
    )


def test_a_waived_change_is_told_from_the_metric():
    assert waived(approve(verdict(floor=True, change=False), APPROVAL)) == ["change of accuracy"]


def test_a_promoted_run_needs_no_approval():
    with pytest.raises(
        InputError, match=r"Run 20261122-101010.123456 needs no approval: no condition of the gate failed"
    ):
        approve(verdict(floor=True), APPROVAL)


def test_an_approval_needs_a_name():
    with pytest.raises(InputError, match="An approval needs a name: say who you are with --by"):
        approve(verdict(baseline=False), dataclasses.replace(APPROVAL, by=" "))


def test_an_approval_needs_a_reason():
    with pytest.raises(InputError, match="An approval needs a reason: say it with --reason"):
        approve(verdict(baseline=False), dataclasses.replace(APPROVAL, reason="  "))


@pytest.fixture
def store() -> MetadataStore:
    config = mlmd.ConnectionConfig()
    config.fake_database.SetInParent()
    return MetadataStore(config)


@pytest.fixture
def evaluation(store) -> int:
    """An Evaluator's execution as TFX records one: a model in, evaluation and blessing out, contexts."""
    types = {
        name: store.put_artifact_type(mlmd.ArtifactType(name=name))
        for name in ("Model", "ModelEvaluation", "ModelBlessing")
    }
    pairs = []
    for key, name, kind in (
        ("model", "Model", mlmd.Event.INPUT),
        ("evaluation", "ModelEvaluation", mlmd.Event.OUTPUT),
        ("blessing", "ModelBlessing", mlmd.Event.OUTPUT),
    ):
        event = mlmd.Event(type=kind)
        event.path.steps.add().key = key
        pairs.append((mlmd.Artifact(type_id=types[name], uri=f"artifacts/{key}"), event))
    contexts = [
        mlmd.Context(type_id=store.put_context_type(mlmd.ContextType(name=kind)), name=name)
        for kind, name in (("pipeline", "imdb"), ("pipeline_run", APPROVAL.run), ("node", "imdb.Evaluator"))
    ]
    kind = store.put_execution_type(mlmd.ExecutionType(name="Evaluator"))
    execution, _, _ = store.put_execution(mlmd.Execution(type_id=kind), pairs, contexts)
    return execution


def test_an_approval_is_a_blessing_in_the_lineage_store(store, evaluation, tmp_path):
    approved = approve(verdict(baseline=False), APPROVAL)
    blessing_id = record(store, approved, evaluation=evaluation, folder=str(tmp_path / "approval"))

    (blessing,) = store.get_artifacts_by_id([blessing_id])
    (model,) = store.get_artifacts_by_type("Model")
    assert blessing.custom_properties["blessed"].int_value == 1
    assert blessing.custom_properties["current_model_id"].int_value == model.id
    assert blessing.custom_properties[APPROVED_BY].string_value == "ada"
    (execution,) = store.get_executions_by_type("greenlight.Approval")
    assert execution.custom_properties["reason"].string_value == "the old model takes another schema"
    assert execution.custom_properties["waived"].string_value == "accuracy"
    names = {context.name for context in store.get_contexts_by_execution(execution.id)}
    assert names == {"imdb", APPROVAL.run, "imdb.Approval"}
    assert {path.name for path in Path(blessing.uri).iterdir()} == {"BLESSED", "verdict.json"}
    assert json.loads(Path(blessing.uri, "verdict.json").read_text())["approval"]["by"] == "ada"


def test_an_approval_is_recorded_once(store, evaluation, tmp_path):
    approved = approve(verdict(baseline=False), APPROVAL)
    first, second = (record(store, approved, evaluation=evaluation, folder=str(tmp_path)) for _ in range(2))

    assert first == second
    assert len(store.get_executions_by_type("greenlight.Approval")) == 1


def test_a_second_run_is_approved_under_the_same_node(store, evaluation, tmp_path):
    for run in (APPROVAL.run, "20261123-101010.123456"):
        approved = approve(verdict(baseline=False), dataclasses.replace(APPROVAL, run=run))
        record(store, approved, evaluation=evaluation, folder=str(tmp_path / run))

    assert len(store.get_executions_by_type("greenlight.Approval")) == 2


def test_only_what_was_approved_is_recorded(store, evaluation, tmp_path):
    with pytest.raises(ValueError, match="the verdict was not approved"):
        record(store, verdict(baseline=False), evaluation=evaluation, folder=str(tmp_path))
