"""Commands of the project in processes of their own, and what they say when they refuse."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
GREENLIGHT = (sys.executable, "-m", "pipeline.cli")


def environment(**changes: str) -> dict[str, str]:
    """The environment of a process that imports this checkout, wherever it starts."""
    return {**os.environ, "PYTHONPATH": str(ROOT), **changes}


def with_set(*assignments: str) -> list[str]:
    """Settings as options of a command."""
    return [option for each in assignments for option in ("--set", each)]


def greenlight(
    *arguments: str, folder: Path | None = None, timeout: float = 1200, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Runs a command to its end, in `folder` where one is given."""
    return python("-m", "pipeline.cli", *arguments, folder=folder, timeout=timeout, **variables)


def python(
    *arguments: str, folder: Path | None = None, timeout: float = 1200, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Runs Python to its end, in `folder` where one is given."""
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=environment(**variables),
        capture_output=True,
        text=True,
        timeout=timeout,
    )


_PLAYS = """
import json, os, sys
from click.testing import CliRunner
from pipeline.cli import cli
ended = []
for folder, arguments in json.loads(sys.argv[1]):
    os.chdir(folder)
    result = CliRunner().invoke(cli, arguments, prog_name="greenlight")
    packages = sorted({name.partition(".")[0] for name in sys.modules})
    ended.append([result.exit_code, result.stdout, result.stderr, packages])
print(json.dumps(ended))
"""


class Played(NamedTuple):
    """How a command ended, and the packages that its process had imported by then."""

    exit_code: int
    stdout: str
    stderr: str
    packages: list[str]


def played(
    calls: Sequence[tuple[Path, Sequence[str]]], *, start: Sequence[str] = (), **variables: str
) -> list[Played]:
    """Calls commands one after the other in one fresh process.

    Args:
      calls: the folder that each is called in, and its arguments.
      start: a program and its options that start the process.
      variables: more environment variables.
    """
    given = json.dumps([(str(folder), arguments) for folder, arguments in calls])
    command = [*start, sys.executable, "-c", _PLAYS, given]
    done = subprocess.run(
        command, env=environment(**variables), capture_output=True, text=True, timeout=1200, check=False
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return [Played(*ended) for ended in json.loads(done.stdout)]


def packages_of(*commands: Sequence[str], folder: Path) -> tuple[list[int], set[str]]:
    """The exit codes of commands that one process calls in `folder`, and the packages that it imported."""
    ended = played([(folder, arguments) for arguments in commands])
    return [each.exit_code for each in ended], set(ended[-1].packages)


def refusal(result, code: int) -> str:
    """What a command said that ended with `code`, without its "Error: "; it has said nothing else.

    Args:
      result: of a process, or of click's CliRunner.
    """
    ended = result.returncode if isinstance(result, subprocess.CompletedProcess) else result.exit_code
    assert (ended, result.stdout) == (code, ""), (result.stdout, result.stderr)
    assert result.stderr.startswith("Error: ") and "Traceback" not in result.stderr, result.stderr
    return result.stderr.removeprefix("Error: ").strip()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return listening.getsockname()[1]
