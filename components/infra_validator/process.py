"""The canary process: a fresh process with limits on time and memory, and the way it ended."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal, Self, cast

import serving
from serving.canary import MACHINE_FAULT, Request, memory_mib_of
from serving.machine import child_processes, scratch

IMPORT_SECONDS = 180
"""The limit for the import of TensorFlow on a loaded machine; the model's time counts from its end."""
_POLL_SECONDS = 0.05
_TAIL = 2000
_STARVED_SHARE = 0.5
"""The share of waiting for a processor from which a process that takes too long counts as starved."""

Fault = Literal["machine", "crash", "hang", "memory limit"]
"""Who ended a process early: the machine or someone on it, the process itself, or a limit of the settings."""


@dataclass(frozen=True, kw_only=True)
class Ended:
    """The end of the process and its records.

    Attributes:
      records: its output, see serving.canary.
      why: how it ended abnormally, as the predicate of "the process".
      fault: the cause of an abnormal end, as far as it is known; None after a normal end.
      log: the end of its standard error.
    """

    records: tuple[dict[str, Any], ...]
    why: str | None
    log: str
    fault: Fault | None = None


@dataclass(frozen=True, kw_only=True)
class _Killed:
    """The reason why we killed a process, and the fault that follows from it."""

    why: str
    fault: Fault


class CanaryProcess:
    """A process that imports TensorFlow and then waits for one request; ends with the `with` block at last.

    Args:
      start: the command line to start in place of `python -m serving.canary`; it gets the path for the
        records as its last argument.
    """

    def __init__(self, start: Sequence[str] = (sys.executable, "-m", "serving.canary")) -> None:
        with contextlib.ExitStack() as made:
            self._folder = made.enter_context(scratch.folder("canary"))
            self._records, self._log = (self._folder / name for name in ("records.jsonl", "log.txt"))
            self._records.touch()
            self._started = time.monotonic()
            with self._log.open("wb") as log:
                self._process = child_processes.start(
                    [*start, str(self._records)],
                    stdin=subprocess.PIPE,
                    stdout=log,
                    stderr=log,
                    env=_environment(),
                    start_new_session=True,
                )
            self._stdin = cast(IO[bytes], self._process.stdin)
            self._made = made.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Kills the process if it still runs."""
        self._kill()
        self._stdin.close()
        self._made.close()

    def _kill(self) -> None:
        """Kills the process and its child processes; does nothing if it has ended."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def run(self, request: Request, *, timeout_seconds: float, max_memory_mb: float) -> Ended:
        """Sends the request and waits for the process to end; kills it at the limits.

        Args:
          request: the canary requests.
          timeout_seconds: for everything after the import of TensorFlow.
          max_memory_mb: the limit in MiB, enforced on systems that report the memory of a process (Linux).
        """
        asked = self._folder / "request.json"
        asked.write_text(request.to_json(), encoding="utf-8")
        # Only the path: a pipe that has no reader yet blocks after 64 KiB.
        with contextlib.suppress(BrokenPipeError):  # the process has ended; its exit code says how
            self._stdin.write(f"{asked}\n".encode())
            self._stdin.close()
        killed = self._watch(timeout_seconds=timeout_seconds, max_memory_mb=max_memory_mb)
        self._kill()
        records = tuple(_complete_records(self._records.read_text(encoding="utf-8")))
        end = killed or _end_of(self._process.returncode, began=_has_begun(records))
        return Ended(
            records=records,
            why=end.why if end else None,
            fault=end.fault if end else None,
            log=self._log.read_text(encoding="utf-8", errors="replace")[-_TAIL:],
        )

    def _watch(self, *, timeout_seconds: float, max_memory_mb: float) -> _Killed | None:
        """Waits for the end; returns the reason to kill the process, None if it has ended."""
        status = Path("/proc", str(self._process.pid), "status")
        deadline, waited = None, 0.0
        while self._process.poll() is None:
            now = time.monotonic()
            if deadline is None and '"seconds"' in self._records.read_text(encoding="utf-8"):
                deadline, waited = now + timeout_seconds, _seconds_without_processor(self._process.pid)
            if deadline is not None and now > deadline:
                waited = _seconds_without_processor(self._process.pid) - waited
                return self._hung(timeout_seconds, waited=waited)
            if deadline is None and now > self._started + IMPORT_SECONDS:
                why = f"was killed because TensorFlow did not import within {IMPORT_SECONDS} seconds"
                return _Killed(why=why, fault="machine")
            used = _memory_mib(status)
            if used > max_memory_mb:
                limit = f"the limit is {max_memory_mb:,g} (infra.max_memory_mb)"
                return _Killed(why=f"was killed at {used:,.0f} MiB of memory, {limit}", fault="memory limit")
            time.sleep(_POLL_SECONDS)
        return None

    def _hung(self, timeout_seconds: float, *, waited: float) -> _Killed:
        """The end of a process that took too long; a stopped or starved process is not at fault."""
        why = f"was killed after {timeout_seconds:g} seconds (infra.timeout_seconds)"
        state = _state(self._process.pid)
        if state in ("T", "t"):
            return _Killed(why=f"{why}, stopped by a signal", fault="machine")
        if state == "D":
            return _Killed(why=f"{why}, waiting for the disk", fault="machine")
        if waited >= _STARVED_SHARE * timeout_seconds:
            return _Killed(why=f"{why}, {waited:.0f} of them without a processor", fault="machine")
        return _Killed(why=why, fault="hang")


_early: list[CanaryProcess] = []
"""At most one process that was started early and waits for the stage."""


@contextlib.contextmanager
def started_early() -> Iterator[None]:
    """During the block, a process imports TensorFlow and waits for the next `fresh`.

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
    """A process that has not loaded a model yet: the one that was started early, or a new one."""
    return _early.pop() if _early else CanaryProcess()


def _environment() -> dict[str, str]:
    """The environment of the server: our packages importable, legacy Keras, less logging of TensorFlow."""
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


def _state(pid: int) -> str:
    """The letter of Linux's /proc/PID/stat: R running, S sleeping, D waiting for the disk, T stopped."""
    try:
        return Path("/proc", str(pid), "stat").read_text().rpartition(")")[2].split()[0]
    except (OSError, IndexError):  # not Linux, or the process is just gone
        return ""


def _seconds_without_processor(pid: int) -> float:
    """The seconds for which its main thread was ready but had to wait, from Linux's /proc/PID/schedstat."""
    try:
        return int(Path("/proc", str(pid), "schedstat").read_text().split()[1]) / 1e9
    except (OSError, IndexError, ValueError):  # not Linux, not supported by this kernel, or just gone
        return 0.0


def _has_begun(records: Sequence[dict[str, Any]]) -> bool:
    """Whether the process has started to load the model."""
    return any(record["step"] not in ("import", "machine") for record in records)


def _end_of(code: int, *, began: bool) -> _Killed | None:
    """The end for an exit code; an end before the model was loaded is not the model's fault."""
    if code == 0 and began:
        return None
    if code == 0:
        return _Killed(why="ended without an error", fault="machine")
    if code > 0:
        own = began and code != MACHINE_FAULT
        return _Killed(why=f"ended with exit code {code}", fault="crash" if own else "machine")
    name = signal.Signals(-code).name
    hint = ", as the system does when memory runs out" if name == "SIGKILL" else ""
    own = began and -code in child_processes.CRASHES
    return _Killed(why=f"was ended by {name}{hint}", fault="crash" if own else "machine")


def _complete_records(text: str) -> list[dict[str, Any]]:
    """All records except an incomplete last one."""
    return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]
