"""Watching: deciding again and again until somebody says stop; and the signals that say it."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from components.errors import GreenlightError
from pipeline.retraining.retrainer import TOLD_TO_STOP

if TYPE_CHECKING:
    from pipeline.retraining.notifier import Notifier
    from pipeline.retraining.policy.records import Decision
    from pipeline.retraining.retrainer import Retrainer, Step

LONGEST_PAUSE_SECONDS = 600.0


class Stop(threading.Event):
    """Set by SIGTERM and Ctrl-C; `by` is the signal that came first."""

    by: signal.Signals | None = None

    @contextmanager
    def on_signals(self) -> Iterator[None]:
        """Takes the signals meanwhile, in the main thread only."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {one: signal.signal(one, self._told) for one in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield
        finally:
            for one, handler in before.items():
                signal.signal(one, handler)

    def _told(self, number: int, _: object) -> None:
        self.by = self.by or signal.Signals(number)
        self.set()


def decide_once(retrainer: Retrainer, *, stop: threading.Event, notifier: Notifier) -> list[Step]:
    """The steps up to the first that starts a run, or has nothing more to do. Where all there is has not
    settled yet, it waits for that once.
    """
    steps, waited = [], False
    while True:
        step = retrainer.step()
        pause = step.decision.retry_in if step.decision.kind == "nothing" else None
        if pause and not waited and not stop.is_set():
            waited = True
            stop.wait(pause)
            continue
        notifier.decided(step.decision, step.moment, rehearsed=retrainer.dry)
        steps.append(step)
        if step.is_final or retrainer.dry or stop.is_set():
            return steps


def watch(retrainer: Retrainer, *, poll_seconds: float, stop: threading.Event, notifier: Notifier) -> None:
    """Decides until `stop` is set. What cannot be read or asked is told once, and tried again later."""
    told: Decision | None = None
    trouble, pause = "", poll_seconds
    while not stop.is_set():
        try:
            step = retrainer.step()
        except GreenlightError as error:
            if str(error) != trouble:
                notifier.cannot_decide(str(error))
            trouble, pause = str(error), min(2 * pause, max(poll_seconds, LONGEST_PAUSE_SECONDS))
            stop.wait(pause)
            continue
        if step.decision is TOLD_TO_STOP:
            return
        trouble, pause = "", poll_seconds
        if not _is_news(step.decision, told):
            stop.wait(poll_seconds)
            continue
        told = step.decision
        notifier.decided(step.decision, step.moment)


def _is_news(decision: Decision, told: Decision | None) -> bool:
    if told is None or decision.kind not in ("nothing", "wait"):
        return True
    return (decision.kind, decision.cause or decision.why) != (told.kind, told.cause or told.why)
