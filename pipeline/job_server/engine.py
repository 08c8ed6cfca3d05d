"""The engines behind job servers: what a session asks of one and of its jobs, by name."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from components.errors import MachineFault

if TYPE_CHECKING:
    from apache_beam.runners.portability.job_server import JobServer


class Jobs(Protocol):
    """The jobs on an engine. Any method may raise GreenlightError where the engine does not answer."""

    def progress(self, name: str) -> str:
        """How far the job is, for the console; empty if there is nothing to say yet.

        Raises:
          Hopeless: the job would wait forever.
        """

    def fault(self, name: str) -> MachineFault | None:
        """Why a job failed that did not fail by its own work; None if it did, or it is unknown."""

    def cancel(self, name: str) -> None:
        """Ends the job where it goes on without the job server."""


class Hopeless(MachineFault):
    """A job that waits for what does not come; the session ends its job server."""


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
