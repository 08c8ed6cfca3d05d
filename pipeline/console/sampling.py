"""What the Python code of every thread is at, looked up a few dozen times a second."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Sequence
from pathlib import PurePath
from types import FrameType, TracebackType
from typing import Self

from pipeline.console.trace import Trace

GROUP = "Python threads"
SECONDS_BETWEEN = 0.02
DEEPEST = 100
_IMPORTING = "<frozen importlib"
_WAITING = {"threading.py", "queue.py", "selectors.py", "socketserver.py", "connection.py", "_common.py"}
"""Files of the standard library, and of gRPC, in which threads that have nothing to do are found."""


class Sampler:
    """While entered, a thread of its own adds to `trace` what the others do, their functions as slices."""

    def __init__(self, trace: Trace, *, seconds_between: float = SECONDS_BETWEEN):
        self._trace = trace
        self._seconds_between = seconds_between
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._sample, name="sampler", daemon=True)
        self._open: dict[int, list[tuple[str, float]]] = {}
        self._names: dict[int, str] = {}

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()

    def _sample(self) -> None:
        own = threading.get_ident()
        while not self._stop.wait(self._seconds_between):
            now = time.monotonic()
            self._names |= {thread.ident: thread.name for thread in threading.enumerate() if thread.ident}
            stacks = {ident: functions(frame) for ident, frame in sys._current_frames().items()}
            for ident in (stacks.keys() | self._open.keys()) - {own}:
                self._follow(ident, stacks.get(ident, ()), now)
        for ident in list(self._open):
            self._follow(ident, (), time.monotonic())

    def _follow(self, ident: int, stack: Sequence[str], now: float) -> None:
        """Ends the slices of functions that are left, begins those of functions that are new."""
        before = self._open.setdefault(ident, [])
        same = 0
        while same < min(len(before), len(stack)) and before[same][0] == stack[same]:
            same += 1
        track = f"{self._names.get(ident, 'thread')} {ident}"
        for function, began in reversed(before[same:]):
            self._trace.slice(GROUP, track, function, begin=began, end=now)
        self._open[ident] = before[:same] + [(function, now) for function in stack[same:]]


def functions(frame: FrameType | None) -> tuple[str, ...]:
    """The functions that a thread is in, the outermost first and DEEPEST at most; none if it only waits.

    Of imports only the modules: between two of them there are six functions of Python's own.
    """
    if frame and PurePath(frame.f_code.co_filename).name in _WAITING:
        return ()
    found: list[str] = []
    while frame:
        file = frame.f_code.co_filename
        if not file.startswith(_IMPORTING):
            found.append(f"{frame.f_code.co_qualname} ({PurePath(file).name})")
        frame = frame.f_back
    # The outermost: without them every slice would end whenever a stack gets deeper than that.
    return tuple(reversed(found))[:DEEPEST]
