"""The process of Beam's job server for Flink."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from apache_beam.options.pipeline_options import FlinkRunnerOptions, JobServerOptions, PipelineOptions
from apache_beam.runners.portability.flink_runner import FlinkJarJobServer, FlinkRunner

from components.errors import InputError, MachineFault
from serving.machine.bound_command import bound

if TYPE_CHECKING:
    from apache_beam.runners.portability.job_server import JobServer

_log = logging.getLogger(__name__)


class _BoundJobServer(FlinkJarJobServer):
    """Beam's, whose process ends with this one."""

    def subprocess_cmd_and_endpoint(self) -> tuple[list[str], str]:
        command, endpoint = super().subprocess_cmd_and_endpoint()
        return bound(command), endpoint


def require_java(options: PipelineOptions) -> None:
    """Raises:
    InputError: there is no Java to start the job server with.
    """
    launcher = options.view_as(JobServerOptions).job_server_java_launcher
    if shutil.which(launcher) is None:
        raise InputError(
            f"beam.runner = 'flink': the job server needs Java, and there is no program {launcher!r} here. "
            "Install a Java runtime such as OpenJDK 17, or name one with --job_server_java_launcher=FILE in "
            "beam.options."
        )


@contextmanager
def running(options: PipelineOptions, *, jar: Path) -> Iterator[JobServer]:
    """A job server that runs as long as the context; start() of it gives the stub of its API.

    Call it in a thread that lives as long: the process ends with the thread.

    Raises:
      MachineFault: the process ended before it answered.
    """
    flink = options.view_as(FlinkRunnerOptions)
    flink.flink_job_server_jar = str(jar)
    flink.flink_master = FlinkRunner.add_http_scheme(flink.flink_master)
    server = _BoundJobServer(options)
    try:
        server.start()
    except RuntimeError as error:
        raise MachineFault(
            f"Beam's job server for Flink ({jar}) did not start: {error}. The log has what Java said."
        ) from error
    try:
        yield server
    finally:
        try:
            server.stop()
        except OSError:
            _log.warning("what the job server left behind was not removed", exc_info=True)
