"""Manual approval of a refused model: the waived conditions and their record.

An approval waives the comparison with production, and that there was none. Any other failed condition (a
floor, a ceiling, the number of examples) must be named. The verdict, a file and the lineage store record who
approved, when and why; the lineage store as a blessing by the stage `Approval`.
"""

import dataclasses
import os
import shlex
from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

from components.errors import GreenlightError, InputError
from components.evaluator.settings import OVERALL
from components.evaluator.verdict import FILE_NAME, WAIVABLE_KINDS, Approval, ConditionResult, Verdict

if TYPE_CHECKING:
    from ml_metadata import MetadataStore
    from ml_metadata.proto import metadata_store_pb2 as mlmd

STAGE = "Approval"
APPROVED_BY = "approved_by"
"""The custom property that distinguishes an approval's blessing from the gate's."""
_EXECUTION_TYPE = "greenlight.Approval"
SHOWN_NAMES = {"unseen_reviews": "unseen_examples"}
"""Names of conditions in the JSON of verdicts and approvals, and those that people read and give."""


class NotWaived(GreenlightError):
    """The approval does not name all failed conditions, so the model stays refused."""

    exit_code = 3


@dataclasses.dataclass(frozen=True)
class Waivers:
    """What an approval waives besides the comparison with production.

    Attributes:
      names: conditions, as `condition_name` names them.
      everything: whether all failed conditions are waived.
    """

    names: Collection[str] = ()
    everything: bool = False

    def cover(self, condition: ConditionResult) -> bool:
        named = not _names(condition).isdisjoint(self.names)
        return self.everything or condition.kind in WAIVABLE_KINDS or named


def condition_name(condition: ConditionResult) -> str:
    """The name of a condition on the command line: METRIC or METRIC:CLASS, of a slice with @SLICE."""
    name = _recorded_name(condition)
    return SHOWN_NAMES.get(name, name)


def _names(condition: ConditionResult) -> set[str]:
    """The names by which a condition can be waived."""
    return {condition_name(condition), _recorded_name(condition)}


def _recorded_name(condition: ConditionResult) -> str:
    """The name of a condition in JSON."""
    metric = (
        condition.metric if condition.class_name is None else f"{condition.metric}:{condition.class_name}"
    )
    return metric if condition.slice == OVERALL else f"{metric}@{condition.slice}"


def approve(verdict: Verdict, approval: Approval, waivers: Waivers | None = None) -> Verdict:
    """The verdict with its failed conditions waived, which promotes the model.

    Raises:
      InputError: the person or the reason is missing, no condition failed, or a waived one did not fail.
      NotWaived: a failed condition is neither a comparison with production nor among the waivers.
    """
    waivers = waivers or Waivers()
    if not approval.reason.strip():
        raise InputError("An approval needs a reason: say it with --reason.")
    if not approval.by.strip():
        raise InputError("An approval needs a name: say who you are with --by, or leave it out.")
    failed = [each for each in verdict.conditions if not each.holds]
    if not failed:
        raise InputError(f"Run {approval.run} needs no approval: no condition of the gate failed.")
    _refuse_unknown(waivers, failed, run=approval.run)
    _refuse_unwaived([each for each in failed if not waivers.cover(each)], run=approval.run)
    word = f"{approval.by}, {approval.at}: {approval.reason}"
    conditions = tuple(
        each if each.holds else dataclasses.replace(each, waived=word) for each in verdict.conditions
    )
    return dataclasses.replace(verdict, conditions=conditions, approval=approval)


def waived(verdict: Verdict) -> list[str]:
    """The names of the waived conditions; a change is distinct from the metric itself."""
    return [
        f"{_KINDS.get(each.kind, '')}{_recorded_name(each)}"
        for each in verdict.conditions
        if each.waived is not None
    ]


_KINDS = {"change": "change of ", "change_ceiling": "change of ", "gap": "gap of "}


def _refuse_unknown(waivers: Waivers, failed: list[ConditionResult], *, run: str) -> None:
    """Raises InputError for waivers of conditions that did not fail: they may be typing errors."""
    known = list(dict.fromkeys(condition_name(each) for each in failed))
    accepted = set().union(*map(_names, failed))
    for name in waivers.names:
        if name not in accepted:
            told = ", ".join(known)
            raise InputError(f"{name!r} is not a condition that failed in run {run}; these did: {told}.")


