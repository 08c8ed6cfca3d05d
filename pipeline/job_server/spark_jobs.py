"""The jobs of a session on Spark, as the web page of the job server's own Spark tells of them."""

from __future__ import annotations

import contextlib
import http.client
import json
import time
import urllib.request
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from components.errors import GreenlightError, MachineFault
from pipeline.job_server.engine import Hopeless

if TYPE_CHECKING:
    from pipeline.job_server.spark_master import SparkMaster

_SECONDS = 30.0  # the first answer of an application on a busy machine takes long
_DRIVER = "driver"
_ENDED_BY_THE_CLUSTER = {
    "FAILED": "gave the job up: its executors ended one after another",
    "KILLED": "ended the job: somebody killed its application",
}


class SparkJobs:
    """Jobs as `pipeline.job_server.engine.Jobs`.

    A job is an application of Spark, and the job server is its driver.

    Args:
      page: the address of the driver's web page.
      master: of the cluster; None if the jobs run in the job server.
      wait_seconds: how long an application may be without an executor.
      clock: in seconds.
    """

    def __init__(
        self,
        page: str,
        *,
        master: SparkMaster | None,
        wait_seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._api = f"{page}/api/v1/applications"
        self._master = master
        self._wait_seconds = wait_seconds
        self._clock = clock
        self._waiting_since: dict[str, float] = {}

    def progress(self, name: str) -> str:
        application = self._application(name)
        if application is None:
            return ""
        if self._master is None:
            return f"job on Spark {self._tasks(application)}"
        found = self._json(f"/{application}/executors") or []
        executors = [each for each in found if each["id"] != _DRIVER and each.get("isActive", True)]
        if not executors:
            self._require_patience(name)
            return "job on Spark waits for a free core"
        self._waiting_since.pop(name, None)
        count = "1 executor" if len(executors) == 1 else f"{len(executors)} executors"
        return f"job on Spark {self._tasks(application)} by {count}"

    def fault(self, name: str) -> MachineFault | None:
        """What the cluster did to the application; what its tasks did is the error of Beam."""
        if self._master is None or (end := self._master.end_of(name)) not in _ENDED_BY_THE_CLUSTER:
            return None
        return MachineFault(
            f"The Spark cluster at {self._master.address} {_ENDED_BY_THE_CLUSTER[end]} (application {name}). "
            "The pages and logs of its master and workers say more."
        )

    def cancel(self, name: str) -> None:
        """Nothing: the application ends with its driver."""

    def _require_patience(self, name: str) -> None:
        since = self._waiting_since.setdefault(name, self._clock())
        if self._clock() - since < self._wait_seconds or self._master is None:
            return
        state = None
        with contextlib.suppress(GreenlightError):  # it need not answer for the patience to end
            state = self._master.state()
        size = f" (it has {state.workers} workers with {state.cores} cores)" if state else ""
        raise Hopeless(
            f"The Spark cluster at {self._master.address} is full: it gave the job no executor within "
            f"{self._wait_seconds:g} s{size}. Wait for its other applications, add workers, ask for less "
            "(-Dspark.executor.memory=... and -Dspark.executor.cores=... with --job_server_jvm_properties in "
            "beam.options), or raise beam.spark_wait_seconds."
        )

    def _application(self, name: str) -> str | None:
        """The id of the application of that job; Beam puts the job's name first in the application's."""
        found = self._json("") or []
        return next((str(each["id"]) for each in found if each["name"].startswith(name)), None)

    def _tasks(self, application: str) -> str:
        jobs = self._json(f"/{application}/jobs") or []
        done = sum(job["numCompletedTasks"] + job["numSkippedTasks"] for job in jobs)
        return f"running, {done} of {sum(job['numTasks'] for job in jobs)} tasks done"

    def _json(self, path: str) -> Any:
        """The answer; None while the page does not answer, as between two applications."""
        try:
            with urllib.request.urlopen(f"{self._api}{path}", timeout=_SECONDS) as response:
                return json.load(response)
        except (OSError, ValueError, http.client.HTTPException):
            return None
