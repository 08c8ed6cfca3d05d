"""The jar of Beam's job server for Flink: where it comes from, and whether it fits Beam and the cluster."""

from __future__ import annotations

import dataclasses
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from components.errors import InputError
from pipeline.job_server import maven

if TYPE_CHECKING:
    from pipeline.settings.beam import BeamSettings

_BEAM = "org/apache/beam/sdk/sdk.properties", "version"
_FLINK = ".flink-runtime.version.properties", "project.version"
"""Files by which the Java programs themselves tell their versions."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Versions:
    """The versions in a jar, such as Beam 2.60.0 and Flink 1.18.0."""

    beam: str
    flink: str


def series(version: str) -> str:
    """The part of Flink's version that a client has in common with its cluster: 1.18 of 1.18.1."""
    return ".".join(version.split(".")[:2])


def locate(settings: BeamSettings, *, flink: str, beam: str, cache: Path, progress: maven.Progress) -> Path:
    """The jar for a series of Flink: the given one, or the published one in the folder `cache`.

    Raises:
      InputError: it is not to be had, or is of other versions.
      MachineFault: it could not be downloaded.
    """
    given = settings.flink_job_server_jar
    if given is not None:
        require_fitting(given, flink=flink, beam=beam)
        return given.absolute()
    published = maven.Artifact(
        group="org.apache.beam", name=f"beam-runners-flink-{flink}-job-server", version=beam
    )
    repository = settings.maven_repository or maven.CENTRAL
    return maven.jar_of(published, repository=repository, shelf=cache / "jars", progress=progress)


def require_fitting(jar: Path, *, flink: str | None, beam: str) -> Versions:
    """The versions in a jar that is given.

    Args:
      flink: the series of the cluster; None takes any.
      beam: the version of the installed Beam.

    Raises:
      InputError: it is not such a jar, or is of other versions.
    """
    key = f"beam.flink_job_server_jar = {str(jar)!r}"
    found = _versions_in(jar, key)
    needed = f"beam-runners-flink-{flink or series(found.flink)}-job-server-{beam}.jar"
    if found.beam != beam:
        raise InputError(f"{key}: it is of Beam {found.beam}, but Beam {beam} is installed. Use {needed}.")
    if flink is not None and series(found.flink) != flink:
        raise InputError(
            f"{key}: it is for Flink {series(found.flink)}, but the cluster has Flink {flink}. Use {needed}."
        )
    return found


def _versions_in(jar: Path, key: str) -> Versions:
    try:
        with zipfile.ZipFile(jar) as archive:
            return Versions(beam=_property(archive, *_BEAM), flink=_property(archive, *_FLINK))
    except OSError as error:
        raise InputError(f"{key}: {error.strerror}. Give a jar, or unset it.") from None
    except (zipfile.BadZipFile, KeyError, UnicodeDecodeError):
        raise InputError(f"{key}: it is not a job server of Beam for Flink. Give one, or unset it.") from None


def _property(archive: zipfile.ZipFile, file: str, name: str) -> str:
    lines = archive.read(file).decode().splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line)[name].strip()
