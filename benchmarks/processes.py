"""Commands in cold processes, and their cost; ports, and the end of what was started."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
GREENLIGHT = (sys.executable, "-m", "pipeline.cli")
_LAST_WORDS = 2000
_QUIET_LEGACY_KERAS = {"TF_USE_LEGACY_KERAS": "1", "TF_CPP_MIN_LOG_LEVEL": "2"}


class CommandFailed(Exception):
    """A command did not end as it should; the message has its last words."""


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What a process came to, with the processes that it waited for.

    `seconds` is wall time, `cpu` user and system time, `peak_mib` the most that one process held; `output` is
    what it printed.
    """

    seconds: float
    cpu: float
    peak_mib: float
    output: str = ""


def run(command: Sequence[str], *, exit_code: int = 0, environment: Mapping[str, str] | None = None) -> Cost:
    """Runs a command in the checkout to its end.

    Args:
      exit_code: what it ends with when all goes well.
      environment: variables besides those of this process.

    Raises:
      CommandFailed: it ended with another exit code.
    """
    variables = os.environ | _QUIET_LEGACY_KERAS | dict(environment or {})
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
        started = time.perf_counter()
        process = subprocess.Popen(
            command, cwd=CHECKOUT, env=variables, stdin=subprocess.DEVNULL, stdout=output, stderr=errors
        )
        # Not Popen.wait: only wait4 tells what this one child used.
        _, status, used = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        printed, complaints = (_text(file) for file in (output, errors))
    if process.returncode != exit_code:
        said = (printed + complaints)[-_LAST_WORDS:]
        raise CommandFailed(f"{' '.join(command)} ended with {process.returncode}, not {exit_code}:\n{said}")
    return Cost(
        seconds=seconds,
        cpu=used.ru_utime + used.ru_stime,
        peak_mib=used.ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10),
        output=printed,
    )


def _text(file) -> str:
    file.seek(0)
    return file.read()


def checkout_environment() -> dict[str, str]:
    """The variables of a process that imports this checkout, wherever it starts."""
    return {**os.environ, "PYTHONPATH": str(CHECKOUT)}


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def end(*started: subprocess.Popen) -> None:
    """Ends processes that have sessions of their own, and what they have started there."""
    for process in started:
        if process.poll() is None:
            process.terminate()
    for process in started:
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
