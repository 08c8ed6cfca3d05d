"""Attempts: runs in child processes, one per decision, and their results."""

from __future__ import annotations

import dataclasses
import json
import signal
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from components.errors import GreenlightError, InputError, TooFewReviews
from components.evaluator.slice_names import names_of_all_but, of_span
from pipeline.results.outcome import EXIT_CODES, RunResult
from pipeline.retraining import observer
from pipeline.retraining.child_process import Child, is_alive
from pipeline.retraining.paths import Paths
from pipeline.retraining.policy.records import INTERRUPTED, KILLED, NOT_STARTED, Decision, Ended
from pipeline.termination import EXIT_CODES as INTERRUPTIONS
from pipeline.workspace.version_store import store_root
from serving.machine.child_processes import CRASHES

if TYPE_CHECKING:
    from pipeline.config import Settings
    from pipeline.retraining.policy.history import Attempt


def run_settings(settings: Settings, decision: Decision) -> Settings:
    """The settings of a run: the spans that the decision allows, and no alerts, which this process sends.

    If the source is the packaged reviews and there are spans, the run reads both.
    """
    from pipeline.settings.alerts import AlertSettings
    from pipeline.spans.listing import span_data

    data = settings.data
    if decision.newest is not None:
        if not data.has_spans:
            data = span_data(settings).model_copy(update={"with_base": True})
        without = tuple(sorted({*data.without_spans, *decision.without}))
        data = data.model_copy(update={"span": decision.newest, "without_spans": without})
    return settings.model_copy(update={"data": data, "alerts": AlertSettings()})


def start(settings: Settings, run_id: str, paths: Paths) -> Child:
    """Starts `greenlight run` in a new process.

    Raises:
      OSError: the settings file cannot be written, or the process cannot be started.
    """
    from pipeline.config import to_toml

    file = paths.settings(run_id)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(to_toml(settings), encoding="utf-8")
    arguments = ["run", "--config", str(file), "--run-id", run_id, "--json"]
    return Child("pipeline.cli", arguments, folder=paths.run(run_id))


def finish(
    child: Child, attempt: Attempt, settings: Settings, paths: Paths, *, stop: threading.Event
) -> Ended:
    """Waits for the run and returns its result; ends the run when `stop` is set."""
    code, run_id = child.wait(stop, stop_seconds=settings.retrain.stop_seconds), attempt.run
    if (result := _result(paths, run_id) or _printed(child, code)) is not None:
        return _ended(attempt, result)
    return _with_live(_broken_off(child, code, run_id, paths, stopped=stop.is_set()), settings, paths)


def _broken_off(child: Child, code: int, run_id: str, paths: Paths, *, stopped: bool) -> Ended:
    """The result of a run that wrote none: interrupted, killed, failed or not started."""
    if code in INTERRUPTIONS or (stopped and code < 0):
        return Ended(run=run_id, verdict=INTERRUPTED, exit_code=code, reasons=("interrupted by a signal",))
    answer = _answer(child)
    reason = str(answer.get("error") or child.error_output() or "it wrote no error message")
    if code < 0:
        name = signal.Signals(-code).name
        return Ended(
            run=run_id,
            verdict=KILLED,
            exit_code=1,
            reasons=(f"ended by {name}: {reason}",),
            machine_fault=-code not in CRASHES,
        )
    if code == 1 and not paths.workspace.run(run_id).exists() and paths.workspace.in_use():
        return Ended(run=run_id, verdict=NOT_STARTED, exit_code=code, reasons=(reason,))
    machine = bool(answer.get("machine_fault"))
    return Ended(run=run_id, verdict="failed", exit_code=code, reasons=(reason,), machine_fault=machine)


def recovered(attempt: Attempt, settings: Settings, paths: Paths) -> Ended | None:
    """The result of a run whose parent process died; None while the run is still alive.

    If a run pushed its model and was killed before it wrote its result, the verdict is reconstructed from the
    lineage store and the version store.
    """
    run_id = attempt.run
    if is_alive(paths.run(run_id)):
        return None
    noted = "noticed at the next start"
    if (result := _result(paths, run_id) or _from_lineage(run_id, settings, paths)) is not None:
        return _ended(attempt, result, noted=noted)
    if paths.workspace.run(run_id).exists():
        reasons = ("it was killed before it ended",)
        ended = Ended(
            run=run_id, verdict=KILLED, exit_code=1, noted=noted, reasons=reasons, machine_fault=True
        )
    else:
        reasons = ("it was killed before it started",)
        ended = Ended(run=run_id, verdict=NOT_STARTED, noted=noted, reasons=reasons)
    return _with_live(ended, settings, paths)


