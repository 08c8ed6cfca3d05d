"""Termination by a signal: Ctrl-C, a closed terminal, or SIGTERM from systemd, Kubernetes or `kill`."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NoReturn

from serving.machine.faults import causes

STAGES_ARE_KEPT = "Nothing is half done: run again, and the finished stages come from the cache."
NOTHING_IS_KEPT = "Nothing is half done: run the command again."

_CAUSES = {
    signal.SIGINT: "Interrupted by Ctrl-C.",
    signal.SIGTERM: "Ended by SIGTERM.",
    signal.SIGHUP: "Ended by SIGHUP, as when its terminal is closed.",
}
SIGNALS = tuple(_CAUSES)
EXIT_CODES = tuple(128 + number for number in SIGNALS)
"""As a shell reports a process that one of them ended."""


class Terminated(KeyboardInterrupt):
    """The process was told to end, by one of SIGNALS.

    kept: what stays of its work, and how to go on.
    """

    def __init__(self, number: int = signal.SIGTERM, kept: str = "") -> None:
        super().__init__(number, kept)  # Beam raises it anew from these
        self.number = signal.Signals(number)
        self.kept = kept

    @property
    def exit_code(self) -> int:
        """One of EXIT_CODES."""
        return 128 + self.number

    def __str__(self) -> str:
        return f"{_CAUSES[self.number]} {self.kept}".rstrip()


@contextmanager
def as_interruption(kept: str = NOTHING_IS_KEPT) -> Iterator[None]:
    """SIGNALS raise Terminated meanwhile, as `handling_signals` has them.

    Args:
      kept: what stays of the work if it is interrupted, and how to go on.
    """

    raised: list[Terminated] = []

    def end(number: int, _: object) -> NoReturn:
        raised.append(Terminated(number, kept))
        raise raised[-1]

    with handling_signals(end):
        try:
            yield
        except Terminated:
            raise
        except KeyboardInterrupt as error:  # raised by other code than our handler
            raise Terminated(signal.SIGINT, kept) from error
        except RuntimeError as error:
            if raised and type(error) is RuntimeError:
                # Beam's worker in this process was interrupted, and told of it in a text alone.
                raise raised[-1] from error
            raise


@contextmanager
def handling_signals(handle: Callable[[int, object], object]) -> Iterator[None]:
    """SIGNALS call `handle` meanwhile; those that are ignored, as under `nohup`, stay so.

    In another thread than the main one nothing changes: Python delivers no signal there.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {one: signal.getsignal(one) for one in SIGNALS}
    for one, handler in before.items():
        if handler is not signal.SIG_IGN:
            signal.signal(one, handle)
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


def interruption_behind(error: BaseException) -> KeyboardInterrupt | None:
    """The interruption that `error` was raised from, or in handling which; None where there was none."""
    return next((one for one in causes(error) if isinstance(one, KeyboardInterrupt)), None)
