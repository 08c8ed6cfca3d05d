"""The REST API of a Flink cluster: its state and its jobs."""

from __future__ import annotations

import dataclasses
import http.client
import json
import re
import urllib.error
import urllib.request
from typing import Any

from components.errors import InputError, MachineFault

_SECONDS = 10.0
_CAUSE = re.compile(r"^Caused by: ([\w.$]+)", re.MULTILINE)
_ENDED = frozenset({"FINISHED", "FAILED", "CANCELED"})


@dataclasses.dataclass(frozen=True, kw_only=True)
class Overview:
    """The size of a cluster. A slot runs one parallel part of a job. version: of Flink."""

    version: str
    task_managers: int
    slots: int
    free_slots: int


@dataclasses.dataclass(frozen=True, kw_only=True)
class Job:
    """A job on a cluster. tasks: how many of them are in each state, such as FINISHED."""

    id: str
    state: str
    tasks: dict[str, int]

    @property
    def ended(self) -> bool:
        return self.state in _ENDED

    def __str__(self) -> str:
        done, total = self.tasks.get("finished", 0), self.tasks.get("total", 0)
        return f"{self.state.lower()}, {done} of {total} tasks done"


class FlinkCluster:
    """A cluster at `master`, the HOST:PORT or URL of its JobManager's REST API."""

    def __init__(self, master: str) -> None:
        self.master = master
        self._url = master.rstrip("/") if "://" in master else f"http://{master}"

    def overview(self) -> Overview:
        """Raises:
        MachineFault: the cluster does not answer.
        InputError: something else answers.
        """
        found = self._json("/overview")
        try:
            return Overview(
                version=found["flink-version"],
                task_managers=found["taskmanagers"],
                slots=found["slots-total"],
                free_slots=found["slots-available"],
            )
        except (KeyError, TypeError):
            raise self._not_flink() from None

    def job(self, name: str) -> Job | None:
        """The newest job of that name; None while there is none. Raises as `overview`."""
        jobs = [job for job in self._json("/jobs/overview")["jobs"] if job["name"] == name]
        if not jobs:
            return None
        newest = max(jobs, key=lambda job: job["start-time"])
        return Job(id=newest["jid"], state=newest["state"], tasks=newest["tasks"])

    def failures(self, job: Job) -> list[str]:
        """The Java classes of what made a job fail or start again, and their causes. Raises as `overview`."""
        history = self._json(f"/jobs/{job.id}/exceptions").get("exceptionHistory", {})
        traces = [entry.get("stacktrace", "") for entry in history.get("entries", ())]
        named = [entry["exceptionName"] for entry in history.get("entries", ())]
        # Flink wraps the cause in classes of its own, and gives that cause as Java prints it.
        return [*named, *(found for trace in traces for found in _CAUSE.findall(trace))]

    def cancel(self, job: Job) -> None:
        """Asks the cluster to end a job. Raises as `overview`."""
        self._ask("PATCH", f"/jobs/{job.id}?mode=cancel")

    def _json(self, path: str) -> Any:
        try:
            return json.loads(self._ask("GET", path))
        except ValueError:
            raise self._not_flink() from None

    def _ask(self, method: str, path: str) -> bytes:
        # Not httpx, which writes a line to the log for each request.
        try:
            request = urllib.request.Request(f"{self._url}{path}", method=method)
            with urllib.request.urlopen(request, timeout=_SECONDS) as response:
                return bytes(response.read())
        except urllib.error.HTTPError as error:
            raise self._not_flink(f" (HTTP {error.code})") from error
        except (OSError, ValueError) as error:
            reason = getattr(error, "reason", error)
            raise MachineFault(
                f"beam.flink_master = {self.master!r}: no Flink cluster answers there ({reason}). Start "
                "it, or correct the address, which is that of the JobManager's REST API (port 8081)."
            ) from error
        except http.client.HTTPException as error:
            raise self._not_flink() from error

    def _not_flink(self, what: str = "") -> InputError:
        return InputError(
            f"beam.flink_master = {self.master!r}: what answers there is not Flink's REST API{what}. Give "
            "the JobManager's address (port 8081)."
        )
