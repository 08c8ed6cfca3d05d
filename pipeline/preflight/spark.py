"""The check of `beam.runner = "spark"` before any work starts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from components.errors import InputError

if TYPE_CHECKING:
    from apache_beam.options.pipeline_options import PipelineOptions

    from pipeline.settings.beam import BeamSettings


def require_known(settings: BeamSettings, options: PipelineOptions) -> None:
    """Refuses settings that no machine could run with.

    Raises:
      InputError: an option says what a setting says, or nothing says which workers a cluster has.
    """
    from apache_beam.options.pipeline_options import PortableOptions, SparkRunnerOptions

    portable, spark = options.view_as(PortableOptions), options.view_as(SparkRunnerOptions)
    if portable.job_endpoint:
        raise InputError(
            "beam.options: --job_endpoint is for beam.runner = 'PortableRunner'; 'spark' starts a job server "
            "of its own. Leave it out, or change the runner."
        )
    if spark.spark_master_url != settings.spark_master:
        raise InputError("beam.options: give beam.spark_master in place of --spark_master_url.")
    if spark.spark_job_server_jar:
        raise InputError("beam.options: give beam.spark_job_server_jar in place of --spark_job_server_jar.")
    if spark.spark_submit_uber_jar:
        raise InputError(
            "beam.options: --spark_submit_uber_jar is for beam.runner = 'SparkRunner'; 'spark' starts a job "
            "server. Leave it out, or change the runner."
        )
    if settings.is_on_a_spark_cluster and not portable.environment_type:
        raise InputError(
            "beam.options: a Spark cluster needs --environment_type, such as EXTERNAL for worker pools "
            'beside its workers ("--environment_type=EXTERNAL", "--environment_config=localhost:50000").'
        )


def require_usable(settings: BeamSettings, options: PipelineOptions) -> None:
    """Refuses what this machine cannot run with, or the cluster cannot take.

    Raises:
      InputError: there is no Java that Spark supports, or the jar cannot be used.
      MachineFault: the cluster does not answer, or has no worker.
    """
    from apache_beam.version import __version__ as beam

    from pipeline.job_server import jar, java, spark_engine

    java.require(options, runner=settings.runner, versions=spark_engine.JAVA)
    master = spark_engine.master_of(settings)
    series = spark_engine.series_of(master) if master else None
    if settings.spark_job_server_jar is not None:
        jar.require_fitting(jar.SPARK, settings.spark_job_server_jar, cluster=series, beam=beam)
