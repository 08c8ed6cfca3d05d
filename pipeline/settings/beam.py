"""Settings of Beam (`beam.*`). Light imports only."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, field_validator

IN_PROCESS = "in-process"
IN_PROCESS_RUNNER = "apache_beam.runners.portability.fn_api_runner.FnApiRunner"
FLINK = "flink"
SPARK = "spark"
WITH_A_JOB_SERVER = (FLINK, SPARK)
"""Runners for which a command starts Beam's job server, a Java program."""
EMBEDDED = "[local]"
"""The Flink cluster inside the job server's own process."""
_LOCAL = "local"
"""Begins the name of Spark's master inside the job server's own process."""
_KEPT_MILLISECONDS = 3_600_000
"""How long an executor of Spark keeps an idle Beam worker; its job's end ends both. Beam's default is not at
all: each task would start one or more, which import TensorFlow first."""


class BeamSettings(BaseModel):
    """Where the data stages (ExampleGen, StatisticsGen, Evaluator and their like) do their work."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    runner: str = Field(
        IN_PROCESS,
        pattern=r"^[A-Za-z_][\w.-]*$",
        description="Where the stages that use Beam do their work. `in-process` works here, without a "
        "server. `flink` starts Beam's job server for Apache Flink, `spark` the one for Apache Spark; both "
        "need Java. Any Beam runner's name (PortableRunner, FlinkRunner, SparkRunner, DataflowRunner) sends "
        "the work there; give its options in beam.options.",
    )
    workers: int = Field(
        1,
        ge=1,
        le=1024,
        description="Processes of the in-process runner. More than one pays off on many cores only: each "
        "process first imports TensorFlow.",
    )
    options: tuple[Annotated[str, Field(pattern=r"^--\w")], ...] = Field(
        (), description='Further Beam pipeline options, for example ["--job_endpoint=localhost:8099"].'
    )
    flink_master: str = Field(
        EMBEDDED,
        pattern=r"^(\[local\]|(https?://)?[\w.-]+:\d{1,5}/?)$",
        description="Where the runner `flink` sends its jobs. HOST:PORT, the REST address of a Flink "
        "cluster's JobManager, or `[local]`, a cluster inside the job server's own process.",
    )
    flink_job_server_jar: Path | None = Field(
        None,
        description="The jar of the runner `flink`, of the installed Beam and of the cluster's Flink. Unset "
        "means that the published one is downloaded into the cache folder.",
    )
    maven_repository: str | None = Field(
        None,
        pattern=r"^https?://\S+$",
        description="The Maven repository that the jar is downloaded from. Unset means Maven Central.",
    )
    spark_master: str = Field(
        "local[*]",
        pattern=r"^(local(\[(\d{1,4}|\*)\])?|spark://[\w.-]+:\d{1,5})$",
        description="Where the runner `spark` sends its jobs. spark://HOST:PORT, the master of a standalone "
        "cluster, or `local[N]`, N threads of the job server's own process; `local[*]` has one per core.",
    )
    spark_master_page: str | None = Field(
        None,
        pattern=r"^https?://[\w.-]+(:\d{1,5})?/?$",
        description="The web page of that master, which tells the cluster's version and size. Unset means "
        "port 8080 of its host, where something answers there.",
    )
    spark_job_server_jar: Path | None = Field(
        None,
        description="The jar of the runner `spark`, of the installed Beam and of the cluster's Spark. Unset "
        "means that the published one is downloaded into the cache folder.",
    )
    spark_wait_seconds: int = Field(
        300,
        ge=1,
        le=86400,
        description="How long a job of the runner `spark` waits for a free core of the cluster.",
    )

    @field_validator("runner")
    @classmethod
    def _in_any_case(cls, value: str) -> str:
        return value.casefold() if value.casefold() in WITH_A_JOB_SERVER else value

    @property
    def is_on_a_flink_cluster(self) -> bool:
        """Whether jobs leave this machine's own processes for a cluster of Flink."""
        return self.runner == FLINK and self.flink_master != EMBEDDED

    @property
    def is_on_a_spark_cluster(self) -> bool:
        """Whether jobs leave this machine's own processes for a cluster of Spark."""
        return self.runner == SPARK and not self.spark_master.startswith(_LOCAL)

    def pipeline_args(self) -> list[str]:
        """These settings as Beam's own options.

        The in-process runner is named in full: since Beam 2.68 `DirectRunner` may download another.
        """
        # Workers in this process, or with its packages, have TFX; told of no image, TFX would pack itself up
        # anew for every Beam stage, some two seconds each.
        no_image = "--sdk_container_image=none"
        if self.runner in WITH_A_JOB_SERVER:
            # Equal settings give equal arguments, which are part of TFX's cache keys: no port is in them.
            own_image = any(option.startswith(f"{no_image.partition('=')[0]}=") for option in self.options)
            return [*([] if own_image else [no_image]), *self._job_server_args(), *self.options]
        if self.runner != IN_PROCESS:
            return [f"--runner={self.runner}", *self.options]
        return [
            no_image,
            f"--runner={IN_PROCESS_RUNNER}",
            f"--direct_num_workers={self.workers}",
            f"--direct_running_mode={'in_memory' if self.workers == 1 else 'multi_processing'}",
            *self.options,
        ]

    def _job_server_args(self) -> list[str]:
        if self.runner == FLINK:
            return ["--runner=pipeline.job_server.runner.FlinkRunner", f"--flink_master={self.flink_master}"]
        spark = ["--runner=pipeline.job_server.runner.SparkRunner", f"--spark_master_url={self.spark_master}"]
        return [*spark, *self._keeping_workers()]

    def _keeping_workers(self) -> list[str]:
        return [f"--environment_cache_millis={_KEPT_MILLISECONDS}"] if self.is_on_a_spark_cluster else []
