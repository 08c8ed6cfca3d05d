"""The interface of an engine behind a job server, and of the jobs on it."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from components.errors import MachineFault

if TYPE_CHECKING:
    from apache_beam.runners.portability.job_server import JobServer


class Jobs(Protocol):
    """The jobs on an engine, by name. Every method may raise GreenlightError: the engine does not answer."""

    def progress(self, name: str) -> str:
        """The progress of the job, a line for the console; empty before there is any.

        Raises:
          Unschedulable: the job would wait forever.
        """

    def fault(self, name: str) -> MachineFault | None:
        """The machine fault that a job failed for; None if it failed by itself, or for an unknown reason."""

    def cancel(self, name: str) -> None:
        """Cancels the job, if it continues without the job server."""


class Unschedulable(MachineFault):
    """A job that the cluster has no resources for; the session ends its job server."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Engine:
    """An engine whose job server can be started.

    Attributes:
      name: such as Flink.
      jar: the job server.
      server: its process, not yet started.
      jobs: None where the engine cannot be asked.
    """

    name: str
    jar: Path
    server: JobServer
    jobs: Jobs | None
