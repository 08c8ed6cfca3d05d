"""Promotion of a refused run by a person, recorded in the version store, the lineage and the run."""

from __future__ import annotations

import dataclasses
import datetime
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from components.errors import GreenlightError, InputError
from components.evaluator.approval import STAGE, NotWaived, Waivers, approve, record, waived
from components.evaluator.verdict import FILE_NAME, Approval, Verdict
from components.store_errors import as_greenlight_errors
from pipeline.lineage.runs import Artifact, Run, Stage, read_run
from pipeline.lineage.store import reading
from pipeline.results.outcome import RunResult
from pipeline.results.recorded_accuracy import Accuracies
from pipeline.results.verdicts import canary_reasons
from pipeline.workspace.past_runs import ended_run
from pipeline.workspace.relocation import relocate_artifacts
from serving.storage.resolve import files_for
from serving.store.journal import whoami
from serving.store.manifest import REVIEWS_NAME, Facts, model_digest
from serving.store.publish import model_entries
from serving.store.signing import signer_of, verifier_of
from serving.versions import VersionStore

if TYPE_CHECKING:
    from components.pusher.settings import PushSettings
    from pipeline.workspace.layout import Workspace
    from serving.store.records import Version

VERDICT = "approved"
"""What the manifest of an approved version says in the place of the gate's verdict."""
_PIPELINE_CONTEXT = "pipeline"
_SERVING_FOLDER = "Format-Serving"  # as TFX names it, which takes seconds to import


@dataclasses.dataclass(frozen=True, kw_only=True)
class Decision:
    """What a person decided about the run whose id begins with `run` (None: the newest that ended).

    by: who they are; None for user@host.
    """

    run: str | None
    reason: str
    by: str | None = None
    waivers: Waivers = dataclasses.field(default_factory=Waivers)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Approved:
    """What came of it: the model is `version`, `unchanged` where it was live before.

    approval: `by`, `at` (UTC), `reason`, `waived` and `version`, as the run's result has them; None where the
      model was live without this approval, which is then not needed and not recorded.
    accuracies: those recorded for the model and for the version that was live before it.
    """

    outcome: Literal["promoted", "unchanged"]
    run: str
    version: int
    path: str
    approval: dict[str, Any] | None
    accuracies: Accuracies


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Refused:
    """A refused run: its result, its lineage, and the execution that judged it."""

    result: RunResult
    lineage: Run
    evaluator: Stage

    @property
    def id(self) -> str:
        return self.lineage.id


def promote_refused(workspace: Workspace, decision: Decision, *, push: PushSettings) -> Approved:
    """Promotes the model of a run that the gate refused, and records the decision.

    The version store comes first, then the lineage store, then the run's result, so that a decision that was
    cut short is finished by making it again.

    Raises:
      InputError: the run is not there or was not refused, or the decision lacks its reason.
      NotWaived: something failed that is not waived, or that cannot be waived.
      GreenlightError: the model is not the one that was evaluated, or cannot be pushed.
    """
    ended_run(workspace, decision.run)  # a mistyped run or workspace is answered before anything is locked
    with workspace.exclusively():
        result = ended_run(workspace, decision.run)
        if result.verdict != "refused" or result.run is None:
            raise InputError(
                f"Run {result.run} was not refused: it is {result.verdict}. There is nothing to approve."
            )
        relocate_artifacts(workspace)
        lineage = read_run(workspace.metadata, result.run)
        run = _Refused(result=result, lineage=lineage, evaluator=_evaluator(lineage))
        store = _versions(workspace, run.evaluator, push)
        if result.approval is not None:
            return _approved_before(run, dict(result.approval), store)
        if (live := _live_without(run, store)) is not None:
            return _unchanged(run, live, store, approval=None)
        return _carry_out(_approve(run, decision), run, workspace, store)


def _approve(run: _Refused, decision: Decision) -> Verdict:
    """The run's verdict with what failed waived."""
    blessing = run.lineage.output("InfraValidator", "blessing")
    if blessing is None or not blessing.properties.get("blessed"):
        reasons = canary_reasons(run.lineage) if blessing else ["the check did not run"]
        raise NotWaived(
            f"Run {run.id} stays refused: its model does not serve, and that cannot be waived: "
            f"{'; '.join(reasons)}"
        )
    verdict = _verdict(run.evaluator.outputs["evaluation"][-1])
    if verdict.promoted:
        raise InputError(
            f"The gate did not refuse the model of run {run.id}: {'; '.join(run.result.reasons)}"
        )
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    by = whoami() if decision.by is None else decision.by.strip()
    approval = Approval(run=run.id, by=by, reason=" ".join(decision.reason.split()), at=now)
    return approve(verdict, approval, decision.waivers)


