"""The entrypoint of the exit handler's pod: it sends the alert of a run that has ended.

python -m pipeline.kubeflow.exit.alert --run ID --store ADDRESS --model NAME --alerts JSON
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from components.errors import GreenlightError
from components.store_errors import as_greenlight_errors
from pipeline.alerts import run_alert
from pipeline.alerts.outbox import Outbox
from pipeline.failure import explain
from pipeline.kubeflow import results
from pipeline.results.outcome import RunResult
from pipeline.settings.alerts import AlertSettings
from serving.machine import scratch
from serving.versions import VersionStore

PATIENCE_SECONDS = 300.0
"""How long the pod retries: no later command could deliver the rest."""
_LOOK_SECONDS = 0.2

NO_RESULT = (
    "No stage has stored a result: a pod was killed, could not start or could not upload its output, or the "
    "run was canceled. The run's page in Kubeflow Pipelines shows which."
)


def main(argv: Sequence[str]) -> int:
    """Sends the alert; returns the exit code: 1 if a receiver did not accept it, so that KFP shows it."""
    parser = argparse.ArgumentParser(allow_abbrev=False)
    for name in ("--run", "--store", "--model", "--alerts"):
        parser.add_argument(name, required=True)
    given = parser.parse_args(argv)
    alerts = AlertSettings.model_validate_json(given.alerts)
    try:
        with scratch.folder("alert") as folder:
            send(
                result_of(given.run, given.store), alerts, model=given.model, store=given.store, folder=folder
            )
    except Exception as error:
        failure = explain(error)
        print(f"Error: {failure.message}", file=sys.stderr, flush=True)
        return failure.exit_code
    return 0


def send(
    result: RunResult,
    alerts: AlertSettings,
    *,
    model: str,
    store: str,
    folder: Path,
    patience_seconds: float = PATIENCE_SECONDS,
) -> None:
    """Sends the alert of the run to all receivers, with retries.

    Args:
      store: the version store's address.
      folder: where undelivered alerts are kept meanwhile.
      patience_seconds: how long it retries.

    Raises:
      GreenlightError: a receiver has not accepted it until then.
    """
    alert = run_alert.of(result, model=model, workspace=store)
    if alert is None:
        return
    outbox, deadline = Outbox(alerts, folder), time.monotonic() + patience_seconds
    with outbox.delivering():
        outbox.send(alert)
        while outbox.undelivered() and time.monotonic() < deadline:
            time.sleep(_LOOK_SECONDS)
    if missed := outbox.undelivered():
        raise GreenlightError(
            f"The alert of run {result.run} was not delivered by {' and '.join(missed)} within "
            f"{patience_seconds:g} s. The lines above say why."
        )


def result_of(run: str, store: str) -> RunResult:
    """The stored result; a failure if none can be read. Nothing that is broken prevents the alert."""
    try:
        found = results.load(store, run) or RunResult(verdict="failed", run=run, error=NO_RESULT)
        if found.version is None:
            with as_greenlight_errors():
                live = VersionStore(store).live()
            found = dataclasses.replace(found, version=str(live.number) if live else None)
    except GreenlightError as error:
        return RunResult(verdict="failed", run=run, error=str(error))
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
