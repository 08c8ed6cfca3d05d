"""The choice of the console that fits this process's standard output."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from pipeline.console.plain import Console, PlainConsole, SilentConsole
from pipeline.console.run_log import real_stdout


@contextmanager
def open_console(*, as_json: bool) -> Iterator[Console]:
    """The console for this process's standard output: live on a terminal, else lines, or silent."""
    if as_json:
        yield SilentConsole()
        return
    with real_stdout() as stream, _console_on(stream) as console:
        yield console


def _console_on(stream: TextIO) -> Console:
    if not stream.isatty() or os.environ.get("TERM") == "dumb":
        return PlainConsole(stream)
    from pipeline.console.live import LiveConsole

    return LiveConsole(stream)
