"""The process of Beam's job server."""

from __future__ import annotations

import dataclasses
import logging
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from apache_beam.options.pipeline_options import FlinkRunnerOptions, PipelineOptions, SparkRunnerOptions
from apache_beam.runners.portability.flink_runner import FlinkJarJobServer, FlinkRunner
from apache_beam.runners.portability.job_server import JobServer
from apache_beam.runners.portability.spark_runner import SparkJarJobServer

from components.errors import MachineFault
from serving.machine.bound_command import bound

_log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Launch:
    """How the process is started, beyond what Beam's options say.

    Attributes:
      jar: the job server.
      java: options of Java; those of the user come later, and win.
      environment: variables of the process.
    """

    jar: Path
    java: Sequence[str] = ()
    environment: dict[str, str] = dataclasses.field(default_factory=dict)


class _Bound:
    """Mixed into Beam's job servers: the process ends with this one."""

    def __init__(self, options: PipelineOptions, launch: Launch) -> None:
        super().__init__(options)  # type: ignore[call-arg]
        self._launch = launch

    def subprocess_cmd_and_endpoint(self) -> tuple[list[str], str]:
        (java, *arguments), endpoint = super().subprocess_cmd_and_endpoint()  # type: ignore[misc]
        variables = [f"{name}={value}" for name, value in self._launch.environment.items()]
        # Java ignores TMPDIR, and a killed one leaves its files: they go where those of this process go.
        temporary = f"-Djava.io.tmpdir={tempfile.gettempdir()}"
        command = [java, temporary, *self._launch.java, *arguments]
        return bound(["env", *variables, *command] if variables else command), endpoint


class _FlinkJobServer(_Bound, FlinkJarJobServer):
    pass


class _SparkJobServer(_Bound, SparkJarJobServer):
    pass


def for_flink(options: PipelineOptions, launch: Launch) -> JobServer:
    """Beam's job server for Flink, not yet started."""
    flink = options.view_as(FlinkRunnerOptions)
    flink.flink_job_server_jar = str(launch.jar)
    flink.flink_master = FlinkRunner.add_http_scheme(flink.flink_master)
    return _FlinkJobServer(options, launch)


def for_spark(options: PipelineOptions, launch: Launch) -> JobServer:
    """Beam's job server for Spark, not yet started."""
    options.view_as(SparkRunnerOptions).spark_job_server_jar = str(launch.jar)
    return _SparkJobServer(options, launch)


class Running(JobServer):
    """A job server that runs. start() gives the stub of its API; Beam's own would start the process anew."""

    def __init__(self, server: JobServer) -> None:
        self._server = server
        self._stub = server.start()
        self._stopped = False

    def start(self) -> Any:
        return self._stub

    def stop(self) -> None:
        """Ends the process, if it still runs."""
        if self._stopped:
            return
        self._stopped = True
        try:
            self._server.stop()
        except OSError:
            _log.warning("what the job server left behind was not removed", exc_info=True)


@contextmanager
def running(server: JobServer, *, engine: str, jar: Path) -> Iterator[Running]:
    """A job server that runs as long as the context.

    Call it in a thread that lives as long: the process ends with the thread.

    Raises:
      MachineFault: the process ended before it answered.
    """
    try:
        started = Running(server)
    except RuntimeError as error:
        raise MachineFault(
            f"Beam's job server for {engine} ({jar}) did not start: {error}. The log has what Java said."
        ) from error
    try:
        yield started
    finally:
        started.stop()
