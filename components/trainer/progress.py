"""Progress of a training as lines of text, for the log and for listeners in the same process, such as the
local runner.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Listener = Callable[[str], None]

_log = logging.getLogger(__name__)
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
    """Writes a line to the log and passes it to all listeners."""
    _log.info("%s", line)
    for listener in tuple(_listeners):
        listener(line)
