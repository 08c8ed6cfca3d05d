"""The parts of engines: job servers, and a Python environment of their Beam.

All of it is kept outside the checkout, in `~/.cache/greenlight/proofs` or GREENLIGHT_PROOFS.
"""

import dataclasses
import os
import shutil
import subprocess
import sys
import tarfile
import venv
from pathlib import Path

import filelock

from components.errors import GreenlightError, InputError
from pipeline.job_server import jar, maven

JVM = "--job_server_jvm_properties=-XX:TieredStopAtLevel=1"
"""The option of Beam for a job server of little data: Java compiles less."""
_SECONDS = 1500


class Missing(Exception):
    """Something that an engine needs is not installed; the message says what."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Engine:
    """What a command needs to run on an engine.

    Attributes:
      python: of an environment with this project's packages and the job server's Beam.
      jar: the job server.
      version: of the engine, such as 1.19.
      described: the versions, for the output.
    """

    python: Path
    jar: Path
    version: str
    described: str


def shelf() -> Path:
    folder = os.environ.get("GREENLIGHT_PROOFS") or "~/.cache/greenlight/proofs"
    return Path(folder).expanduser()


def published(artifact: maven.Artifact) -> Path | None:
    """The jar; None where the repository lacks it.

    Raises:
      Missing: it could not be downloaded.
    """
    try:
        return maven.jar_of(artifact, repository=maven.CENTRAL, shelf=shelf() / "jars", progress=print)
    except InputError:
        return None
    except GreenlightError as error:
        raise Missing(str(error)) from error


def assembled(pom: Path, kind: jar.Kind, *, beam: str, version: str) -> Path:
    """The job server that Maven builds from published parts by `pom`, for a version of the engine, once."""
    name = kind.engine.lower()
    found = shelf() / f"job-server-{beam}-{name}-{version}.jar"
    with locked(found):
        if not found.exists():
            _build(found, pom, kind, beam=beam, version=version)
    return found


def _build(target: Path, pom: Path, kind: jar.Kind, *, beam: str, version: str) -> None:
    require("mvn")
    folder = target.with_suffix(".build")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    shutil.copy(pom, folder / "pom.xml")
    versions = (f"-Dbeam={beam}", f"-D{kind.engine.lower()}={version}")
    run("mvn", "-q", "-B", "-f", str(folder / "pom.xml"), "package", *versions)
    built = folder / "target" / "job-server-1.jar"
    jar.require_fitting(kind, built, cluster=jar.series(version), beam=beam)
    built.rename(target)
    shutil.rmtree(folder)


def environment(beam: str) -> Path:
    """The Python of an environment that has another Beam in front of the packages of this one."""
    root = shelf() / f"beam-{beam}-python{sys.version_info.major}.{sys.version_info.minor}"
    python = root / "bin" / "python"
    packages = root / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"
    with locked(root):
        if not (root / "ready").exists():
            shutil.rmtree(root, ignore_errors=True)
            venv.create(root, symlinks=True)
            pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "-q", "--no-deps")
            run(*pip, "--target", str(packages), f"apache-beam=={beam}")
            (root / "ready").touch()
        own = [path for path in sys.path if Path(path).name == "site-packages"]
        (packages / "zz_packages_of_the_project.pth").write_text("\n".join(own) + "\n")
    return python


def unpacked(package: str, version: str, *, within: str, name: str) -> Path:
    """The folder `within` of a source package of PyPI, kept as `name`."""
    folder = shelf() / name
    with locked(folder):
        if not folder.exists():
            _unpack(package, version, within, folder)
    return folder


def _unpack(package: str, version: str, within: str, folder: Path) -> None:
    draft = folder.with_name(f"{folder.name}.part")
    shutil.rmtree(draft, ignore_errors=True)
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "-q", "--no-deps")
    run(*pip, f"--no-binary={package}", "-d", str(draft), f"{package}=={version}")
    (packed,) = draft.glob("*.tar.gz")
    with tarfile.open(packed) as archive:
        archive.extractall(draft, filter="data")
    (found,) = draft.glob(f"*/{within}")
    found.rename(folder)
    shutil.rmtree(draft)


def run(*command: str) -> None:
    shown = f"`{' '.join(command[:4])} ...`"
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=False)
    except subprocess.TimeoutExpired as error:
        raise Missing(f"{shown} did not end within {_SECONDS:g} s") from error
    if done.returncode:
        said = (done.stderr + done.stdout).strip().splitlines() or ["it said nothing"]
        raise Missing(f"{shown} failed: {said[0]}")


def require(program: str) -> None:
    if shutil.which(program) is None:
        raise Missing(f"needs {program}, which is not installed")


def locked(path: Path) -> filelock.FileLock:
    path.parent.mkdir(parents=True, exist_ok=True)
    return filelock.FileLock(path.with_name(f".{path.name}.lock"))
