"""What to tell a person about an exception: its root cause in a line or two, never a traceback."""

from __future__ import annotations

import dataclasses
import re
import traceback
from collections.abc import Iterator

from components.errors import GreenlightError

LONGEST = 600  # characters of a root cause that is shown; the log has the rest

_BEAM_SUFFIX = re.compile(r"\s*\[while running '.*?'\]")
_RAISED_FROM = "\nThe above exception was the direct cause of the following exception:\n"
_TYPE = r"^(?P<type>(?:[A-Za-z_]\w*\.)*[A-Z]\w*): "
_RAISED = re.compile(_TYPE, re.MULTILINE)
_LAST_LINES = re.compile(_TYPE + r"(?P<message>.*)\Z", re.MULTILINE | re.DOTALL)
_OUT_OF_MEMORY = "The machine ran out of memory. Free some, or lower data.limit or trainer.batch_size."


@dataclasses.dataclass(frozen=True)
class Failure:
    """A root cause in words, and the exit code that goes with it."""

    message: str
    exit_code: int


def explain(error: BaseException) -> Failure:
    """Finds what went wrong behind `error`, through `raise ... from` and through the tracebacks that Beam
    puts in the text of its own errors when its workers are other processes.

    A GreenlightError anywhere on the way was written for the person: it is taken as it is.
    """
    chain = list(_causes(error))
    for exception in chain:
        if isinstance(exception, GreenlightError):
            return Failure(_clean(str(exception)), exception.exit_code)
    for exception in chain:
        if told := _greenlight_error_in(str(exception)):
            return told
    return Failure(_root_cause(chain[-1]), 1)


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        current = current.__cause__


def _greenlight_error_in(text: str) -> Failure | None:
    """The last GreenlightError that a traceback inside `text` ends with."""
    codes = {f"{kind.__module__}.{kind.__qualname__}": kind.exit_code for kind in _kinds(GreenlightError)}
    for raised in reversed(list(_RAISED.finditer(text))):
        if raised["type"] in codes:
            message = text[raised.end() :].split("\nTraceback (most recent call last):")[0]
            message = re.split(r"\n\n(?:During handling|The above exception)", message)[0]
            return Failure(_clean(message), codes[raised["type"]])
    return None


def _kinds(kind: type[GreenlightError]) -> Iterator[type[GreenlightError]]:
    yield kind
    for below in kind.__subclasses__():
        yield from _kinds(below)


def _root_cause(error: BaseException) -> str:
    text = str(error)
    if "Traceback (most recent call last):" in text:
        innermost = text.split(_RAISED_FROM)[0].rpartition("Traceback (most recent call last):")[2]
        if found := _LAST_LINES.search(innermost):
            return _short(f"{found['type'].rpartition('.')[2]}: {_clean(found['message'])}")
    if isinstance(error, MemoryError):
        return _OUT_OF_MEMORY
    if not text.strip():
        return f"{type(error).__name__}{_where(error)}"
    return _short(f"{type(error).__name__}: {_clean(text)}")


def _where(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    return f" at {frames[-1].filename}:{frames[-1].lineno}" if frames else ""


def _clean(message: str) -> str:
    return _BEAM_SUFFIX.sub("", message).strip()


def _short(message: str) -> str:
    """The first line, and the last where the first only announces it, as TensorFlow's do."""
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    lines = [line for line in lines if not line.startswith("[[")] or lines
    shown = lines[0] if len(lines) == 1 or not lines[0].endswith(":") else f"{lines[0]} {lines[-1]}"
    return shown if len(shown) <= LONGEST else shown[: LONGEST - 1] + "…"
