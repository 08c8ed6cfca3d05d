"""Progress of a training as lines of text, for listeners in the same process, such as the local runner."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

Listener = Callable[[str], None]

_listeners: list[Listener] = []


@contextmanager
def reporting_to(listener: Listener) -> Iterator[None]:
    """Calls `listener` with every line reported inside the `with` block, from any thread."""
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)


def report(line: str) -> None:
    """Passes a line to all listeners."""
    for listener in tuple(_listeners):
        listener(line)
