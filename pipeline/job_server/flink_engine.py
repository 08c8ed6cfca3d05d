"""Apache Flink: the job server for it, and the jobs on a cluster."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from components.errors import GreenlightError, MachineFault
from pipeline.job_server import jar, java, process
from pipeline.job_server.engine import Engine
from pipeline.job_server.flink_cluster import FlinkCluster, Overview
from pipeline.settings.beam import FLINK

if TYPE_CHECKING:
    from apache_beam.options.pipeline_options import PipelineOptions

    from pipeline.job_server.maven import Progress
    from pipeline.settings.beam import BeamSettings

_log = logging.getLogger(__name__)

_NO_SLOTS = "NoResourceAvailableException"
_LOST = frozenset(
    {
        "JobMasterException",
        "RecipientUnreachableException",
        "RemoteTransportException",
        "TaskManagerHeartbeatListener",
    }
)
"""What Flink calls the loss of a TaskManager: its JobManager, the other ones, and who misses heartbeats."""


class FlinkJobs:
    """Jobs on `cluster`, as `pipeline.job_server.engine.Jobs`."""

    def __init__(self, cluster: FlinkCluster) -> None:
        self._cluster = cluster

    def progress(self, name: str) -> str:
        job = self._cluster.job(name)
        if job is None:
            return ""
        if job.tasks.get("running") or job.tasks.get("finished") or self._cluster.overview().free_slots:
            return f"job on Flink {job}"
        return "job on Flink waits for free slots"

    def fault(self, name: str) -> MachineFault | None:
        """The want of slots, the loss of a TaskManager, or that the cluster has gone."""
        try:
            job = self._cluster.job(name)
            failures = self._cluster.failures(job) if job else []
            if any(_NO_SLOTS in failure for failure in failures):
                return self._full(self._cluster.overview())
        except GreenlightError as error:
            return error if isinstance(error, MachineFault) else None
        if job and job.failed and failures and failures[0] & _LOST:
            return MachineFault(
                f"The Flink cluster at {self._cluster.master} lost a task manager during the job. Run the "
                "command again; docs/scaling.md has the restart strategy with which a job outlives the loss."
            )
        return None

    def _full(self, overview: Overview) -> MachineFault:
        return MachineFault(
            f"The Flink cluster at {self._cluster.master} is full: no slot was free in time for the job "
            f"(it has {overview.task_managers} task managers with {overview.slots} slots). Wait for its "
            "other jobs, add task managers, or lower --parallelism in beam.options."
        )

    def cancel(self, name: str) -> None:
        job = self._cluster.job(name)
        if job is not None and not job.ended:
            _log.info("canceling job %s (%s) of the cluster", name, job.id)
            self._cluster.cancel(job)


def prepare(settings: BeamSettings, options: PipelineOptions, *, cache: Path, progress: Progress) -> Engine:
    """The engine that `settings` name; the jar is downloaded if need be.

    Raises:
      InputError: the jar or Java is missing, or the cluster is of another version.
      MachineFault: the cluster does not answer, or the download failed.
    """
    from apache_beam.options.pipeline_options import FlinkRunnerOptions
    from apache_beam.version import __version__ as beam

    java.require(options, runner=FLINK)
    given = settings.flink_job_server_jar
    cluster = FlinkCluster(settings.flink_master) if settings.is_on_a_flink_cluster else None
    of_cluster = jar.series(cluster.overview().version) if cluster else None
    found = jar.locate(
        jar.FLINK,
        given,
        cluster=of_cluster,
        wanted=of_cluster or options.view_as(FlinkRunnerOptions).flink_version,
        beam=beam,
        repository=settings.maven_repository,
        cache=cache,
        progress=progress,
    )
    where = f"for the cluster at {cluster.master}" if cluster else "with a cluster of its own"
    progress(f"starting Beam's job server for Flink {jar.series(found.versions.engine)}, {where}")
    return Engine(
        name=jar.FLINK.engine,
        jar=found.path,
        server=process.for_flink(options, process.Launch(jar=found.path)),
        jobs=FlinkJobs(cluster) if cluster else None,
    )
