"""Console output of a run as plain lines: stages with times, and the summary."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self, TextIO

from pipeline.results.outcome import RunResult
from pipeline.results.summary import summarize

STAGES = {
    "ImdbExampleGen": "read the examples and split them",
    "TextExampleGen": "read the examples and split them",
    "StatisticsGen": "count words, lengths and classes",
    "Schema": "take the curated schema",
    "ExampleValidator": "compare the data with the schema",
    "DataCheck": "stop here if the data is bad",
    "LiveModel": "find the model to start from",
    "Tuner": "try training settings, one fit each",
    "Trainer": "fit the classifier, export the model",
    "ProductionModel": "find the model in production",
    "Evaluator": "measure it and judge by the gate",
    "InfraValidator": "load it as a server would",
    "Pusher": "promote it if the gate allows",
}
PROGRESS_SECONDS = 10.0
"""The shortest time between two plain lines about the progress of a stage."""


class Console:
    """The base of consoles, which shows nothing. The stage methods may be called from any thread."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def stage_started(self, name: str) -> None:
        """The stage `name` has started."""

    def stage_finished(self, name: str, seconds: float, cached: bool) -> None:
        """The stage `name` has succeeded after `seconds`, or its outputs came from the cache."""

    def stage_failed(self, name: str, seconds: float, message: str) -> None:
        """The stage `name` has failed with an error."""

    def progress(self, name: str, text: str) -> None:
        """The running stage `name` reports its progress."""

    def note(self, text: str) -> None:
        """Shows an event outside of the stages."""

    def finish(self, result: RunResult) -> None:
        """The run has ended. A failed run has no summary: its error is shown on standard error."""


class SilentConsole(Console):
    """The console for `--json`: standard output contains only the result."""


class PlainConsole(Console):
    """One line per event, for logs and pipes. A closed pipe (`| head`) does not end the run."""

    def __init__(self, stream: TextIO, *, clock: Callable[[], float] = time.monotonic):
        self._stream = stream
        self._clock = clock
        self._started = clock()
        self._told: dict[str, float] = {}
        self._lock = threading.Lock()

    def stage_started(self, name: str) -> None:
        self._line(f"{name:<16} {STAGES.get(name, '')}".rstrip())
        self._told[name] = self._clock()

    def stage_finished(self, name: str, seconds: float, cached: bool) -> None:
        self._line(f"{name:<16} {'from cache' if cached else 'done'}, {duration(seconds)}")

    def stage_failed(self, name: str, seconds: float, message: str) -> None:
        self._line(f"{name:<16} FAILED after {duration(seconds)}: {first_line(message)}")

    def progress(self, name: str, text: str) -> None:
        if self._clock() - self._told.get(name, -PROGRESS_SECONDS) >= PROGRESS_SECONDS:
            self._told[name] = self._clock()
            self._line(f"{name:<16} {text}")

    def note(self, text: str) -> None:
        self._line(text)

    def finish(self, result: RunResult) -> None:
        if result.verdict != "failed":
            self._write("\n" + summarize(result).as_text())

    def _line(self, text: str) -> None:
        minutes, seconds = divmod(int(self._clock() - self._started), 60)
        self._write(f"[{minutes:02}:{seconds:02}] {text}\n")

    def _write(self, text: str) -> None:
        with self._lock:
            try:
                self._stream.write(text)
                self._stream.flush()
            except BrokenPipeError:  # the reader has closed the pipe: discard all further output
                with open(os.devnull, "w") as nowhere:
                    os.dup2(nowhere.fileno(), self._stream.fileno())


def duration(seconds: float) -> str:
    """0.42 -> "0.4 s", 75 -> "1 min 15 s"."""
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02} s"


def first_line(message: str) -> str:
    return (message.strip().splitlines() or [""])[0]
