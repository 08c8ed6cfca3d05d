"""The result of a run on the cluster: a file beside the version store, written by the last pod.

KFP's API reports states without reasons, and only the cluster may be able to read its artifacts. The version
store is readable for model servers, too: `STORE/.greenlight/runs/RUN.json` is a RunResult.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from components.errors import GreenlightError
from components.store_errors import as_greenlight_errors
from pipeline.lineage.runs import Artifact, Run, Stage
from pipeline.results.outcome import RunResult
from pipeline.results.verdicts import judge_run
from serving.storage.files import join
from serving.storage.resolve import files_for
from serving.versions import VersionStore


def path_of(store: str, run: str) -> str:
    """The path of the result of `run`."""
    return join(store, ".greenlight", "runs", f"{run}.json")


def save(result: RunResult, store: str) -> None:
    """Writes the result of `result.run` atomically.

    Raises:
      OSError: the file cannot be written.
    """
    assert result.run is not None
    path = path_of(store, result.run)
    files = files_for(path)
    files.prepare(path.rpartition("/")[0])
    files.replace(path, f"{json.dumps(result.to_json(), indent=1)}\n".encode())


def load(store: str, run: str) -> RunResult | None:
    """The saved result; None if no stage has ended the run.

    Raises:
      GreenlightError: the store cannot be read from this machine.
    """
    path = path_of(store, run)
    try:
        return RunResult.from_json(json.loads(files_for(path).read(path)))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError) as error:
        raise GreenlightError(f"The run's result at {path} cannot be read from here: {error}") from error


def failed(run: str, message: str, exit_code: int, *, stage: str) -> RunResult:
    """The result of a run that ended in `stage`."""
    if exit_code == 4:
        return RunResult(verdict="stopped", run=run, reasons=tuple(message.splitlines()))
    return RunResult(verdict="failed", run=run, error=f"{stage}: {message}", error_code=exit_code)


def judged(
    run: str, executor_input: Mapping[str, Any], output: Mapping[str, Any], *, store: str
) -> RunResult:
    """The result of a run whose Pusher has finished.

    Args:
      run: the id of the run.
      executor_input: that of the Pusher, with addresses that can be opened.
      output: the Pusher's ExecutorOutput.
      store: the version store.

    Raises:
      GreenlightError: the store or the verdict cannot be read.
    """
    inputs = executor_input["inputs"]["artifacts"]
    stages = (
        _stage("Evaluator", {"evaluation": inputs["evaluation"]}),
        _stage("InfraValidator", {"blessing": inputs["infra_blessing"]}),
        _stage("Pusher", output["artifacts"]),
    )
    with as_greenlight_errors():
        live = VersionStore(store).live()
    facts = {
        "version": str(live.number) if live else None,
        "model_path": live.path if live else None,
        "run": run,
    }
    return judge_run(Run(run, stages), live=live, facts=facts)


def _stage(name: str, outputs: Mapping[str, Any]) -> Stage:
    made = {
        key: tuple(Artifact(0, "", each["uri"], each.get("metadata", {})) for each in listed["artifacts"])
        for key, listed in outputs.items()
    }
    return Stage(name, "complete", 0, 0, 0, inputs={}, outputs=made)