def _refuse_unwaived(left: list[ConditionResult], *, run: str) -> None:
    if not left:
        return
    told = "".join(f"\n  {each.reason}: --waive {shlex.quote(condition_name(each))}" for each in left)
    raise NotWaived(
        f"Run {run} stays refused. An approval waives the comparison with production alone, and this failed, "
        f"too:{told}\nRepeat the command with each of them that you accept, or with --waive-all."
    )


def record(store: "MetadataStore", verdict: Verdict, *, evaluation: int, folder: str) -> int:
    """Records an approval in the lineage store, once; returns the id of its ModelBlessing.

    From then on the model is blessed, and a run that trains the same model again does not compare it.

    Args:
      store: the lineage store of the run.
      verdict: what `approve` returned.
      evaluation: the id of the Evaluator's execution in that run.
      folder: where the blessing's marker and the approved verdict are written.
    """
    from ml_metadata.proto import metadata_store_pb2 as mlmd

    approval = verdict.approval
    if approval is None:
        raise ValueError("the verdict was not approved")
    known = store.get_execution_by_type_and_name(_EXECUTION_TYPE, approval.run)
    if known is not None:
        (event,) = store.get_events_by_execution_ids([known.id])[-1:]
        return event.artifact_id
    os.makedirs(folder, exist_ok=True)
    for name, content in (("BLESSED", ""), (FILE_NAME, verdict.to_json())):
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            file.write(content)

    inputs = _artifacts_of(store, evaluation)
    blessing = mlmd.Artifact(
        type_id=store.get_artifact_type("ModelBlessing").id, uri=folder, state=mlmd.Artifact.LIVE
    )
    blessing.custom_properties["blessed"].int_value = 1
    blessing.custom_properties["current_model_id"].int_value = inputs["model"].id
    blessing.custom_properties["current_model"].string_value = inputs["model"].uri
    blessing.custom_properties["component_id"].string_value = STAGE
    blessing.custom_properties[APPROVED_BY].string_value = approval.by
    execution = mlmd.Execution(
        type_id=store.put_execution_type(mlmd.ExecutionType(name=_EXECUTION_TYPE)),
        name=approval.run,
        last_known_state=mlmd.Execution.COMPLETE,
    )
    for key, value in (*dataclasses.asdict(approval).items(), ("waived", ", ".join(waived(verdict)))):
        execution.custom_properties[key].string_value = value
    pairs = [(inputs[key], _event(key, mlmd.Event.INPUT)) for key in ("model", "evaluation")]
    pairs.append((blessing, _event("blessing", mlmd.Event.OUTPUT)))
    _, artifact_ids, _ = store.put_execution(execution, pairs, list(_contexts(store, evaluation)))
    return artifact_ids[-1]


def _artifacts_of(store: "MetadataStore", execution: int) -> "dict[str, mlmd.Artifact]":
    """Input or output key -> artifact of an execution."""
    events = store.get_events_by_execution_ids([execution])
    artifacts = {each.id: each for each in store.get_artifacts_by_id([event.artifact_id for event in events])}
    return {event.path.steps[0].key: artifacts[event.artifact_id] for event in events}


def _event(key: str, kind: "mlmd.Event.Type") -> "mlmd.Event":
    from ml_metadata.proto import metadata_store_pb2 as mlmd

    event = mlmd.Event(type=kind)
    event.path.steps.add().key = key
    event.path.steps.add().index = 0
    return event


def _contexts(store: "MetadataStore", evaluation: int) -> "Iterable[mlmd.Context]":
    """The pipeline and run contexts of the Evaluator, and a node context named as TFX names them."""
    from ml_metadata.proto import metadata_store_pb2 as mlmd

    for context in store.get_contexts_by_execution(evaluation):
        if context.type != "node":
            yield context
            continue
        name = f"{context.name.rpartition('.')[0]}.{STAGE}"
        known = store.get_context_by_type_and_name("node", name)
        yield known or mlmd.Context(type_id=context.type_id, name=name)
