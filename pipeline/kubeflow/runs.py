"""The runs on a cluster as its API describes them, and the outcome of a finished one."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Mapping, Set
from typing import Any, get_args

from components.errors import GreenlightError
from pipeline.kubeflow import results
from pipeline.kubeflow.api import KubeflowApi
from pipeline.results.outcome import RunResult, StageTiming
from pipeline.settings.kubeflow_stage import StageName

STAGES = get_args(StageName)
ENDED = ("SUCCEEDED", "FAILED", "SKIPPED", "CANCELED")
_NOT_CARRIED_OUT = {"CANCELED": "The run was cancelled.", "SKIPPED": "The cluster skipped the run."}


@dataclasses.dataclass(frozen=True)
class Task:
    """A stage of a run.

    seconds: its duration; None while it runs: the cluster then reports an end in 1970 or in the year 1.
    """

    stage: str
    state: str
    seconds: float | None
    cached: bool = False


@dataclasses.dataclass(frozen=True)
class Run:
    """A run and its stages; `error` is the cluster's message."""

    id: str
    state: str
    seconds: float
    error: str | None
    tasks: tuple[Task, ...]

    @property
    def states(self) -> dict[str, str]:
        """Stage -> state, for the stages that have one."""
        return {task.stage: task.state for task in self.tasks if task.state}


def look(api: KubeflowApi, run: str) -> Run:
    """The current state of the run with that id.

    Raises:
      InputError: the host does not have the run, or refuses the request.
      GreenlightError: the host does not respond, or not as Kubeflow Pipelines does.
    """
    told = api.get(f"/runs/{run}", view="FULL")
    try:
        return _parsed(told, run)
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise api.unreadable(error) from error


def _parsed(told: Mapping[str, Any], run: str) -> Run:
    return Run(
        id=run,
        state=told.get("state", ""),
        seconds=_seconds(told.get("created_at"), told.get("finished_at")) or 0.0,
        error=(told.get("error") or {}).get("message"),
        tasks=tuple(_tasks(told)),
    )


def _tasks(told: Mapping[str, Any]) -> list[Task]:
    """The tasks of our stages: KFP also lists its drivers, its launchers and the graph.

    Up to 2.17 they are in `run_details.task_details`; servers that keep tasks themselves have `tasks`.
    """
    listed = told.get("tasks") or (told.get("run_details") or {}).get("task_details") or ()
    not_started = {
        task.get("start_time")
        for task in listed
        if (task.get("display_name"), task.get("state")) == ("executor", "SKIPPED")
    }
    return [_task(task, not_started) for task in listed if task.get("display_name") in STAGES]


def _task(told: Mapping[str, Any], not_started: Set[str | None]) -> Task:
    """A stage; `not_started`: when the cluster skipped the launcher of a stage.

    Up to 2.17 a stage from the cache is SUCCEEDED, and ends in the second in which its launcher was skipped.
    """
    state, start = told.get("state", ""), told.get("start_time")
    if state == "SUCCEEDED" and start in not_started and start == told.get("end_time"):
        state = "CACHED"
    seconds = _seconds(start or told.get("create_time"), told.get("end_time"))
    return Task(told["display_name"], state, seconds, cached=state == "CACHED")


def _seconds(start: str | None, end: str | None) -> float | None:
    """The seconds between two times; None if one is missing or they are in the wrong order."""
    if start is None or end is None:
        return None
    seconds = (_time(end) - _time(start)).total_seconds()
    return seconds if seconds >= 0 else None


def _time(text: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(text)


def outcome(run: Run, *, store: str) -> RunResult:
    """The result of a finished run: the saved one, else one from the state on the cluster.

    A verdict that cannot be read is a failure, never a promotion.

    Args:
      run: a finished run.
      store: the version store.
    """
    facts: dict[str, Any] = {"stages": _timings(run), "seconds": run.seconds}
    if run.state in _NOT_CARRIED_OUT:
        return RunResult(verdict="failed", run=run.id, error=_NOT_CARRIED_OUT[run.state], **facts)
    try:
        left = results.load(store, run.id)
    except GreenlightError as error:
        if run.state == "SUCCEEDED":
            return RunResult(verdict="failed", run=run.id, error=f"The run succeeded, but: {error}", **facts)
        left = None
    if left is not None and (run.state == "SUCCEEDED" or left.verdict in ("stopped", "failed")):
        return dataclasses.replace(left, **facts)
    if run.state == "SUCCEEDED":
        path = results.path_of(store, run.id)
        missing = f"The run succeeded, but its result does not exist at {path}."
        return RunResult(verdict="failed", run=run.id, error=missing, **facts)
    return RunResult(verdict="failed", run=run.id, error=_failure(run), **facts)


def _failure(run: Run) -> str:
    failed = [name for name, state in run.states.items() if state == "FAILED"]
    what = f"{' and '.join(failed)} failed on the cluster" if failed else "The run failed on the cluster"
    return f"{what}{f': {run.error}' if run.error else ''}. The pod's log says why."


def _timings(run: Run) -> tuple[StageTiming, ...]:
    return tuple(
        StageTiming(task.stage, task.seconds, cached=task.cached)
        for task in run.tasks
        if task.seconds is not None
    )
