"""The programs in other languages: what each needs, and how it is built and started."""

import dataclasses
import os
import shutil
import subprocess
from pathlib import Path

HERE = Path(__file__).parent
_SECONDS = 900


class Missing(Exception):
    """A program or a package that a client needs is not to be had here."""


@dataclasses.dataclass(frozen=True)
class Language:
    """How a program is made ready, beside the sources in the folder of its name.

    needs: programs that have to be installed.
    fetch: the command that gets its packages; where it fails, they are not to be had here.
    build: the command after it, which has to succeed.
    start: the command that starts the client.
    """

    needs: tuple[str, ...]
    fetch: tuple[str, ...]
    build: tuple[str, ...]
    start: tuple[str, ...]


LANGUAGES = {
    "node": Language(
        needs=("node", "npm"),
        fetch=("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"),
        build=("node", "--check", "client.js"),
        start=("node", "client.js"),
    ),
    "go": Language(
        needs=("go",),
        fetch=("go", "mod", "download"),
        build=("go", "build", "-o", "client", "."),
        start=("./client",),
    ),
    "java": Language(
        needs=("java", "mvn"),
        fetch=("mvn", "-q", "-B", "dependency:go-offline"),
        build=("mvn", "-q", "-B", "package"),
        start=("java", "-cp", "target/classes:target/lib/*", "Client"),
    ),
}


def built(language: str, folder: Path) -> tuple[Path, tuple[str, ...]]:
    """Builds a client in a folder that does not exist yet; returns it and the command that starts it there.

    Raises:
      Missing: a program is not installed, or the packages cannot be fetched.
    """
    how = LANGUAGES[language]
    _require(*how.needs)
    shutil.copytree(HERE / language, folder)
    _fetch(*how.fetch, folder=folder)
    done = run(*how.build, folder=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder, how.start


def installed_by_go(package: str, folder: Path) -> Path:
    """The program of a Go module, such as github.com/owner/name/cmd@v1.2.3, built into the folder.

    Raises:
      Missing: Go is not installed, or the module cannot be fetched.
    """
    _require("go")
    _fetch("go", "install", package, folder=folder, GOBIN=str(folder))
    return folder / package.partition("@")[0].rpartition("/")[2]


def run(*command: str, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Runs a command to its end."""
    return subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=_SECONDS,
    )


def _require(*programs: str) -> None:
    for program in programs:
        if shutil.which(program) is None:
            raise Missing(f"needs {program}, which is not installed")


def _fetch(*command: str, folder: Path, **variables: str) -> None:
    """Runs a command that needs a package registry."""
    done = run(*command, folder=folder, **variables)
    if done.returncode:
        said = (done.stderr + done.stdout).strip().splitlines() or ["it said nothing"]
        raise Missing(f"`{' '.join(command[:3])}` failed: {said[-1]}")
