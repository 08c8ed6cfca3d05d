"""A person's word against the comparison with production: what it can waive, and how it is recorded.

A model that the gate refused only because it could not be compared, or did not compare well, may be approved:
who, when and why go into its verdict, into a file and into the lineage store, as a blessing by the stage
`Approval`. What the model shows by itself (floors, ceilings, the number of examples) nobody can
waive.
"""

import dataclasses
import os
from collections.abc import Iterable
from typing import TYPE_CHECKING

from components.errors import InputError
from components.evaluator.verdict import FILE_NAME, WAIVABLE_KINDS, Approval, Verdict

if TYPE_CHECKING:
    from ml_metadata import MetadataStore
    from ml_metadata.proto import metadata_store_pb2 as mlmd

STAGE = "Approval"
APPROVED_BY = "approved_by"
"""The custom property that tells an approval's blessing from a gate's."""
_EXECUTION_TYPE = "greenlight.Approval"


def approve(verdict: Verdict, approval: Approval) -> Verdict:
    """The verdict with its failed comparisons waived: promoted, by the word of a person.

    Raises:
      InputError: nobody gave a reason, there is nothing to waive, or what failed cannot be waived.
    """
    if not approval.reason.strip():
        raise InputError("An approval needs a reason: say it with --reason.")
    if verdict.promoted:
        raise InputError(f"Run {approval.run} needs no approval: its model was promoted.")
    firm = [each.reason for each in verdict.conditions if not each.holds and each.kind not in WAIVABLE_KINDS]
    if firm:
        raise InputError(
            f"Run {approval.run} cannot be approved: only the comparison with production can be waived, and "
            f"this failed too: {'; '.join(firm)}. Change the gate's settings if you mean to accept that."
        )
    word = f"{approval.by}, {approval.at}: {approval.reason}"
    conditions = tuple(
        each if each.holds else dataclasses.replace(each, waived=word) for each in verdict.conditions
    )
    return dataclasses.replace(verdict, conditions=conditions, approval=approval)


def record(store: "MetadataStore", verdict: Verdict, *, evaluation: int, folder: str) -> int:
    """Records an approval in the lineage store, once; returns the id of its ModelBlessing.

    From then on the model counts as blessed, and a run that trains the same model again does not compare it.

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
    for key, value in dataclasses.asdict(approval).items():
        execution.custom_properties[key].string_value = value
    pairs = [(inputs[key], _event(key, mlmd.Event.INPUT)) for key in ("model", "evaluation")]
    pairs.append((blessing, _event("blessing", mlmd.Event.OUTPUT)))
    _, artifact_ids, _ = store.put_execution(execution, pairs, list(_contexts(store, evaluation)))
    return artifact_ids[-1]


def _artifacts_of(store: "MetadataStore", execution: int) -> "dict[str, mlmd.Artifact]":
    """The artifacts of an execution by their input or output key."""
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
    """Pipeline and run as the Evaluator's; a node of our own, named as TFX names nodes."""
    from ml_metadata.proto import metadata_store_pb2 as mlmd

    for context in store.get_contexts_by_execution(evaluation):
        if context.type != "node":
            yield context
            continue
        name = f"{context.name.rpartition('.')[0]}.{STAGE}"
        known = store.get_context_by_type_and_name("node", name)
        yield known or mlmd.Context(type_id=context.type_id, name=name)
