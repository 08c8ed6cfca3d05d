"""Commands of the project in processes of their own, and what they say when they refuse."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

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


PRINTS_PACKAGES = """
import json, sys
from click.testing import CliRunner
from pipeline.cli import cli
codes = [CliRunner().invoke(cli, arguments).exit_code for arguments in json.loads(sys.argv[1])]
print(json.dumps([codes, sorted({name.partition(".")[0] for name in sys.modules})]))
"""


def packages_of(*commands: Sequence[str], folder: Path) -> tuple[list[int], set[str]]:
    """The exit codes of commands that one process calls in `folder`, and the packages that it imported."""
    done = python("-c", PRINTS_PACKAGES, json.dumps(commands), folder=folder)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    codes, packages = json.loads(done.stdout)
    return codes, set(packages)


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