def _with_live(ended: Ended, settings: Settings, paths: Paths) -> Ended:
    """`ended` with the live version of the store."""
    try:
        live, _ = observer.live_and_previous(settings, paths)
    except GreenlightError as error:  # the end of the run must be recorded nevertheless
        return dataclasses.replace(ended, reasons=(*ended.reasons, str(error)))
    return dataclasses.replace(ended, version=None if live is None else str(live))


def _result(paths: Paths, run_id: str) -> RunResult | None:
    try:
        return RunResult.load(paths.workspace.result(run_id))
    except InputError:
        return None


def _printed(child: Child, code: int) -> RunResult | None:
    """The result that a run printed because it could not save it; None unless it has a verdict."""
    answer = _answer(child)
    if code != EXIT_CODES.get(str(answer.get("verdict"))) or code == EXIT_CODES["failed"]:
        return None
    with suppress(TypeError):
        return RunResult.from_json(answer)
    return None


def _from_lineage(run_id: str, settings: Settings, paths: Paths) -> RunResult | None:
    """The result of a run that completed but was killed before it saved its result; saves it."""
    from components.store_errors import as_greenlight_errors
    from pipeline.lineage.runs import read_run
    from pipeline.results.verdicts import judge_run
    from serving.versions import VersionStore

    workspace = paths.workspace
    try:
        run = read_run(workspace.metadata, run_id)
    except InputError:
        return None
    pusher = run.stage("Pusher")
    if pusher is None or pusher.state not in ("complete", "cached"):
        return None
    with as_greenlight_errors():
        live = VersionStore(store_root(settings)).live()
    facts = {
        "version": str(live.number) if live else None,
        "model_path": live.path if live else None,
        "run": run_id,
        "log": str(workspace.log(run_id)),
    }
    result = judge_run(run, live=live, facts=facts)
    with suppress(OSError):  # a full disk: it is reconstructed again when needed
        result.save(workspace.result(run_id))
    return result


def _ended(attempt: Attempt, result: RunResult, *, noted: str = "") -> Ended:
    reasons = result.reasons or ([result.error] if result.error else [])
    refused = _refused_for_a_loss(result, attempt.decision)
    return Ended(
        run=attempt.run,
        verdict=result.verdict,
        exit_code=result.exit_code,
        version=result.version,
        reasons=tuple(reasons),
        noted=noted,
        set_aside=tuple(sorted({*_unusable(result, attempt.decision), *refused})),
        refused=refused,
        machine_fault=result.machine_fault,
        data=result.data,
    )


def _unusable(result: RunResult, decision: Decision) -> tuple[int, ...]:
    """The numbers of spans that later runs must not read.

    - All spans of a run that the data check stopped, unless there were too few examples: more may arrive.
    - The newest span, if the candidate fails the accuracy floor on it although it was trained on it: its
      labels must be wrong.
    """
    covered = tuple(span.number for span in decision.covers)
    if result.verdict == "stopped":
        return () if result.error_kind == TooFewReviews.__name__ else covered
    failed = {(one.get("slice"), one.get("kind")) for one in result.gate if one.get("passed") is False}
    newest = decision.newest
    if newest is not None and newest in covered and (of_span(newest), "floor") in failed:
        return (newest,)
    return ()


def _refused_for_a_loss(result: RunResult, decision: Decision) -> tuple[int, ...]:
    """The numbers of the spans of a run whose candidate lost against the live model.

    Any of them may be the reason. A refusal for another reason, such as too few examples or a gain smaller
    than the gate requires, blames no span.
    """
    if result.verdict != "refused":
        return ()
    covered = tuple(span.number for span in decision.covers)
    if any(one.get("passed") is False and _is_loss(one) for one in result.gate):
        return covered
    newest = decision.newest
    return tuple(number for number in covered if number == newest and _fails_a_floor(result.gate, number))


def _is_loss(condition: Mapping[str, Any]) -> bool:
    """Whether the candidate's figure is worse than the live model's; a record without the figure counts."""
    kind, change = condition.get("kind"), condition.get("value", "not recorded")
    if kind not in ("change", "change_ceiling") or change is None:
        return False
    if not isinstance(change, int | float):
        return True
    return change > 0 if kind == "change_ceiling" else change < 0


def _fails_a_floor(gate: Sequence[Mapping[str, Any]], span: int) -> bool:
    """Whether the floor for the accuracy fails, and one of the models keeps it on all but the newest span."""
    found = {(one.get("metric"), one.get("slice"), one.get("kind")): one for one in gate}
    floor = found.get(("accuracy", "overall", "floor"), {})
    keys = (("accuracy", name, "change") for name in names_of_all_but(span))
    others = next((found[key] for key in keys if key in found), {})
    limit, change, before = floor.get("threshold"), others.get("value"), others.get("baseline")
    if floor.get("passed") is not False or limit is None or change is None or before is None:
        return False
    return bool(max(before, before + change) >= limit)


def _answer(child: Child) -> Mapping[str, Any]:
    try:
        answer = json.loads(child.output().strip() or "{}")
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}
