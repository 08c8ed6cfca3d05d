"""Lines for whoever watches a training in the same process, such as the local runner; nobody by default."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

Listener = Callable[[str], None]

_listeners: list[Listener] = []


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Calls `listener` with every line that is told while the context lasts, from whichever thread trains."""
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)


def tell(line: str) -> None:
    for listener in tuple(_listeners):
        listener(line)
