"""The check of `beam.runner = "flink"` before any work starts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from components.errors import InputError, MachineFault

if TYPE_CHECKING:
    from apache_beam.options.pipeline_options import PipelineOptions

    from pipeline.settings.beam import BeamSettings


def require_known(settings: BeamSettings, options: PipelineOptions) -> None:
    """Refuses settings that no machine could run with.

    Raises:
      InputError: nothing says which workers a cluster has.
    """
    from apache_beam.options.pipeline_options import PortableOptions

    portable = options.view_as(PortableOptions)
    if portable.job_endpoint:
        raise InputError(
            "beam.options: --job_endpoint is for beam.runner = 'PortableRunner'; 'flink' starts a job server "
            "of its own. Leave it out, or change the runner."
        )
    if settings.is_on_a_flink_cluster and not portable.environment_type:
        raise InputError(
            "beam.options: a Flink cluster needs --environment_type, such as EXTERNAL for worker pools "
            'beside its task managers ("--environment_type=EXTERNAL", '
            '"--environment_config=localhost:50000").'
        )


def require_usable(settings: BeamSettings, options: PipelineOptions) -> None:
    """Refuses what this machine cannot run with, or the cluster cannot take.

    Raises:
      InputError: there is no Java, the jar cannot be used, or the cluster is of another version or too small.
      MachineFault: the cluster does not answer, or has no task manager.
    """
    from apache_beam.version import __version__ as beam

    from pipeline.job_server import jar, java

    java.require(options, runner=settings.runner)
    flink = _series_of_the_cluster(settings, options) if settings.is_on_a_flink_cluster else None
    if settings.flink_job_server_jar is not None:
        jar.require_fitting(jar.FLINK, settings.flink_job_server_jar, cluster=flink, beam=beam)
    elif flink is not None:
        _require_published(flink, beam, settings.flink_master)


def _series_of_the_cluster(settings: BeamSettings, options: PipelineOptions) -> str:
    from apache_beam.options.pipeline_options import FlinkRunnerOptions

    from pipeline.job_server.flink_cluster import FlinkCluster
    from pipeline.job_server.jar import series

    master = settings.flink_master
    overview = FlinkCluster(master).overview()
    if not overview.task_managers:
        raise MachineFault(
            f"beam.flink_master = {master!r}: the Flink cluster has no task manager, so nothing would run. "
            "Start one."
        )
    parallelism = options.view_as(FlinkRunnerOptions).parallelism
    if parallelism > overview.slots:
        raise InputError(
            f"beam.options: --parallelism={parallelism} needs as many slots, but the Flink cluster at "
            f"{master} has {overview.slots}. Lower it, or add task managers."
        )
    return series(overview.version)


def _require_published(flink: str, beam: str, master: str) -> None:
    from apache_beam.options.pipeline_options import FlinkRunnerOptions

    known = FlinkRunnerOptions.PUBLISHED_FLINK_VERSIONS
    if flink not in known:
        raise InputError(
            f"beam.flink_master = {master!r}: the cluster has Flink {flink}, and Beam {beam} has no job "
            f"server for it, only for {', '.join(known)}. Use a cluster of one of them."
        )
