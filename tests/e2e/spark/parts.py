"""The parts of the proofs on Spark: a job server, and Spark's own jars."""

import sys
from pathlib import Path

from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.version import __version__ as installed_beam

from benchmarks.engines import parts
from benchmarks.engines.parts import Engine, Missing
from components.errors import InputError
from pipeline.job_server import jar, java, maven, spark_engine
from pipeline.settings.beam import SPARK

HERE = Path(__file__).parent
ASSEMBLED = {"2.60.0": ("2.62.0", "3.2.2"), "2.77.0": ("2.70.0", "3.5.0")}
"""Where a repository lacks the published job server of a Beam: the Beam to build one from parts, and
the Spark that this Beam is published for."""

LIBRARIES = (
    ("com.google.guava", "guava", "33.3.1-android"),
    ("com.google.guava", "failureaccess", "1.0.3"),
    ("com.google.protobuf", "protobuf-java", "3.25.9"),
)
"""What Beam's code on the executors needs newer than Spark has it."""


def engine() -> Engine:
    """The published job server of the installed Beam; where there is none, one built from parts.

    Raises:
      Missing: neither is to be had, or there is no Java that Spark supports.
    """
    try:
        java.require(PipelineOptions([]), runner=SPARK, versions=spark_engine.JAVA)
    except InputError as error:
        raise Missing(str(error)) from error
    artifact = jar.SPARK.published("", beam=installed_beam)
    if (found := parts.published(artifact)) is not None:
        try:
            spark = jar.require_fitting(jar.SPARK, found, cluster=None, beam=installed_beam).engine
        except InputError as error:
            raise Missing(str(error)) from error
        described = f"published {artifact}, Beam {installed_beam}"
        return Engine(python=Path(sys.executable), jar=found, version=spark, described=described)
    if installed_beam not in ASSEMBLED:
        raise Missing(
            f"{artifact} is not to be had, and tests/e2e/spark/parts.py names no Beam to build it from"
        )
    beam, spark = ASSEMBLED[installed_beam]
    found = parts.assembled(HERE / "pom.xml", jar.SPARK, beam=beam, version=spark)
    described = f"job server of beam-runners-spark-3:{beam} and its dependencies, Beam {beam}"
    return Engine(python=parts.environment(beam), jar=found, version=spark, described=described)


def distribution(spark: str) -> Path:
    """Spark's own folder, from the package of PySpark, which is of that very version."""
    return parts.unpacked("pyspark", spark, within="deps", name=f"spark-{spark}")


def libraries() -> list[Path]:
    """The jars to put in front of Spark's own on the executors."""
    found = []
    for group, name, version in LIBRARIES:
        artifact = maven.Artifact(group=group, name=name, version=version, setting="")
        if (path := parts.published(artifact)) is None:
            raise Missing(f"{artifact} is not to be had")
        found.append(path)
    return found
