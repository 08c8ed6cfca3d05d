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
from serving.machine import children, ownership

ALIVE = "alive"
POLL_SECONDS = 0.2


class Child:
    """A Python module at work in a session of its own: a Ctrl-C at the terminal reaches it through us only.

    folder: where its output goes, and the file `alive`, which it keeps locked for as long as it lives, also
      after we died; so that process ids, which are reused, need not be trusted.
    ends_with_us: it does not outlive us; its module then calls `serving.machine.children.end_with_parent`.
    """

    def __init__(
        self, module: str, arguments: Sequence[str], *, folder: Path, ends_with_us: bool = False
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._output, self._errors = folder / "output.json", folder / "errors.txt"
        alive = os.open(folder / ALIVE, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            fcntl.flock(alive, fcntl.LOCK_EX | fcntl.LOCK_NB)
            with self._output.open("wb") as output, self._errors.open("wb") as errors:
                start = children.start if ends_with_us else subprocess.Popen
                self._process = start(
                    [sys.executable, "-P", "-m", module, *arguments],
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=errors,
                    start_new_session=True,
                    pass_fds=(alive,),
                    env=_environment(),
                )
        finally:
            os.close(alive)

    @property
    def pid(self) -> int:
        return self._process.pid

    def wait(self, stop: threading.Event, *, stop_seconds: float) -> int:
        """The exit code; negative where a signal ended it. Once `stop` is set it is asked to end, and after
        `stop_seconds` it is killed.
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

    def last_words(self) -> str:
        """The end of what it complained of."""
        return self._errors.read_text(encoding="utf-8", errors="replace").strip()[-600:]


def is_alive(folder: Path) -> bool:
    """Whether the child that was started in `folder`, by us or by one before us, is still there."""
    return ownership.is_held(folder / ALIVE)


def _environment() -> dict[str, str]:
    """Without variables of settings, which would win over the file that holds all settings of a child."""
    kept = {name: value for name, value in os.environ.items() if not is_setting(name, Settings)}
    return kept | {"PYTHONPATH": _python_path()}


def _python_path() -> str:
    """Where our own packages are, first: the current folder may hold others of the same names."""
    home = str(Path(pipeline.__file__).parents[1])
    return os.pathsep.join(filter(None, [home, os.environ.get("PYTHONPATH")]))
