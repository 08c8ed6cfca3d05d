"""`greenlight run --profile`: a trace of stages, epochs, Beam's bundles and all threads' Python code."""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from pipeline.console.plain import Console
from pipeline.console.sampling import Sampler
from pipeline.console.trace import Trace
from pipeline.results.outcome import RunResult

GROUP, STAGES, EPOCHS, NOTES = "greenlight run", "stages", "epochs", "notes"
BEAM_GROUP = "Beam bundles"
BEAM_LOGGER = "apache_beam.runners.portability.fn_api_runner.fn_runner.run_bundle"

_EPOCH = re.compile(r"(epoch \d+)/\d+ .* ([\d.]+) s$")
_BUNDLE = "Running bundle for stage"
_TRANSFORM = re.compile(r"ref_AppliedPTransform_(.+?)_\d+\b")


@contextmanager
def profiled(console: Console) -> Iterator[tuple[Console, Trace]]:
    """A console to run with instead of `console`, which it hands everything on to, and the trace it makes."""
    started = time.monotonic()
    trace = Trace(started=started)
    recorder = _Recorder(console, trace, _Bundles(trace))
    with Sampler(trace), recorder.bundles.listening():
        yield recorder, trace
    trace.slice(GROUP, "whole", "greenlight run", begin=started, end=time.monotonic())


class _Recorder(Console):
    """Notes what a console is told."""

    def __init__(self, console: Console, trace: Trace, bundles: _Bundles):
        self._console, self._trace, self.bundles = console, trace, bundles

    def stage_started(self, name: str) -> None:
        self._console.stage_started(name)

    def stage_finished(self, name: str, seconds: float, cached: bool) -> None:
        self._end(name, seconds, outcome="from cache" if cached else "done")
        self._console.stage_finished(name, seconds, cached)

    def stage_failed(self, name: str, seconds: float, message: str) -> None:
        self._end(name, seconds, outcome=message)
        self._console.stage_failed(name, seconds, message)

    def progress(self, name: str, text: str) -> None:
        now = time.monotonic()
        if epoch := _EPOCH.match(text):
            begin = now - float(epoch[2])
            self._trace.slice(GROUP, EPOCHS, epoch[1], begin=begin, end=now, figures=text)
        else:
            self._trace.mark(GROUP, NOTES, f"{name}: {text}", at=now)
        self._console.progress(name, text)

    def note(self, text: str) -> None:
        self._trace.mark(GROUP, NOTES, text, at=time.monotonic())
        self._console.note(text)

    def finish(self, result: RunResult) -> None:
        self._console.finish(result)

    def _end(self, name: str, seconds: float, *, outcome: str) -> None:
        now = time.monotonic()
        self.bundles.end(now)
        self._trace.slice(GROUP, STAGES, name, begin=now - seconds, end=now, outcome=outcome)


class _Bundles(logging.Handler):
    """Hears from Beam's in-process runner, which says what it runs and not how long that took."""

    def __init__(self, trace: Trace):
        super().__init__(logging.DEBUG)
        self._trace = trace
        self._running: dict[str, tuple[str, float]] = {}

    @contextmanager
    def listening(self) -> Iterator[None]:
        logger = logging.getLogger(BEAM_LOGGER)
        level, propagates = logger.level, logger.propagate
        logger.setLevel(logging.DEBUG)
        logger.propagate = False  # the log would be full of them
        logger.addHandler(self)
        try:
            yield
        finally:
            logger.removeHandler(self)
            logger.setLevel(level)
            logger.propagate = propagates

    def emit(self, record: logging.LogRecord) -> None:
        if str(record.msg).startswith(_BUNDLE) and isinstance(record.args, tuple):
            now, thread = time.monotonic(), threading.current_thread().name
            self._end(thread, now)
            self._running[thread] = transforms(str(record.args[0])), now

    def end(self, now: float) -> None:
        """The thread that calls is done with the pipeline that it ran."""
        self._end(threading.current_thread().name, now)

    def _end(self, thread: str, now: float) -> None:
        if thread in self._running:
            name, began = self._running.pop(thread)
            self._trace.slice(BEAM_GROUP, thread, name, begin=began, end=now)


def transforms(stage: str) -> str:
    """The transforms that Beam has fused into a stage: "Read, Count", or its own name for it."""
    return ", ".join(dict.fromkeys(_TRANSFORM.findall(stage))) or stage
