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
from pipeline.job_server import jar, process
from pipeline.job_server.flink_cluster import FlinkCluster, Job
from pipeline.settings.beam import FLINK

if TYPE_CHECKING:
    from apache_beam.runners.portability.job_server import JobServer

    from pipeline.settings.beam import BeamSettings

_log = logging.getLogger(__name__)

_NO_SLOTS = "NoResourceAvailableException"
_POLL_SECONDS = 2.0
_POLLS_PER_LINE = 5


class Session:
    """A running job server and the cluster behind it.

    Args:
      server: gives the stub of the job server's API.
      cluster: where the jobs run; None for the cluster inside the job server.
      progress: is told how a job goes.
    """

    def __init__(
        self, server: JobServer, cluster: FlinkCluster | None, progress: Callable[[str], None]
    ) -> None:
        self.server = server
        self._cluster = cluster
        self._progress = progress
        self._under_way: set[str] = set()

    @contextmanager
    def job(self) -> Iterator[str]:
        """The name of a job for as long as it may run; what goes wrong with it is said for the user.

        Raises:
          MachineFault: the job failed for want of slots, or because the cluster has gone.
        """
        name = f"greenlight-{uuid.uuid4().hex[:12]}"
        self._under_way.add(name)
        try:
            with self._watched(name):
                yield name
        except Exception as error:
            self._under_way.discard(name)
            if (fault := self._fault_of(name)) is not None:
                raise fault from error
            raise
        self._under_way.discard(name)

    def cancel_jobs(self) -> None:
        """Asks the cluster to end the jobs of commands that were interrupted."""
        for name in tuple(self._under_way):
            try:
                job = self._cluster.job(name) if self._cluster else None
                if job is not None and not job.ended and self._cluster:
                    _log.info("canceling job %s (%s) of the cluster", name, job.id)
                    self._cluster.cancel(job)
            except GreenlightError as error:
                _log.warning("The job %s may go on: %s", name, error)

    @contextmanager
    def _watched(self, name: str) -> Iterator[None]:
        """Tells how far the job is meanwhile, where a cluster can be asked."""
        if self._cluster is None:
            yield
            return
        done = threading.Event()
        watcher = threading.Thread(target=self._watch, args=(self._cluster, name, done), daemon=True)
        watcher.start()
        try:
            yield
        finally:
            done.set()

    def _watch(self, cluster: FlinkCluster, name: str, done: threading.Event) -> None:
        told = ""
        for poll in itertools.count():
            if done.wait(_POLL_SECONDS):
                return
            try:
                job = cluster.job(name)
                line = "" if job is None else _progress_of(job, cluster)
            except GreenlightError:
                line = "the Flink cluster does not answer"
            if line and line != told and (not told or poll % _POLLS_PER_LINE == 0):
                told = line
                self._progress(line)

    def _fault_of(self, name: str) -> MachineFault | None:
        if self._cluster is None:
            return None
        try:
            job = self._cluster.job(name)
            classes = self._cluster.failures(job) if job else []
        except GreenlightError as error:
            return error if isinstance(error, MachineFault) else None
        if any(each.rpartition(".")[2] == _NO_SLOTS for each in classes):
            overview = self._cluster.overview()
            return MachineFault(
                f"The Flink cluster at {self._cluster.master} is full: no slot was free in time for the job "
                f"(it has {overview.task_managers} task managers with {overview.slots} slots). Wait for its "
                "other jobs, add task managers, or lower --parallelism in beam.options."
            )
        return None


def _progress_of(job: Job, cluster: FlinkCluster) -> str:
    if job.tasks.get("running") or job.tasks.get("finished"):
        return f"job on Flink {job}"
    free = cluster.overview().free_slots
    return f"job on Flink {job}" if free else "job on Flink waits for free slots"


_current: Session | None = None
"""Beam makes the runner from its class's name, so the runner finds the session of this process here."""


def current() -> Session:
    """Raises:
    GreenlightError: no command has opened one.
    """
    if _current is None:
        raise GreenlightError(
            "beam.runner = 'flink' works for `greenlight run`, `tune`, `retrain` and `batch-predict`, which "
            "start the job server. Elsewhere name Beam's own runner, FlinkRunner."
        )
    return _current


@contextmanager
def opened(settings: BeamSettings, *, cache: Path, progress: Callable[[str], None]) -> Iterator[None]:
    """Starts the job server that `settings` ask for, and ends it and its jobs with the context.

    Args:
      settings: any other runner than `flink` needs no job server: nothing happens.
      cache: the folder of downloads.
      progress: is told in a line what is under way.

    Raises:
      InputError: the jar or Java is missing, or the cluster is of another version.
      MachineFault: the cluster does not answer, or the download or the start failed.
    """
    global _current
    if settings.runner != FLINK:
        yield
        return
    from apache_beam.options.pipeline_options import FlinkRunnerOptions, PipelineOptions
    from apache_beam.version import __version__ as beam

    options = PipelineOptions(settings.pipeline_args())
    process.require_java(options)
    cluster = FlinkCluster(settings.flink_master) if settings.is_on_a_flink_cluster else None
    if cluster:
        flink = jar.series(cluster.overview().version)
    elif settings.flink_job_server_jar:
        flink = jar.series(jar.require_fitting(settings.flink_job_server_jar, flink=None, beam=beam).flink)
    else:
        flink = options.view_as(FlinkRunnerOptions).flink_version
    found = jar.locate(settings, flink=flink, beam=beam, cache=cache, progress=progress)
    where = f"for the cluster at {cluster.master}" if cluster else "with a cluster of its own"
    progress(f"starting Beam's job server for Flink {flink}, {where}")
    with process.running(options, jar=found) as server:
        _current = Session(server, cluster, progress)
        try:
            yield
        finally:
            session, _current = _current, None
            session.cancel_jobs()
