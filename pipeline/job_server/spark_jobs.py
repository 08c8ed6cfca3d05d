"""The jobs of a session on Spark, as the web page of the job server's own Spark tells of them."""

from __future__ import annotations

import contextlib
import http.client
import json
import time
import urllib.request
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from components.errors import GreenlightError, MachineFault
from pipeline.job_server.engine import Unschedulable

if TYPE_CHECKING:
    from pipeline.job_server.spark_master import SparkMaster

_SECONDS = 30.0  # the first answer of an application on a busy machine takes long
_DRIVER = "driver"
_ENDED_BY_THE_CLUSTER = {
    "FAILED": "gave the job up: its executors ended one after another",
    "KILLED": "ended the job: somebody killed its application",
}

T = TypeVar("T")


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
        executors = self._read(f"/{application}/executors", _active_executors)
        if not executors:
            self._require_patience(name)
            return "job on Spark waits for a free core"
        self._waiting_since.pop(name, None)
        count = "1 executor" if executors == 1 else f"{executors} executors"
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
        raise Unschedulable(
            f"The Spark cluster at {self._master.address} is full: it gave the job no executor within "
            f"{self._wait_seconds:g} s{size}. Wait for its other applications, add workers, ask for less "
            "(-Dspark.executor.memory=... and -Dspark.executor.cores=... with --job_server_jvm_properties in "
            "beam.options), or raise beam.spark_wait_seconds."
        )

    def _application(self, name: str) -> str | None:
        """The id of the application of that job; Beam puts the job's name first in the application's."""
        return self._read(
            "", lambda found: next((str(each["id"]) for each in found if each["name"].startswith(name)), None)
        )

    def _tasks(self, application: str) -> str:
        done, known = self._read(f"/{application}/jobs", _tasks_done_and_known) or (0, 0)
        return f"running, {done} of {known} tasks done"

    def _read(self, path: str, reading: Callable[[Any], T]) -> T | None:
        """What `reading` takes from the answer.

        None while the page does not answer as Spark does, as between two applications.
        """
        try:
            with urllib.request.urlopen(f"{self._api}{path}", timeout=_SECONDS) as response:
                return reading(json.load(response))
        except (OSError, ValueError, KeyError, TypeError, AttributeError, http.client.HTTPException):
            return None


def _active_executors(found: list[dict[str, Any]]) -> int:
    return sum(each["id"] != _DRIVER and each.get("isActive", True) for each in found)


def _tasks_done_and_known(jobs: list[dict[str, Any]]) -> tuple[int, int]:
    done = sum(job["numCompletedTasks"] + job["numSkippedTasks"] for job in jobs)
    return done, sum(job["numTasks"] for job in jobs)
