"""Counts for whoever watches a batch prediction in the same process; nobody by default."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_lock = threading.Lock()
_listeners: list[Callable[[int], None]] = []


@contextmanager
def listening(listener: Callable[[int], None]) -> Iterator[None]:
    """Calls `listener` with the number of rows done so far, one call at a time, while the context lasts."""
    done = 0

    def add(rows: int) -> None:
        nonlocal done
        done += rows
        listener(done)

    _listeners.append(add)
    try:
        yield
    finally:
        _listeners.remove(add)


def tell(rows: int) -> None:
    """That many rows more are done."""
    with _lock:
        for listener in tuple(_listeners):
            listener(rows)
