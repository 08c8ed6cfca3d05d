"""A run on the cluster from here: the compiled file becomes a version, is started and watched."""

from __future__ import annotations

import dataclasses
import datetime
import hashlib
import json
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, get_args

import kfp

from components.errors import GreenlightError, InputError
from pipeline.kubeflow import results
from pipeline.kubeflow.api import Taken, in_words
from pipeline.results.outcome import RunResult, StageTiming
from pipeline.settings.kubeflow import ApiSettings, StageName

STAGES = get_args(StageName)
ENDED = ("SUCCEEDED", "FAILED", "SKIPPED", "CANCELED")
_NOT_CARRIED_OUT = {"CANCELED": "The run was cancelled.", "SKIPPED": "The cluster skipped the run."}
_NO_ANSWERS = 10
"""How many times in a row a host that is asked for a run may fail to answer."""


@dataclasses.dataclass(frozen=True)
class Uploaded:
    """A version of a pipeline on the cluster."""

    pipeline: str
    version: str
    name: str
    is_new: bool


class Cluster:
    """What is done with kfp's client, in the words of this project.

    Args:
      client: connected.
      api: what it was connected with.
    """

    def __init__(self, client: kfp.Client, api: ApiSettings):
        self._client = client
        self._api = api

    def upload(self, text: str, *, name: str) -> Uploaded:
        """Makes the compiled pipeline a version on the cluster, once: its name is its content's."""
        try:
            return self._upload(text, name=name)
        except Taken:  # somebody else has uploaded it meanwhile
            return self._upload(text, name=name)

    def _upload(self, text: str, *, name: str) -> Uploaded:
        version_name = f"{name}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"
        with tempfile.TemporaryDirectory(prefix="greenlight-submit-") as folder, in_words(self._api):
            path = Path(folder, "pipeline.yaml")
            path.write_text(text, encoding="utf-8")
            pipeline = self._pipeline(name)
            if pipeline is None:
                made = self._client.upload_pipeline(
                    str(path), pipeline_name=name, namespace=self._api.namespace
                )
                pipeline = made.pipeline_id
            version = self._version(pipeline, version_name)
            if version is not None:
                return Uploaded(pipeline, version, version_name, is_new=False)
            made = self._client.upload_pipeline_version(str(path), version_name, pipeline_id=pipeline)
        return Uploaded(pipeline, made.pipeline_version_id, version_name, is_new=True)

    def _pipeline(self, name: str) -> str | None:
        listed = self._client.list_pipelines(filter=_named(name), namespace=self._api.namespace).pipelines
        return listed[0].pipeline_id if listed else None

    def _version(self, pipeline: str, name: str) -> str | None:
        listed = self._client.list_pipeline_versions(pipeline, filter=_named(name)).pipeline_versions
        return listed[0].pipeline_version_id if listed else None

    def experiment(self) -> str:
        """The id of the experiment, which is made where there is none."""
        with in_words(self._api):
            made = self._client.create_experiment(self._api.experiment, namespace=self._api.namespace)
        return made.experiment_id

    def known_experiment(self) -> str | None:
        """The id of the experiment; None where there is none."""
        with in_words(self._api):
            listed = self._client.list_experiments(
                filter=_named(self._api.experiment), namespace=self._api.namespace
            ).experiments
        return listed[0].experiment_id if listed else None

    def start(self, uploaded: Uploaded, parameters: Mapping[str, Any]) -> str:
        """Starts a run; returns its id."""
        now = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M:%S")
        experiment = self.experiment()
        with in_words(self._api):
            run = self._client.run_pipeline(
                experiment,
                f"{uploaded.name} {now}",
                params=dict(parameters),
                pipeline_id=uploaded.pipeline,
                version_id=uploaded.version,
            )
        return run.run_id

    def link(self, run: str) -> str:
        """Where the run is to be seen."""
        return f"{str(self._api.host).rstrip('/')}/#/runs/details/{run}"

    def wait(self, run: str, *, tell: Callable[[str, str], None]) -> Any:
        """The run once it has ended; `tell` gets each stage's name and new state.

        Raises:
          GreenlightError: it has not ended within kubeflow.api.wait_seconds, or the host answers no more.
          InputError: the host refuses to tell.
        """
        deadline = time.monotonic() + self._api.wait_seconds
        told: dict[str, str] = {}
        known, unanswered = False, 0
        while True:
            try:
                with in_words(self._api):
                    found = self._client.get_run(run)
                known, unanswered = True, 0
                for stage, state in _states(found).items():
                    if told.get(stage) != state:
                        tell(stage, state)
                told = _states(found)
                if found.state in ENDED:
                    return found
            except InputError as error:
                raise (InputError(_given_up(error, run)) if known else error) from None
            except GreenlightError as error:
                unanswered += 1
                if unanswered >= _NO_ANSWERS:
                    raise GreenlightError(_given_up(error, run)) from error
            left = deadline - time.monotonic()
            if left <= 0:
                raise GreenlightError(
                    f"Run {run} has not ended within {self._api.wait_seconds:g} s "
                    f"(kubeflow.api.wait_seconds), and goes on: {self.link(run)} "
                    f"(`greenlight submit --run {run}` waits for it again)"
                )
            time.sleep(min(self._api.poll_seconds, left))


