"""The REST API of a Flink cluster: its state and its jobs."""

from __future__ import annotations

import dataclasses
import http.client
import json
import re
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any, TypeVar

from components.errors import InputError, MachineFault

_SECONDS = 10.0
_CAUSE = re.compile(r"^Caused by: ([\w.$]+)", re.MULTILINE)
_LISTENER = re.compile(r"^\s+at [\w.]+\$(\w+HeartbeatListener)\.notify", re.MULTILINE)
_ENDED = frozenset({"FINISHED", "FAILED", "CANCELED"})
_FAILED = frozenset({"FAILING", "FAILED"})

T = TypeVar("T")


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

    @property
    def failed(self) -> bool:
        return self.state in _FAILED

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
        return self._read(
            "/overview",
            lambda found: Overview(
                version=found["flink-version"],
                task_managers=found["taskmanagers"],
                slots=found["slots-total"],
                free_slots=found["slots-available"],
            ),
        )

    def job(self, name: str) -> Job | None:
        """The newest job of that name; None while there is none. Raises as `overview`."""
        return self._read("/jobs/overview", lambda found: _newest(found["jobs"], name))

    def failures(self, job: Job) -> list[set[str]]:
        """What made a job fail or start again, the newest first. Raises as `overview`.

        Each is the Java classes, without their packages, of an exception, its causes, and the listener that
        raised it because heartbeats stopped: of these the exception is a TimeoutException as any other.
        """
        return self._read(f"/jobs/{job.id}/exceptions", _failures)

    def cancel(self, job: Job) -> None:
        """Asks the cluster to end a job. Raises as `overview`."""
        self._ask("PATCH", f"/jobs/{job.id}?mode=cancel")

    def _read(self, path: str, reading: Callable[[Any], T]) -> T:
        """What `reading` takes from the answer."""
        answer = self._ask("GET", path)
        try:
            return reading(json.loads(answer))
        except (ValueError, KeyError, TypeError, AttributeError):
            raise self._not_flink(f" (unexpected answer to {path})") from None

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


def _newest(jobs: list[dict[str, Any]], name: str) -> Job | None:
    newest = max(
        (job for job in jobs if job["name"] == name), key=lambda job: job["start-time"], default=None
    )
    if newest is None:
        return None
    return Job(id=newest["jid"], state=newest["state"], tasks=dict(newest["tasks"]))


def _failures(found: dict[str, Any]) -> list[set[str]]:
    entries = found.get("exceptionHistory", {}).get("entries", ())
    return [
        _classes(entry)
        for entry in sorted(entries, key=lambda entry: entry.get("timestamp", 0), reverse=True)
    ]


def _classes(entry: dict[str, Any]) -> set[str]:
    # Flink wraps the cause in classes of its own, and gives that cause as Java prints it.
    trace = entry.get("stacktrace", "")
    causes, listeners = _CAUSE.findall(trace), _LISTENER.findall(trace)
    return {name.rpartition(".")[2] for name in (entry["exceptionName"], *causes, *listeners)}
