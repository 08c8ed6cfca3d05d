"""Beam's runners for Flink and Spark with the job server of the command's session."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from apache_beam.options.pipeline_options import GoogleCloudOptions
from apache_beam.runners.portability import flink_runner, spark_runner

from pipeline.job_server import session

if TYPE_CHECKING:
    from apache_beam.options.pipeline_options import PipelineOptions
    from apache_beam.portability.api import beam_runner_api_pb2
    from apache_beam.runners.portability.job_server import JobServer
    from apache_beam.runners.runner import PipelineResult


class _OfTheSession:
    """Submits each pipeline to the one job server, and waits for its end.

    Beam's own runners start a job server of their own and take over Ctrl-C, which fails in the threads of
    TFX's stages.
    """

    def default_job_server(self, options: PipelineOptions) -> JobServer:
        """Beam's extension point."""
        return session.current().server

    def run_portable_pipeline(
        self, pipeline: beam_runner_api_pb2.Pipeline, options: PipelineOptions
    ) -> PipelineResult:
        """The result of the pipeline, which has ended.

        Raises:
          MachineFault: see `Session.job`.
          Exception: the error of Beam for any other pipeline that failed.
        """
        with session.current().job() as name:
            options.view_as(GoogleCloudOptions).job_name = name  # the name of every runner's jobs, in fact
            result: Any = super().run_portable_pipeline(pipeline, options)  # type: ignore[misc]
            result.wait_until_finish()
        return result


class FlinkRunner(_OfTheSession, flink_runner.FlinkRunner):
    """Beam's for Flink, with the job server of the session."""


class SparkRunner(_OfTheSession, spark_runner.SparkRunner):
    """Beam's for Spark, with the job server of the session."""
