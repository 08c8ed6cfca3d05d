"""The submission of runs to a cluster: upload, start and wait.

A request whose response is lost may have been carried out. Therefore an object is looked up by its name
before a request is repeated: versions and experiments have unique names, and each run gets one.
"""

from __future__ import annotations

import dataclasses
import datetime
import hashlib
import secrets
import time
from collections.abc import Callable, Mapping
from typing import Any

from components.errors import GreenlightError, InputError
from pipeline.kubeflow import runs
from pipeline.kubeflow.api import Json, KubeflowApi, Taken, Unclear

_NO_ANSWERS = 10
"""The number of failed requests in a row after which waiting for a run ends."""
_ATTEMPTS = 3
"""The number of attempts to look up and create an object with a unique name."""
_LOOKS = 3
"""The number of lookups of a run after a lost response."""


@dataclasses.dataclass(frozen=True)
class Uploaded:
    """A version of a pipeline on the cluster."""

    pipeline: str
    version: str
    name: str
    is_new: bool

    @property
    def reference(self) -> Json:
        """The reference to the version in requests for runs and schedules."""
        return {"pipeline_id": self.pipeline, "pipeline_version_id": self.version}


class Cluster:
    """Uploads, starts and watches runs over a connection.

    Args:
      api: the connection.
      pipeline_root: the folder of the runs' artifacts. The value in the compiled file is only a default of
        KFP's web page: a run started without one uses the folder in the cluster's configuration.
      service_account: the account of the runs' pods; None for the cluster's default.
    """

    def __init__(
        self, api: KubeflowApi, *, pipeline_root: str | None = None, service_account: str | None = None
    ):
        self._api = api
        self._account = service_account
        self._settings = api.settings
        self._root = pipeline_root

    def upload(self, text: str, *, name: str) -> Uploaded:
        """Uploads the compiled pipeline as a version, once: its name contains a hash of its content."""
        version_name = f"{name}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"
        pipeline, _ = _made_once(
            lambda: self._pipeline(name),
            lambda: self._id(
                self._api.upload("/pipelines/upload", text, name=name, namespace=self._settings.namespace),
                "pipeline_id",
            ),
        )
        version, is_new = _made_once(
            lambda: self._version(pipeline, version_name),
            lambda: self._id(
                self._api.upload("/pipelines/upload_version", text, name=version_name, pipelineid=pipeline),
                "pipeline_version_id",
            ),
        )
        return Uploaded(pipeline, version, version_name, is_new)

    def _pipeline(self, name: str) -> str | None:
        found = self._api.named("/pipelines", "pipelines", name, namespace=self._settings.namespace)
        return self._id(found[0], "pipeline_id") if found else None

    def _version(self, pipeline: str, name: str) -> str | None:
        found = self._api.named(f"/pipelines/{pipeline}/versions", "pipeline_versions", name)
        return self._id(found[0], "pipeline_version_id") if found else None

    def experiment(self) -> str:
        """The id of the experiment, which is created if it does not exist."""
        body = {"display_name": self._settings.experiment, "namespace": self._settings.namespace}
        wanted = {name: value for name, value in body.items() if value is not None}
        found, _ = _made_once(
            self.known_experiment,
            lambda: self._id(self._api.post("/experiments", wanted), "experiment_id"),
        )
        return found

    def known_experiment(self) -> str | None:
        """The id of the experiment; None if it does not exist."""
        found = self._api.named(
            "/experiments", "experiments", self._settings.experiment, namespace=self._settings.namespace
        )
        return self._id(found[0], "experiment_id") if found else None

    def start(self, uploaded: Uploaded, parameters: Mapping[str, Any]) -> str:
        """Starts a run; returns its id.

        Raises:
          InputError: the host refuses.
          GreenlightError: the run was not started, or may have been; the message says which.
        """
        now = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M:%S")
        experiment = self.experiment()
        name = f"{uploaded.name} {now} {secrets.token_hex(4)}"
        body = {
            "experiment_id": experiment,
            "display_name": name,
            **self.started_with(uploaded, parameters),
        }
        try:
            return self._started(body)
        except Unclear as error:
            found = self._looked_up(experiment, name, error)
            if found is not None:
                return found
            if error.was_refused:
                raise
        return self._started(body)

    def started_with(self, uploaded: Uploaded, parameters: Mapping[str, Any]) -> Json:
        """The fields that runs and schedules of a version have in common."""
        root = {"pipeline_root": self._root} if self._root is not None else {}
        account = {"service_account": self._account} if self._account is not None else {}
        return {
            "pipeline_version_reference": uploaded.reference,
            "runtime_config": {"parameters": dict(parameters), **root},
            **account,
        }

    def _started(self, body: Json) -> str:
        return self._id(self._api.post("/runs", body), "run_id")

    def _looked_up(self, experiment: str, name: str, unclear: Unclear) -> str | None:
        """The id of the run with that name; None if it certainly does not exist.

        Raises:
          GreenlightError: the run may have been started.
        """
        try:
            for look in range(_LOOKS):
                if look:
                    time.sleep(self._settings.poll_seconds)
                found = self._api.named("/runs", "runs", name, experiment_id=experiment)
                if found:
                    return self._id(found[0], "run_id")
                if unclear.is_over:
                    return None
            asked = f"{_LOOKS} lookups did not find it."
        except GreenlightError as error:
            asked = f"It could not be looked up: {error}"
        raise GreenlightError(
            f"{unclear} The run may have started. {asked} Before you start another, look for {name!r} in "
            f"{self._page(f'experiments/details/{experiment}')}; `greenlight submit --run ID` waits for it."
        ) from unclear

    def _id(self, answer: Json, field: str) -> str:
        value = answer.get(field)
        if not isinstance(value, str) or not value:
            raise Unclear(str(self._api.unreadable(f"it does not send {field}")), is_over=True)
        return value

    def link(self, run: str) -> str:
        """The address of the run's web page."""
        return self._page(f"runs/details/{run}")

    def _page(self, path: str) -> str:
        return f"{str(self._settings.host).rstrip('/')}/#/{path}"

    def wait(self, run: str, *, tell: Callable[[str, str], None]) -> runs.Run:
        """Waits until the run has ended and returns it; calls `tell` with each stage and its new state.

        Raises:
          GreenlightError: the run has not ended within kubeflow.api.wait_seconds, or the host does not
            respond any more.
          InputError: the host refuses the request.
        """
        deadline = time.monotonic() + self._settings.wait_seconds
        told: dict[str, str] = {}
        known, unanswered = False, 0
        while True:
            try:
                found = runs.look(self._api, run)
                known, unanswered = True, 0
                for stage, state in found.states.items():
                    if told.get(stage) != state:
                        tell(stage, state)
                told = found.states
                if found.state in runs.ENDED:
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
                    f"Run {run} has not ended within {self._settings.wait_seconds:g} s "
                    f"(kubeflow.api.wait_seconds), and continues: {self.link(run)} "
                    f"(`greenlight submit --run {run}` waits for it again)"
                )
            time.sleep(min(self._settings.poll_seconds, left))


def _made_once(find: Callable[[], str | None], make: Callable[[], str]) -> tuple[str, bool]:
    """The id of an object with a unique name, and whether this call created it.

    The object is looked up first, and again if another client was faster or if the response was lost: a
    second one with that name cannot be created.

    Raises:
      GreenlightError: it does not exist after _ATTEMPTS attempts.
    """
    failure: GreenlightError | None = None
    for _ in range(_ATTEMPTS):
        found = find()
        if found is not None:
            return found, isinstance(failure, Unclear)
        if isinstance(failure, Unclear) and failure.was_refused:
            break
        try:
            return make(), True
        except (Taken, Unclear) as error:
            failure = error
    assert failure is not None
    raise failure


def _given_up(error: GreenlightError, run: str) -> str:
    return f"{error} Stopped waiting for run {run}; `greenlight submit --run {run}` waits for it again."