def _given_up(error: GreenlightError, run: str) -> str:
    return f"{error} Nobody waits for run {run} any more; `greenlight submit --run {run}` does again."


def outcome(run: Any, *, store: str) -> RunResult:
    """What a run that has ended came to: what its stages left, else what the cluster says of it.

    A verdict that cannot be read is a failure: nobody may take a run for a promotion unseen.

    Args:
      run: as kfp's client gives it.
      store: the version store.
    """
    seconds = (
        (run.finished_at - run.created_at).total_seconds() if run.finished_at and run.created_at else 0.0
    )
    facts: dict[str, Any] = {"stages": _timings(run), "seconds": max(0.0, seconds)}
    if run.state in _NOT_CARRIED_OUT:
        return RunResult(verdict="failed", run=run.run_id, error=_NOT_CARRIED_OUT[run.state], **facts)
    try:
        left = results.load(store, run.run_id)
    except GreenlightError as error:
        if run.state == "SUCCEEDED":
            return RunResult(
                verdict="failed", run=run.run_id, error=f"The run ended well, but: {error}", **facts
            )
        left = None
    if left is not None and (run.state == "SUCCEEDED" or left.verdict in ("stopped", "failed")):
        return dataclasses.replace(left, **facts)
    if run.state == "SUCCEEDED":
        path = results.path_of(store, run.run_id)
        missing = f"The run ended well, but there is no result of it at {path}."
        return RunResult(verdict="failed", run=run.run_id, error=missing, **facts)
    return RunResult(verdict="failed", run=run.run_id, error=_failure(run), **facts)


def _failure(run: Any) -> str:
    failed = [name for name, state in _states(run).items() if state == "FAILED"]
    what = f"{' and '.join(failed)} failed on the cluster" if failed else "The run failed on the cluster"
    message = getattr(run.error, "message", None)
    return f"{what}{f': {message}' if message else ''}. The pod's log says why."


def _tasks(run: Any) -> list[Any]:
    """The tasks that are stages of ours: KFP lists its drivers, launchers and the graph itself, too."""
    tasks = (run.run_details.task_details if run.run_details else None) or []
    return [task for task in tasks if task.display_name in STAGES]


def _states(run: Any) -> dict[str, str]:
    return {task.display_name: task.state for task in _tasks(run) if task.state}


def _timings(run: Any) -> tuple[StageTiming, ...]:
    """How long each stage took, as far as its times are known: one that has not ended is dated to 1970."""
    return tuple(
        StageTiming(task.display_name, (task.end_time - task.start_time).total_seconds())
        for task in _tasks(run)
        if task.start_time and task.end_time and task.end_time >= task.start_time
    )


def _named(name: str) -> str:
    predicate = {"operation": "EQUALS", "key": "display_name", "stringValue": name}
    return json.dumps({"predicates": [predicate]})
