"""The past runs of a workspace, from their `result.json`, without the lineage store."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from components.errors import InputError
from pipeline.results.outcome import RunResult
from pipeline.workspace.layout import RunState, Workspace


@dataclasses.dataclass(frozen=True)
class PastRun:
    """One run; `result` is None if it has none, and `state` then says why."""

    id: str
    result: RunResult | None
    state: RunState | None = None

    def facts(self) -> dict[str, Any]:
        """`verdict` (or the state), `accuracy`, `version` (what it promoted), `seconds` and `approval`."""
        if self.result is None:
            nothing = dict.fromkeys(("accuracy", "version", "seconds", "approval"))
            return {"verdict": self.state, **nothing}
        result, approval = self.result, self.result.approval
        promoted = result.version if result.verdict == "promoted" else None
        return {
            "verdict": result.verdict,
            "accuracy": result.metrics.get("accuracy"),
            "version": approval["version"] if approval else promoted,
            "seconds": result.seconds,
            "approval": approval,
        }


def past_runs(workspace: Workspace) -> list[PastRun]:
    """All runs, oldest first. A run whose result cannot be read counts as not ended."""
    folder = workspace.run("any").parent
    ids = sorted(entry.name for entry in folder.iterdir() if entry.is_dir()) if folder.is_dir() else []
    return [_past_run(workspace, run) for run in ids]


def _past_run(workspace: Workspace, run: str) -> PastRun:
    result = _result(workspace, run)
    return PastRun(run, result, None if result else workspace.state(run))


def ended_run(workspace: Workspace, run: str | None) -> RunResult:
    """The result of `run`, an id or the beginning of one; of the newest ended run if None.

    Raises:
      InputError: there is no such run, or it has not ended.
    """
    runs = past_runs(workspace)
    if not runs:
        raise InputError(
            f"There is no run in {workspace.root}. `greenlight run` makes one; --workspace looks elsewhere."
        )
    if run is None:
        ended = [past.result for past in runs if past.result is not None]
        if not ended:
            raise InputError(f"No run in {workspace.root} has ended yet.")
        return ended[-1]
    return _load(workspace, _only_match(workspace, run, runs))


def _only_match(workspace: Workspace, run: str, runs: list[PastRun]) -> str:
    matches = [past.id for past in runs if past.id == run] or [
        past.id for past in runs if past.id.startswith(run)
    ]
    if len(matches) == 1:
        return matches[0]
    if matches:
        raise InputError(
            f"{run!r} fits {len(matches)} runs: {', '.join(matches[-5:])}. Give more of the one you mean."
        )
    raise InputError(f"There is no run {run!r} in {workspace.root}. The newest is {runs[-1].id}.")


def _load(workspace: Workspace, run: str) -> RunResult:
    """The result with its current paths: the workspace may have been moved."""
    result = RunResult.load(workspace.result(run))
    path = result.model_path
    model = Path(path) if path and result.model_in_workspace else None
    return dataclasses.replace(
        result,
        log=str(workspace.log(run)) if result.log else None,
        report=str(workspace.report(run)) if result.report else None,
        model_path=str(workspace.serving(model.parent.name) / model.name) if model else path,
    )


def _result(workspace: Workspace, run: str) -> RunResult | None:
    try:
        return _load(workspace, run)
    except InputError:
        return None
