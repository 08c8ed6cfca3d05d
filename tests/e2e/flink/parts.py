"""The parts of the proofs on Flink: a job server, a Python environment of its Beam, and Flink's own jars.

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
from apache_beam.version import __version__ as installed_beam

from components.errors import GreenlightError, InputError
from pipeline.job_server import jar, maven

HERE = Path(__file__).parent
FLINK_OF_BEAM = {"2.60.0": "1.18", "2.77.0": "1.20"}
"""The series of Flink to prove with the Beam of each lock; both have one."""
ASSEMBLED = {"2.60.0": ("2.62.0", "1.19"), "2.77.0": ("2.70.0", "1.19")}
"""Where a repository lacks the published job server of a Beam: the Beam and Flink to build one from parts."""
DISTRIBUTIONS = {"1.18": "1.18.1", "1.19": "1.19.3", "1.20": "1.20.5"}
JVM = "--job_server_jvm_properties=-XX:TieredStopAtLevel=1"
"""The option of Beam for a job server of little data: Java compiles less."""
_SECONDS = 1500


class Missing(Exception):
    """Something that these proofs need is not to be had here; they are skipped for this reason."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Engine:
    """What a command needs to run on Flink.

    Attributes:
      python: of an environment with this project's packages and the job server's Beam.
      jar: the job server.
      flink: the series, such as 1.19.
      described: the versions, for the output of the tests.
    """

    python: Path
    jar: Path
    flink: str
    described: str


def shelf() -> Path:
    folder = os.environ.get("GREENLIGHT_PROOFS") or "~/.cache/greenlight/proofs"
    return Path(folder).expanduser()


def engine() -> Engine:
    """The published job server of the installed Beam; where there is none, one built from parts.

    Raises:
      Missing: neither is to be had, or there is no Java.
    """
    _require("java")
    if installed_beam not in FLINK_OF_BEAM:
        raise Missing(f"tests/e2e/flink/parts.py names no Flink for Beam {installed_beam}")
    flink = FLINK_OF_BEAM[installed_beam]
    published = maven.Artifact(
        group="org.apache.beam", name=f"beam-runners-flink-{flink}-job-server", version=installed_beam
    )
    try:
        found = maven.jar_of(published, repository=maven.CENTRAL, shelf=shelf() / "jars", progress=print)
    except InputError:  # this repository lacks it
        return _assembled()
    except GreenlightError as error:
        raise Missing(str(error)) from error
    described = f"published {published}, Beam {installed_beam}"
    return Engine(python=Path(sys.executable), jar=found, flink=flink, described=described)


def _assembled() -> Engine:
    _require("mvn")
    beam, flink = ASSEMBLED[installed_beam]
    found = shelf() / f"job-server-{beam}-flink-{flink}.jar"
    with _locked(found):
        if not found.exists():
            _build(found, beam, flink)
    described = f"job server of beam-runners-flink-{flink}:{beam} and its dependencies, Beam {beam}"
    return Engine(python=_environment(beam), jar=found, flink=flink, described=described)


def _build(target: Path, beam: str, flink: str) -> None:
    folder = target.with_suffix(".build")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    shutil.copy(HERE / "pom.xml", folder)
    _run("mvn", "-q", "-B", "-f", str(folder / "pom.xml"), "package", f"-Dbeam={beam}", f"-Dflink={flink}")
    jar.require_fitting(folder / "target" / "job-server-1.jar", flink=flink, beam=beam)
    (folder / "target" / "job-server-1.jar").rename(target)
    shutil.rmtree(folder)


def _environment(beam: str) -> Path:
    """The Python of an environment that has another Beam in front of the packages of this one."""
    root = shelf() / f"beam-{beam}-python{sys.version_info.major}.{sys.version_info.minor}"
    python = root / "bin" / "python"
    packages = root / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"
    with _locked(root):
        if not (root / "ready").exists():
            shutil.rmtree(root, ignore_errors=True)
            venv.create(root, symlinks=True)
            pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "-q", "--no-deps")
            _run(*pip, "--target", str(packages), f"apache-beam=={beam}")
            (root / "ready").touch()
        own = [path for path in sys.path if Path(path).name == "site-packages"]
        (packages / "zz_packages_of_the_project.pth").write_text("\n".join(own) + "\n")
    return python


def distribution(flink: str) -> Path:
    """The folder of the jars of Flink itself, from the package that PyFlink takes them from."""
    version = DISTRIBUTIONS[flink]
    folder = shelf() / f"flink-{version}"
    with _locked(folder):
        if not folder.exists():
            _unpack(version, folder)
    return folder


def _unpack(version: str, folder: Path) -> None:
    draft = folder.with_suffix(".part")
    shutil.rmtree(draft, ignore_errors=True)
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "-q", "--no-deps")
    _run(*pip, "--no-binary=:all:", "-d", str(draft), f"apache-flink-libraries=={version}")
    (packed,) = draft.glob("*.tar.gz")
    with tarfile.open(packed) as archive:
        archive.extractall(draft, filter="data")
    (lib,) = draft.glob("*/deps/lib")
    lib.rename(folder)
    shutil.rmtree(draft)


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=False)
    if done.returncode:
        said = (done.stderr + done.stdout).strip().splitlines() or ["it said nothing"]
        raise Missing(f"`{' '.join(command[:4])} ...` failed: {said[0]}")


def _require(program: str) -> None:
    if shutil.which(program) is None:
        raise Missing(f"needs {program}, which is not installed")


def _locked(path: Path) -> filelock.FileLock:
    path.parent.mkdir(parents=True, exist_ok=True)
    return filelock.FileLock(path.with_name(f".{path.name}.lock"))
