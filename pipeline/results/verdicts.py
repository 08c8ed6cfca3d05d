"""The outcome of a completed run, read from its artifacts in the lineage store."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from components.errors import GreenlightError
from components.evaluator.verdict import FILE_NAME as VERDICT_FILE
from pipeline.lineage.runs import Run, Stage
from pipeline.results import data_account
from pipeline.results.outcome import RunResult
from serving.storage.files import join
from serving.storage.resolve import files_for
from serving.store.records import Version


def judge_run(run: Run, *, live: Version | None, facts: Mapping[str, Any]) -> RunResult:
    """The result of `run`, whose stages have all succeeded.

    Args:
      run: the run from the lineage store.
      live: the live version of the store; None if there is none, or the store cannot be read.
      facts: RunResult's fields that the lineage store does not hold (live version, seconds, log, stages).

    Raises:
      GreenlightError: the Evaluator's verdict is not there.
    """
    verdict = _json(run, "Evaluator", "evaluation", VERDICT_FILE)
    if verdict is None:
        raise GreenlightError(f"The Evaluator wrote no {VERDICT_FILE}. Run again with --no-cache.")
    history = _json(run, "Trainer", "model_run", "history.json") or {}
    outcome, reasons = _outcome(run, verdict, live)
    data = data_account.data_account(run)
    return RunResult(
        verdict=outcome,
        metrics=verdict.get("metrics", {}),
        gate=tuple(verdict.get("conditions", ())),
        epochs=len(history.get("epochs", ())) or None,
        refit=_refit(history),
        reasons=tuple(reasons),
        comparison=_with_examples(verdict.get("comparison")),
        test_set=_with_examples(verdict.get("test_set")),
        negation=tuple(verdict.get("negation", ())),
        notes=(*verdict.get("notes", ()), *data_account.notes(data)),
        data=data,
        **facts,
    )


def _with_examples(found: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """The same with the number `examples` under its current name, too."""
    return None if found is None else {**found, "examples": found.get("reviews")}


def _refit(history: Mapping[str, Any]) -> dict[str, Any] | None:
    """RunResult's field, from the record of the fit; None for that of an older Greenlight."""
    if refit := history.get("refit"):
        parts = refit.get("parts", 1)
        said = (
            "eval, as the first fit predicts it"
            if parts == 1
            else f"{parts} held-out parts of train and eval"
        )
        calibrated_on = said if history.get("calibration") else None
        kept = {"reviews": refit["reviews"], "epochs": refit["epochs"], "calibrated_on": calibrated_on}
        return _with_examples(kept)
    return {"why_not": history["not_refit"]} if history.get("not_refit") else None


def _outcome(run: Run, verdict: Mapping[str, Any], live: Version | None) -> tuple[Any, list[str]]:
    reasons = [condition["reason"] for condition in verdict["conditions"] if not condition["passed"]]
    canaries = run.output("InfraValidator", "blessing")
    if canaries is not None and not canaries.properties.get("blessed"):
        reasons += canary_reasons(run)
    if reasons or verdict["verdict"] != "promoted":
        return "refused", reasons or ["the gate refused the model"]
    pusher = run.stage("Pusher")
    pushed = run.output("Pusher", "pushed_model")
    if pusher is None or pushed is None:
        raise GreenlightError("The Pusher wrote no record. Run again with --no-cache.")
    return _push_outcome(pusher, pushed.properties, live)


def _push_outcome(
    pusher: Stage, properties: Mapping[str, Any], live: Version | None
) -> tuple[str, list[str]]:
    """The outcome: `promoted` and `unchanged` depend on the version that is live now."""
    outcome = properties.get("outcome", "pushed" if properties.get("pushed") else "rejected")
    if outcome == "rejected":
        return "refused", [str(properties.get("reason") or "the same model was rolled back before")]
    if live is None or live.digest is None or live.digest != properties.get("model_digest"):
        what = f"version {live.number} is live, which is another model" if live else "no version is seen live"
        return "refused", [f"the gate let this run's model pass, but {what}. Run again."]
    return ("promoted" if outcome == "pushed" and not pusher.cached else "unchanged"), []


def canary_reasons(run: Run) -> list[str]:
    """Why the canary check of `run` refused its model."""
    report = _json(run, "InfraValidator", "blessing", "canaries.json") or {}
    return [str(reason) for reason in report.get("reasons", ())] or ["the exported model does not serve"]


def _json(run: Run, stage: str, key: str, name: str) -> dict[str, Any] | None:
    artifact = run.output(stage, key)
    if artifact is None:
        return None
    path = join(artifact.uri, name)
    files = files_for(path)
    return json.loads(files.read(path)) if files.exists(path) else None
