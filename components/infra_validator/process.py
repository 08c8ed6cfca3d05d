"""Runs the canaries in a fresh process and watches over it: time, memory, and how it ended."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import serving
from serving.canary import Request, memory_mib_of

IMPORT_SECONDS = 180
"""How long TensorFlow's import may take on a loaded machine; the model's own time counts from there."""
_POLL_SECONDS = 0.05
_TAIL = 2000


@dataclass(frozen=True, kw_only=True)
class Ended:
    """What the process left.

    Attributes:
      records: what it wrote, see serving.canary.
      why: how it ended, where it did not end by itself and well; follows "the process".
      log: the end of its standard error.
    """

    records: tuple[dict[str, Any], ...]
    why: str | None
    log: str


def command() -> list[str]:
    """The start of the command line; request and records follow."""
    return [sys.executable, "-m", "serving.canary"]


def run(
    request: Request, *, timeout_seconds: float, max_memory_mb: float, start: Sequence[str] | None = None
) -> Ended:
    """Runs the canaries and returns when the process is gone, killed where it takes too long or too much.

    Args:
      request: what to ask the model.
      timeout_seconds: for everything after the import of TensorFlow.
      max_memory_mb: the limit in MiB, enforced while it runs where the system tells (Linux).
      start: the command line to start instead of `command()`.
    """
    with tempfile.TemporaryDirectory(prefix="canary-") as folder:
        paths = [Path(folder, name) for name in ("request.json", "records.jsonl", "log.txt")]
        asked, records, log = paths
        asked.write_text(request.to_json(), encoding="utf-8")
        records.touch()
        with log.open("wb") as errors:
            process = subprocess.Popen(
                [*(start or command()), str(asked), str(records)],
                stdin=subprocess.DEVNULL,
                stdout=errors,
                stderr=errors,
                env=_environment(),
                start_new_session=True,
            )
            try:
                why = _watch(process, records, timeout_seconds=timeout_seconds, max_memory_mb=max_memory_mb)
            finally:
                _kill(process)
        return Ended(
            records=tuple(_complete_records(records.read_text(encoding="utf-8"))),
            why=why or _exit_in_words(process.returncode),
            log=log.read_text(encoding="utf-8", errors="replace")[-_TAIL:],
        )


def _environment() -> dict[str, str]:
    """As the server's: our packages importable, legacy Keras, TensorFlow quiet."""
    root = str(Path(serving.__file__).parents[1])
    known = os.environ.get("PYTHONPATH")
    return os.environ | {
        "PYTHONPATH": os.pathsep.join([root, known] if known else [root]),
        "TF_USE_LEGACY_KERAS": "1",
        "TF_CPP_MIN_LOG_LEVEL": "2",
    }


def _watch(
    process: subprocess.Popen[bytes], records: Path, *, timeout_seconds: float, max_memory_mb: float
) -> str | None:
    """Waits for the end; returns why the process has to be killed, None where it ended by itself."""
    status = Path("/proc", str(process.pid), "status")
    started, deadline = time.monotonic(), None
    while process.poll() is None:
        now = time.monotonic()
        if deadline is None and '"seconds"' in records.read_text(encoding="utf-8"):
            deadline = now + timeout_seconds
        if deadline is not None and now > deadline:
            return f"was killed after {timeout_seconds:g} seconds (infra.timeout_seconds)"
        if deadline is None and now > started + IMPORT_SECONDS:
            return f"was killed because TensorFlow did not import within {IMPORT_SECONDS} seconds"
        used = _memory_mib(status)
        if used > max_memory_mb:
            limit = f"the limit is {max_memory_mb:,g} (infra.max_memory_mb)"
            return f"was killed at {used:,.0f} MiB of memory, {limit}"
        time.sleep(_POLL_SECONDS)
    return None


def _memory_mib(status: Path) -> float:
    try:
        return memory_mib_of(status.read_text())
    except OSError:  # not Linux, or the process is just gone
        return 0.0


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Ends the process and all that it started; nothing where it has ended."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _exit_in_words(code: int) -> str | None:
    if code == 0:
        return None
    if code > 0:
        return f"ended with exit code {code}"
    name = signal.Signals(-code).name
    hint = ", as the system does where memory runs out" if name == "SIGKILL" else ""
    return f"was ended by {name}{hint}"


def _complete_records(text: str) -> list[dict[str, Any]]:
    """All records but one that the process died in the middle of."""
    return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]
