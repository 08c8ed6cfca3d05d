"""The jar of Beam's job server: where it comes from, and whether it fits Beam and the cluster."""

from __future__ import annotations

import dataclasses
import zipfile
from pathlib import Path

from components.errors import InputError
from pipeline.job_server import maven

_BEAM = "org/apache/beam/sdk/sdk.properties", "version"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Kind:
    """The job server for an engine.

    Attributes:
      engine: such as Flink.
      setting: the key that gives a jar.
      artifact: the name in a Maven repository; {series} stands for the series of the engine.
      version_file: the file in the jar, and the property in it, that have the engine's version.
    """

    engine: str
    setting: str
    artifact: str
    version_file: tuple[str, str]

    def artifact_of(self, series: str) -> str:
        return self.artifact.format(series=series)

    def published(self, series: str, *, beam: str) -> maven.Artifact:
        """The artifact for a series of the engine, of a version of Beam."""
        name = self.artifact_of(series)
        return maven.Artifact(group="org.apache.beam", name=name, version=beam, setting=self.setting)


FLINK = Kind(
    engine="Flink",
    setting="beam.flink_job_server_jar",
    artifact="beam-runners-flink-{series}-job-server",
    version_file=(".flink-runtime.version.properties", "project.version"),
)
SPARK = Kind(
    engine="Spark",
    setting="beam.spark_job_server_jar",
    artifact="beam-runners-spark-3-job-server",
    version_file=("spark-version-info.properties", "version"),
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Versions:
    """The versions in a jar, such as Beam 2.60.0 and, as the engine, Flink 1.18.0."""

    beam: str
    engine: str


def series(version: str) -> str:
    """The part of an engine's version that a client has in common with its cluster: 1.18 of 1.18.1."""
    return ".".join(version.split(".")[:2])


@dataclasses.dataclass(frozen=True, kw_only=True)
class Located:
    """A jar on this machine."""

    path: Path
    versions: Versions


def locate(
    kind: Kind,
    given: Path | None,
    *,
    cluster: str | None,
    wanted: str = "",
    beam: str,
    repository: str | None,
    cache: Path,
    progress: maven.Progress,
) -> Located:
    """The jar: the given one, or the published one in the folder `cache`.

    Args:
      cluster: the series of the engine that the cluster has; None takes any.
      wanted: the series to download, where the engine has a job server for each.
      beam: the version of the installed Beam.
      repository: to download from; None is Maven Central.

    Raises:
      InputError: the jar does not exist, or has other versions.
      MachineFault: it could not be downloaded.
    """
    path = given.absolute() if given else None
    if path is None:
        published, repository = kind.published(wanted, beam=beam), repository or maven.CENTRAL
        path = maven.jar_of(published, repository=repository, shelf=cache / "jars", progress=progress)
    return Located(path=path, versions=require_fitting(kind, given or path, cluster=cluster, beam=beam))


def require_fitting(kind: Kind, jar: Path, *, cluster: str | None, beam: str) -> Versions:
    """The versions in a jar.

    Args:
      cluster: the series of the engine that the cluster has; None takes any.
      beam: the version of the installed Beam.

    Raises:
      InputError: it is not such a jar, or is of other versions.
    """
    key = f"{kind.setting} = {str(jar)!r}"
    found = _versions_in(kind, jar, key)
    needed = f"{kind.artifact_of(cluster or series(found.engine))}-{beam}.jar"
    if found.beam != beam:
        raise InputError(f"{key}: it is of Beam {found.beam}, but Beam {beam} is installed. Use {needed}.")
    if cluster is not None and series(found.engine) != cluster:
        raise InputError(
            f"{key}: it is for {kind.engine} {series(found.engine)}, but the cluster has {kind.engine} "
            f"{cluster}. {_remedy(kind, found, needed)}"
        )
    return found


def _remedy(kind: Kind, found: Versions, needed: str) -> str:
    if kind.artifact_of("") == kind.artifact:  # one job server for every series of the engine
        return f"Use a cluster of {kind.engine} {series(found.engine)}."
    return f"Use {needed}."


def _versions_in(kind: Kind, jar: Path, key: str) -> Versions:
    try:
        with zipfile.ZipFile(jar) as archive:
            return Versions(beam=_property(archive, *_BEAM), engine=_property(archive, *kind.version_file))
    except OSError as error:
        raise InputError(f"{key}: {error.strerror}. Give a jar, or unset it.") from None
    except (zipfile.BadZipFile, KeyError, UnicodeDecodeError):
        raise InputError(
            f"{key}: it is not a job server of Beam for {kind.engine}. Give one, or unset it."
        ) from None


def _property(archive: zipfile.ZipFile, file: str, name: str) -> str:
    lines = archive.read(file).decode().splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line)[name].strip()
