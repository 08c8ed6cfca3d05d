"""The job server of a command, and the jobs that its stages submit through it."""

from __future__ import annotations

import itertools
import logging
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from components.errors import GreenlightError, MachineFault
from pipeline.job_server import process
from pipeline.job_server.engine import Jobs, Unschedulable
from pipeline.settings.beam import FLINK, WITH_A_JOB_SERVER

if TYPE_CHECKING:
    from apache_beam.runners.portability.job_server import JobServer

    from pipeline.settings.beam import BeamSettings

_log = logging.getLogger(__name__)

_POLL_SECONDS = 2.0
_POLLS_PER_LINE = 5


class Session:
    """A running job server and the jobs on its engine.

    Args:
      server: the job server, whose `start` returns the stub of its API.
      jobs: the jobs on the engine; None if it cannot be asked.
      progress: called with a line about a job.
    """

    def __init__(self, server: JobServer, jobs: Jobs | None, progress: Callable[[str], None]) -> None:
        self.server = server
        self._jobs = jobs
        self._progress = progress
        self._running: set[str] = set()
        self._unschedulable: dict[str, Unschedulable] = {}

    @contextmanager
    def job(self) -> Iterator[str]:
        """The name for a new job, which may run inside the block.

        Raises:
          MachineFault: the job failed because the cluster has too few slots, or is gone.
        """
        name = f"greenlight-{uuid.uuid4().hex[:12]}"
        self._running.add(name)
        try:
            with self._watched(name):
                yield name
        except Exception as error:
            # It stays in the set: if the job server died, the job may continue.
            if (fault := self._fault_of(name)) is not None:
                raise fault from error
            raise
        self._running.discard(name)

    def cancel_jobs(self) -> None:
        """Cancels the jobs that were interrupted or failed."""
        for name in tuple(self._running):
            try:
                if self._jobs:
                    self._jobs.cancel(name)
            except GreenlightError as error:
                _log.warning("The job %s may continue: %s", name, error)

    @contextmanager
    def _watched(self, name: str) -> Iterator[None]:
        """Reports the progress of the job during the block, if the engine can be asked."""
        if self._jobs is None:
            yield
            return
        done = threading.Event()
        watcher = threading.Thread(target=self._watch, args=(self._jobs, name, done), daemon=True)
        watcher.start()
        try:
            yield
        finally:
            done.set()

    def _watch(self, jobs: Jobs, name: str, done: threading.Event) -> None:
        last = ""
        for poll in itertools.count():
            if done.wait(_POLL_SECONDS):
                return
            try:
                line = jobs.progress(name)
            except Unschedulable as error:
                self._unschedulable[name] = error
                self.server.stop()
                return
            except GreenlightError:
                line = "the cluster does not answer"
            if line and line != last and (not last or poll % _POLLS_PER_LINE == 0):
                last = line
                self._progress(line)

    def _fault_of(self, name: str) -> MachineFault | None:
        if name in self._unschedulable:
            return self._unschedulable[name]
        return self._jobs.fault(name) if self._jobs else None


_current: Session | None = None
"""Beam creates the runner from its class name, so the runner finds the session of this process here."""


def current() -> Session:
    """The session of this process.

    Raises:
      GreenlightError: no command has opened one.
    """
    if _current is None:
        raise GreenlightError(
            "The runners 'flink' and 'spark' work for `greenlight run`, `tune`, `retrain` and "
            "`batch-predict`, which start the job server. Elsewhere name Beam's own, FlinkRunner or "
            "SparkRunner."
        )
    return _current


@contextmanager
def opened(settings: BeamSettings, *, cache: Path, progress: Callable[[str], None]) -> Iterator[None]:
    """Runs the job server of `settings` for the time of the block; ends it and its jobs afterwards.

    Args:
      settings: with a runner other than `flink` and `spark`, nothing happens.
      cache: the folder of downloads.
      progress: called with a line about a download or a job.

    Raises:
      InputError: the jar or Java is missing, or the cluster is of another version.
      MachineFault: the cluster does not answer, or the download or the start failed.
    """
    global _current
    if settings.runner not in WITH_A_JOB_SERVER:
        yield
        return
    from apache_beam.options.pipeline_options import PipelineOptions

    from pipeline.job_server import flink_engine, spark_engine

    prepare = flink_engine.prepare if settings.runner == FLINK else spark_engine.prepare
    options = PipelineOptions(settings.pipeline_args())
    engine = prepare(settings, options, cache=cache, progress=progress)
    with process.running(engine.server, engine=engine.name, jar=engine.jar) as server:
        _current = Session(server, engine.jobs, progress)
        try:
            yield
        finally:
            session, _current = _current, None
            session.cancel_jobs()
