"""Apache Spark: the job server for it, which is the driver of its applications."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from apache_beam.utils.subprocess_server import pick_port

from components.errors import MachineFault
from pipeline.job_server import jar, java, process
from pipeline.job_server.engine import Engine
from pipeline.job_server.spark_jobs import SparkJobs
from pipeline.job_server.spark_master import SparkMaster
from pipeline.settings.beam import SPARK

if TYPE_CHECKING:
    from apache_beam.options.pipeline_options import PipelineOptions

    from pipeline.job_server.maven import Progress
    from pipeline.settings.beam import BeamSettings

JAVA = (8, 11, 17)
"""The versions that Spark 3 supports."""
_LOOPBACK = "127.0.0.1"
_OPENED = (
    "java.lang",
    "java.lang.invoke",
    "java.lang.reflect",
    "java.io",
    "java.net",
    "java.nio",
    "java.util",
)
_ALSO_OPENED = (
    "java.util.concurrent",
    "java.util.concurrent.atomic",
    "sun.nio.ch",
    "sun.nio.cs",
    "sun.security.action",
)
OPENING = (
    # Java 8 knows no modules.
    "-XX:+IgnoreUnrecognizedVMOptions",
    *(f"--add-opens=java.base/{package}=ALL-UNNAMED" for package in (*_OPENED, *_ALSO_OPENED)),
)
"""What Spark opens itself on Java 17 from Spark 3.3 on, in the programs that its own scripts start."""


def prepare(settings: BeamSettings, options: PipelineOptions, *, cache: Path, progress: Progress) -> Engine:
    """The engine that `settings` name; the jar is downloaded if need be.

    Raises:
      InputError: the jar or a supported Java is missing, or the cluster is of another version.
      MachineFault: the cluster does not answer or has no worker, or the download failed.
    """
    from apache_beam.version import __version__ as beam

    java.require(options, runner=SPARK, versions=JAVA)
    master = master_of(settings)
    found = jar.locate(
        jar.SPARK,
        settings.spark_job_server_jar,
        cluster=series_of(master) if master else None,
        beam=beam,
        repository=settings.maven_repository,
        cache=cache,
        progress=progress,
    )
    where = f"for the cluster at {master.address}" if master else "with threads of its own"
    progress(f"starting Beam's job server for Spark {found.versions.engine}, {where}")
    (port,) = pick_port(None)
    launch = process.Launch(
        jar=found.path,
        java=(*OPENING, *(f"-D{name}={value}" for name, value in _properties(port).items())),
        # Without a cluster nobody else is to reach Spark, and the machine's name need not resolve.
        environment={} if master else {"SPARK_LOCAL_IP": _LOOPBACK},
    )
    return Engine(
        name=jar.SPARK.engine,
        jar=found.path,
        server=process.for_spark(options, launch),
        jobs=SparkJobs(f"http://{_LOOPBACK}:{port}", master=master, wait_seconds=settings.spark_wait_seconds),
    )


def _properties(port: int) -> dict[str, str]:
    return {
        "spark.ui.port": str(port),
        "spark.ui.showConsoleProgress": "false",
        "spark.executor.extraJavaOptions": " ".join(OPENING),
    }


def master_of(settings: BeamSettings) -> SparkMaster | None:
    """The master of the cluster; None if the jobs run in the job server."""
    if not settings.is_on_a_spark_cluster:
        return None
    return SparkMaster(settings.spark_master, settings.spark_master_page)


def series_of(master: SparkMaster) -> str | None:
    """The cluster's series of Spark; None if it cannot be asked.

    Raises:
      InputError: something else answers at the page that was named.
      MachineFault: the master does not answer, or has no worker.
    """
    master.require_answer()
    state = master.state()
    if state is None or state.version is None:
        return None
    if not state.workers:
        raise MachineFault(
            f"beam.spark_master = {master.address!r}: the Spark cluster has no worker, so nothing would run. "
            "Start one."
        )
    return jar.series(state.version)
