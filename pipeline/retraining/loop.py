"""The loop of `greenlight retrain --watch`, its single pass without --watch, and their stop signals."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from components.errors import GreenlightError
from pipeline.retraining.retrainer import STOPPING
from pipeline.termination import handling_signals

if TYPE_CHECKING:
    from pipeline.retraining.notifier import Notifier
    from pipeline.retraining.policy.records import Decision
    from pipeline.retraining.retrainer import Retrainer, Step

LONGEST_PAUSE_SECONDS = 600.0


class Stop(threading.Event):
    """An event that SIGTERM, SIGHUP and Ctrl-C set; `by` is the first signal."""

    by: signal.Signals | None = None

    @contextmanager
    def on_signals(self) -> Iterator[None]:
        """Handles the signals inside the `with` block; only in the main thread."""
        with handling_signals(self._received):
            yield

    def _received(self, number: int, _: object) -> None:
        self.by = self.by or signal.Signals(number)
        self.set()


def decide_once(retrainer: Retrainer, *, stop: threading.Event, notifier: Notifier) -> list[Step]:
    """Decides until a decision is final: a run, a wait or nothing to do.

    If a span has not settled yet, waits once for `retry_in` seconds and decides again.
    """
    steps, waited = [], False
    while True:
        step = retrainer.step()
        pause = step.decision.retry_in if step.decision.kind == "nothing" else None
        if pause and not waited and not stop.is_set():
            waited = True
            stop.wait(pause)
            continue
        notifier.decided(step.decision, step.moment, dry_run=retrainer.dry)
        steps.append(step)
        if step.is_final or retrainer.dry or stop.is_set():
            return steps


def watch(retrainer: Retrainer, *, poll_seconds: float, stop: threading.Event, notifier: Notifier) -> None:
    """Decides every `poll_seconds` until `stop` is set.

    An error is reported once and retried with a growing pause; a decision is reported when it changes.
    """
    reported: Decision | None = None
    error_text, pause = "", poll_seconds
    while not stop.is_set():
        try:
            step = retrainer.step()
        except GreenlightError as error:
            if str(error) != error_text:
                notifier.cannot_decide(str(error))
            error_text, pause = str(error), min(2 * pause, max(poll_seconds, LONGEST_PAUSE_SECONDS))
            stop.wait(pause)
            continue
        if step.decision is STOPPING:
            return
        error_text, pause = "", poll_seconds
        if not _is_news(step.decision, reported):
            stop.wait(poll_seconds)
            continue
        reported = step.decision
        notifier.decided(step.decision, step.moment)


def _is_news(decision: Decision, reported: Decision | None) -> bool:
    if reported is None or decision.kind not in ("nothing", "wait"):
        return True
    return (decision.kind, decision.cause or decision.why) != (reported.kind, reported.cause or reported.why)
