"""Progress of a batch prediction as counts of rows, for listeners in the same process."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_lock = threading.Lock()
_listeners: list[Callable[[int], None]] = []


@contextmanager
def reporting_to(listener: Callable[[int], None]) -> Iterator[None]:
    """Calls `listener` with the total number of rows done, one call at a time, inside the `with` block."""
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


def report(rows: int) -> None:
    """Adds `rows` to the total."""
    with _lock:
        for listener in tuple(_listeners):
            listener(rows)
