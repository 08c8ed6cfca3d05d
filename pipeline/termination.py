"""Termination by SIGTERM, as systemd, Kubernetes and `kill` send it; it ends a run as Ctrl-C does."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

from serving.machine.faults import causes

TERMINATED = 143
MESSAGE = "Ended by SIGTERM. Nothing is half done: run again, and the finished stages come from the cache."


class Terminated(KeyboardInterrupt):
    """The process was told to end."""


@contextmanager
def as_interruption() -> Iterator[None]:
    """SIGTERM raises Terminated meanwhile. In another thread than the main one nothing changes: Python
    delivers no signal there.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, _raise)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _raise(*_: object) -> NoReturn:
    raise Terminated


def interruption_behind(error: BaseException) -> KeyboardInterrupt | None:
    """The interruption that `error` was raised from, or in handling which; None where there was none."""
    return next((one for one in causes(error) if isinstance(one, KeyboardInterrupt)), None)
