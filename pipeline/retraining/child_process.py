"""Child processes for work that needs TensorFlow, so that the watcher stays small and survives crashes."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

import pipeline
from pipeline.config import Settings
from pipeline.settings.layers import is_setting
from serving.machine import child_processes, file_locks

ALIVE = "alive"
POLL_SECONDS = 0.2


class Child:
    """A process that runs a Python module in its own session, so that Ctrl-C does not reach it directly.

    Args:
      module: the module, as `python -m` takes it.
      arguments: its command line.
      folder: the folder of its output, and of the file `alive`, which it keeps locked while it lives, even
        after its parent died. Process ids are reused and prove nothing.
      ends_with_parent: whether it ends with this process. Its module must then call
        `serving.machine.child_processes.end_with_parent`.

    Raises:
      BlockingIOError: another process that was started in `folder` is still alive.
      OSError: it cannot be started.
    """

    def __init__(
        self, module: str, arguments: Sequence[str], *, folder: Path, ends_with_parent: bool = False
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._output, self._errors = folder / "output.json", folder / "errors.txt"
        alive = os.open(folder / ALIVE, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            fcntl.flock(alive, fcntl.LOCK_EX | fcntl.LOCK_NB)
            with self._output.open("wb") as output, self._errors.open("wb") as errors:
                start = child_processes.start if ends_with_parent else subprocess.Popen
                self._process = start(
                    [sys.executable, "-P", "-m", module, *arguments],
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=errors,
                    start_new_session=True,
                    pass_fds=(alive,),
                    env=child_environment(),
                )
        finally:
            os.close(alive)

    @property
    def pid(self) -> int:
        return self._process.pid

    def wait(self, stop: threading.Event, *, stop_seconds: float) -> int:
        """Waits for the process to end; returns its exit code, negative if a signal ended it.

        Args:
          stop: when set, the process gets SIGTERM.
          stop_seconds: seconds after SIGTERM until SIGKILL.
        """
        while not stop.is_set():
            try:
                return self._process.wait(POLL_SECONDS)
            except subprocess.TimeoutExpired:
                continue
        self._process.terminate()
        try:
            return self._process.wait(stop_seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()

    def output(self) -> str:
        return self._output.read_text(encoding="utf-8", errors="replace")

    def error_output(self) -> str:
        """The end of its standard error, at most 600 characters."""
        return self._errors.read_text(encoding="utf-8", errors="replace").strip()[-600:]


def is_alive(folder: Path) -> bool:
    """Whether a child that was started in `folder`, by this or an earlier process, is still alive."""
    return file_locks.is_held(folder / ALIVE)


def child_environment() -> dict[str, str]:
    """The environment without variables of settings, which would override the child's settings file."""
    kept = {name: value for name, value in os.environ.items() if not is_setting(name, Settings)}
    return kept | {"PYTHONPATH": _python_path()}


def _python_path() -> str:
    """PYTHONPATH with this project first: the current folder may contain packages of the same names."""
    home = str(Path(pipeline.__file__).parents[1])
    return os.pathsep.join(filter(None, [home, os.environ.get("PYTHONPATH")]))
