"""Runs the canaries in a fresh process and watches over it: time, memory, and how it ended."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Self, cast

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


class CanaryProcess:
    """A process that imports TensorFlow and then waits for one request; ends with the `with` block at last.

    Args:
      start: the command line to start in place of `python -m serving.canary`; it gets the path for the
        records as its last argument.
    """

    def __init__(self, start: Sequence[str] = (sys.executable, "-m", "serving.canary")) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="canary-")
        self._records, self._log = (Path(self._folder.name, name) for name in ("records.jsonl", "log.txt"))
        self._records.touch()
        self._started = time.monotonic()
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [*start, str(self._records)],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                env=_environment(),
                start_new_session=True,
            )
        self._stdin = cast(IO[bytes], self._process.stdin)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends the process, whatever it is doing."""
        self._kill()
        self._stdin.close()
        self._folder.cleanup()

    def _kill(self) -> None:
        """Kills the process and all that it started; nothing where it has ended by itself."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def run(self, request: Request, *, timeout_seconds: float, max_memory_mb: float) -> Ended:
        """Sends the request and waits for the end; what takes too long or too much is killed.

        Args:
          request: what to ask the model.
          timeout_seconds: for everything after the import of TensorFlow.
          max_memory_mb: the limit in MiB, enforced while it runs where the system tells (Linux).
        """
        asked = Path(self._folder.name, "request.json")
        asked.write_text(request.to_json(), encoding="utf-8")
        # The path alone, because a pipe that nobody reads yet takes no more than 64 KiB without blocking.
        with contextlib.suppress(BrokenPipeError):  # it has ended already, and its exit code tells how
            self._stdin.write(f"{asked}\n".encode())
            self._stdin.close()
        why = self._watch(timeout_seconds=timeout_seconds, max_memory_mb=max_memory_mb)
        self._kill()
        return Ended(
            records=tuple(_complete_records(self._records.read_text(encoding="utf-8"))),
            why=why or _exit_in_words(self._process.returncode),
            log=self._log.read_text(encoding="utf-8", errors="replace")[-_TAIL:],
        )

    def _watch(self, *, timeout_seconds: float, max_memory_mb: float) -> str | None:
        """Waits for the end; returns why the process has to be killed, None where it ended by itself."""
        status = Path("/proc", str(self._process.pid), "status")
        deadline = None
        while self._process.poll() is None:
            now = time.monotonic()
            if deadline is None and '"seconds"' in self._records.read_text(encoding="utf-8"):
                deadline = now + timeout_seconds
            if deadline is not None and now > deadline:
                return f"was killed after {timeout_seconds:g} seconds (infra.timeout_seconds)"
            if deadline is None and now > self._started + IMPORT_SECONDS:
                return f"was killed because TensorFlow did not import within {IMPORT_SECONDS} seconds"
            used = _memory_mib(status)
            if used > max_memory_mb:
                limit = f"the limit is {max_memory_mb:,g} (infra.max_memory_mb)"
                return f"was killed at {used:,.0f} MiB of memory, {limit}"
            time.sleep(_POLL_SECONDS)
        return None


_early: list[CanaryProcess] = []
"""At most one process that was started early and waits for the stage."""


@contextlib.contextmanager
def started_early() -> Iterator[None]:
    """While it lasts, a process imports TensorFlow and waits for the next `fresh`.

    For a runner whose stages share its process: the import takes 6 to 10 seconds of another core, while the
    stages before the Trainer keep only one busy.
    """
    _early.append(CanaryProcess())
    try:
        yield
    finally:
        while _early:
            _early.pop().close()


def fresh() -> CanaryProcess:
    """A process that has loaded no model yet: the one that was started early, or else a new one."""
    return _early.pop() if _early else CanaryProcess()


def _environment() -> dict[str, str]:
    """As the server's: our packages importable, legacy Keras, TensorFlow quiet."""
    root = str(Path(serving.__file__).parents[1])
    known = os.environ.get("PYTHONPATH")
    return os.environ | {
        "PYTHONPATH": os.pathsep.join([root, known] if known else [root]),
        "TF_USE_LEGACY_KERAS": "1",
        "TF_CPP_MIN_LOG_LEVEL": "2",
    }


def _memory_mib(status: Path) -> float:
    try:
        return memory_mib_of(status.read_text())
    except OSError:  # not Linux, or the process is just gone
        return 0.0


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
