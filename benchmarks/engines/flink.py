"""The parts of Flink: Beam's job server for it, and its own jars."""

import sys
from pathlib import Path

from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.version import __version__ as installed_beam

from benchmarks.engines import parts
from benchmarks.engines.parts import Engine, Missing
from components.errors import InputError
from pipeline.job_server import jar, java
from pipeline.settings.beam import FLINK

POM = Path(__file__).with_name("flink.xml")
FLINK_OF_BEAM = {"2.60.0": "1.18", "2.77.0": "1.20"}
"""The series of Flink to take with the Beam of each lock; both have one."""
ASSEMBLED = {"2.60.0": ("2.62.0", "1.19"), "2.77.0": ("2.70.0", "1.19")}
"""Where a repository lacks the published job server of a Beam: the Beam and Flink to build one from parts."""
JAVA = (11, 17)
DISTRIBUTIONS = {"1.18": "1.18.1", "1.19": "1.19.3", "1.20": "1.20.5"}


def engine() -> Engine:
    """The published job server of the installed Beam; where there is none, one built from parts.

    Raises:
      Missing: neither is to be had, or there is no Java that these series of Flink support.
    """
    try:
        java.require(PipelineOptions([]), runner=FLINK, versions=JAVA)
    except InputError as error:
        raise Missing(str(error)) from error
    if installed_beam not in FLINK_OF_BEAM:
        raise Missing(f"benchmarks/engines/flink.py names no Flink for Beam {installed_beam}")
    flink = FLINK_OF_BEAM[installed_beam]
    artifact = jar.FLINK.published(flink, beam=installed_beam)
    if (found := parts.published(artifact)) is not None:
        described = f"published {artifact}, Beam {installed_beam}"
        return Engine(python=Path(sys.executable), jar=found, version=flink, described=described)
    beam, flink = ASSEMBLED[installed_beam]
    found = parts.assembled(POM, jar.FLINK, beam=beam, version=flink)
    described = f"job server of beam-runners-flink-{flink}:{beam} and its dependencies, Beam {beam}"
    return Engine(python=parts.environment(beam), jar=found, version=flink, described=described)


def distribution(flink: str) -> Path:
    """The folder of the jars of Flink itself, from the package that PyFlink takes them from."""
    version = DISTRIBUTIONS[flink]
    return parts.unpacked("apache-flink-libraries", version, within="deps/lib", name=f"flink-{version}")
