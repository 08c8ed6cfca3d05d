"""SIGTERM, as systemd, Kubernetes and `kill` send it: a run ends on it as it does on Ctrl-C."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

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


def interruption_behind(error: Exception) -> KeyboardInterrupt | None:
    """What interrupted the work that ended with `error`: Beam's worker makes an error of its own of an
    interruption, with its name.
    """
    text = f"{error!r} {error.__cause__!r}"
    for kind in (Terminated, KeyboardInterrupt):
        if kind.__name__ in text:
            return kind()
    return None