def _carry_out(verdict: Verdict, run: _Refused, workspace: Workspace, store: VersionStore) -> Approved:
    """Pushes the model of `run` under the approved `verdict`, and records that."""
    assert verdict.approval is not None
    approval = dataclasses.asdict(verdict.approval) | {"waived": waived(verdict)}
    del approval["run"]
    kept, model = _pushable(run)
    facts = dataclasses.replace(
        kept,
        verdict=VERDICT,
        conditions=tuple(each.to_dict() for each in verdict.conditions),
        approval=approval,
        run_id=run.id,
    )
    with as_greenlight_errors():
        pushed = store.push(
            model,
            facts,
            why=f"run {run.id}, approved by {approval['by']}: {approval['reason']}",
            records=_records(run),
        )
    if pushed.outcome == "rejected":
        raise GreenlightError(f"Nothing was promoted: {pushed.reason}.")
    with reading(workspace.metadata) as lineage:
        record(
            lineage,
            verdict,
            evaluation=run.evaluator.execution_id,
            folder=str(workspace.artifacts / STAGE / "blessing" / run.id),
        )
    approval |= {"version": str(pushed.version)}
    dataclasses.replace(run.result, approval=approval).save(workspace.result(run.id))
    return Approved(
        outcome="promoted" if pushed.outcome == "pushed" else "unchanged",
        run=run.id,
        version=pushed.version,
        path=pushed.path,
        approval=approval,
        accuracies=_accuracies(run.result, store, pushed.version),
    )


def _approved_before(run: _Refused, approval: dict[str, Any], store: VersionStore) -> Approved:
    """The same decision again changes nothing while its version is live."""
    number = approval["version"]
    with as_greenlight_errors():
        live = store.live()
    if live is None or str(live.number) != number:
        raise InputError(
            f"Run {run.id} was approved by {approval['by']} at {approval['at']}, as version {number}, "
            f"which is no longer live. `greenlight promote {number}` makes it live again."
        )
    return _unchanged(run, live, store, approval=approval)


def _live_without(run: _Refused, store: VersionStore) -> Version | None:
    """The live version, if it has the run's model and not by an approval of this run that was cut short."""
    pushed = run.lineage.output("Pusher", "pushed_model")
    with as_greenlight_errors():
        live = store.live()
    if pushed is None or live is None or live.manifest is None or live.problems:
        return None
    facts = live.manifest.facts
    approved_here = facts.approval is not None and facts.run_id == run.id
    return None if approved_here or live.digest != pushed.properties.get("model_digest") else live


def _unchanged(
    run: _Refused, live: Version, store: VersionStore, *, approval: dict[str, Any] | None
) -> Approved:
    return Approved(
        outcome="unchanged",
        run=run.id,
        version=live.number,
        path=live.path,
        approval=approval,
        accuracies=_accuracies(run.result, store, live.number),
    )


def _accuracies(result: RunResult, store: VersionStore, number: int) -> Accuracies:
    with as_greenlight_errors():
        return Accuracies.of(result, store.versions(), number=number)


def _evaluator(run: Run) -> Stage:
    stage = run.stage("Evaluator")
    if stage is None or not stage.inputs.get("model") or not stage.outputs.get("evaluation"):
        raise InputError(f"Run {run.id} was never evaluated, so there is nothing to approve. Run again.")
    return stage


def _verdict(evaluation: Artifact) -> Verdict:
    path = evaluation.path / FILE_NAME
    try:
        return Verdict.from_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise GreenlightError(f"The gate's verdict at {path} cannot be read ({error}). Run again.") from error


def _versions(workspace: Workspace, evaluator: Stage, push: PushSettings) -> VersionStore:
    """The store that the run's own pipeline pushes to, whatever model the settings name now."""
    with reading(workspace.metadata) as lineage:
        contexts = lineage.get_contexts_by_execution(evaluator.execution_id)
    (model_name,) = (context.name for context in contexts if context.type == _PIPELINE_CONTEXT)
    with as_greenlight_errors():
        return VersionStore(
            push.store_for(model_name, workspace.serving(model_name)),
            single_writer=push.single_writer,
            signer=signer_of(push.signing_key),
            verifier=verifier_of(push.public_key),
        )


def _records(run: _Refused) -> dict[str, str]:
    """The record of the examples that the model was trained on, where its Evaluator left one."""
    path = run.evaluator.outputs["evaluation"][-1].path / REVIEWS_NAME
    return {REVIEWS_NAME: str(path)} if path.is_file() else {}


def _pushable(run: _Refused) -> tuple[Facts, Path]:
    """The facts that the Pusher kept, and the model's folder, its content as it was evaluated."""
    folder = run.evaluator.inputs["model"][-1].path / _SERVING_FOLDER
    pushed = run.lineage.output("Pusher", "pushed_model")
    kept = pushed.properties if pushed else {}
    if not kept.get("model_digest") or not kept.get("facts"):
        raise GreenlightError(
            f"Run {run.id} has no digest of its model, so the model cannot be identified. Run again."
        )
    entries = model_entries(files_for(str(folder)), str(folder))
    if not entries:
        raise GreenlightError(
            f"The model of run {run.id} is not at {folder} any more. Run again to train it anew."
        )
    if model_digest(entries) != kept["model_digest"]:
        raise GreenlightError(
            f"The model at {folder} was changed since run {run.id} evaluated it. "
            "Run again with --no-cache to train and judge it anew."
        )
    told = json.loads(kept["facts"])
    known = {each.name: told[each.name] for each in dataclasses.fields(Facts) if each.name in told}
    return Facts(**known | {"conditions": tuple(told["conditions"])}), folder
