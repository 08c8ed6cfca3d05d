"""What a run that reached its end came to, read from what its stages left in the lineage store."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from components.errors import GreenlightError
from pipeline.outcome import RunResult
from pipeline.runs import Run, Stage


def judge_run(run: Run, *, facts: Mapping[str, Any]) -> RunResult:
    """The result of `run`, whose stages all ended well.

    Args:
      run: the run as the lineage store has it.
      facts: RunResult's fields that the lineage store does not hold (live version, seconds, log, stages).

    Raises:
      GreenlightError: the Evaluator's verdict is not there.
    """
    verdict = _json(run, "Evaluator", "evaluation", "verdict.json")
    if verdict is None:
        raise GreenlightError("The Evaluator left no verdict.json. Run again with --no-cache.")
    history = _json(run, "Trainer", "model_run", "history.json") or {}
    outcome, reasons = _outcome(run, verdict)
    return RunResult(
        verdict=outcome,
        metrics=verdict.get("metrics", {}),
        gate=tuple(verdict.get("conditions", ())),
        epochs=len(history.get("epochs", ())) or None,
        reasons=tuple(reasons),
        **facts,
    )


def _outcome(run: Run, verdict: Mapping[str, Any]) -> tuple[Any, list[str]]:
    reasons = [condition["reason"] for condition in verdict["conditions"] if not condition["passed"]]
    canaries = run.output("InfraValidator", "blessing")
    if canaries is not None and not canaries.properties.get("blessed"):
        reasons += canary_reasons(run)
    if reasons or verdict["verdict"] != "promoted":
        return "refused", reasons or ["the gate refused the model"]
    pusher = run.stage("Pusher")
    pushed = run.output("Pusher", "pushed_model")
    if pusher is None or pushed is None:
        raise GreenlightError("The Pusher left no record of what it did. Run again with --no-cache.")
    return _push_outcome(pusher, pushed.properties)


def _push_outcome(pusher: Stage, properties: Mapping[str, Any]) -> tuple[str, list[str]]:
    outcome = properties.get("outcome", "pushed" if properties.get("pushed") else "rejected")
    if outcome == "rejected":
        return "refused", [str(properties.get("reason") or "this very model was rolled back before")]
    return ("promoted" if outcome == "pushed" and not pusher.cached else "unchanged"), []


def canary_reasons(run: Run) -> list[str]:
    """Why the canary check of `run` refused its model."""
    report = _json(run, "InfraValidator", "blessing", "canaries.json") or {}
    return [str(reason) for reason in report.get("reasons", ())] or ["the exported model does not serve"]


def _json(run: Run, stage: str, key: str, name: str) -> dict[str, Any] | None:
    artifact = run.output(stage, key)
    path = artifact.path / name if artifact else None
    return json.loads(path.read_text(encoding="utf-8")) if path and path.is_file() else None
