"""Errors for the user; each class has its documented exit code."""

import contextlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from serving.machine import faults

_MARK = "greenlight-error: "


class GreenlightError(Exception):
    """Something a person has to mend. The message says what is wrong, where, and how to mend it."""

    exit_code = 1


class MachineFault(GreenlightError):
    """The machine kept the work from being done: memory, disk, a killed process. It says nothing of the data,
    the model or the settings, and the same run may come out well another time.
    """


class InputError(GreenlightError):
    """The settings or the input cannot be used: a file is missing, an embedding unknown, data unprepared."""

    exit_code = 2


class DataStopped(GreenlightError):
    """The data check stopped the run before training.

    Args:
      message: what is said to the person.
      account: what became of the rows, where they are the reason; see `Reading.account`.
    """

    exit_code = 4

    def __init__(self, message: str, *, account: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.account = account


class TooFewReviews(DataStopped):
    """The data check stopped the run, for nothing but splits of too few examples; more data may mend it."""


def machine_fault_of(error: GreenlightError) -> MachineFault | None:
    """The error as one of the machine, where it was raised from a fault that is never the input's, such as a
    disk that failed; None of any other.
    """
    if isinstance(error, MachineFault):
        return None
    behind = error.__cause__ or error.__context__
    while behind is not None:
        if (remedy := faults.remedy_whatever_the_input(behind)) is not None:
            message = str(error).strip()
            return MachineFault(message if remedy in message else f"{message} {remedy}")
        behind = behind.__cause__
    return None


def to_json(error: GreenlightError) -> dict[str, Any]:
    """The error's kind and message, as another process can read them."""
    return {"kind": type(error).__name__, "message": str(error)}


def from_json(data: dict[str, Any]) -> GreenlightError:
    """The error that `to_json` told of; a GreenlightError where its kind is not known here.

    Raises:
      KeyError: `data` is something else.
    """
    kinds = {kind.__name__: kind for kind in _kinds(GreenlightError)}
    return kinds.get(data["kind"], GreenlightError)(data["message"])


@contextlib.contextmanager
def carried() -> Iterator[None]:
    """Notes on a GreenlightError from inside what it is, as JSON; `carried_in` finds the note.

    For the code in Beam's workers: of an error in another process Beam brings the traceback's text alone.
    """
    try:
        yield
    except GreenlightError as error:
        error.add_note(_MARK + json.dumps(to_json(machine_fault_of(error) or error)))
        raise
    except Exception as error:
        if not (remedy := faults.remedy_of(error)):
            raise
        fault = MachineFault(remedy)
        fault.add_note(_MARK + json.dumps(to_json(fault)))
        raise fault from error


def carried_in(text: str) -> GreenlightError | None:
    """The error whose note is in the text of tracebacks; None where there is none.

    Of several the last one, which was raised from the others, but as it was raised first: Beam raises an
    error anew with words of its own at the end.
    """
    found = list(_notes(text))
    if not found:
        return None
    last = found[-1]
    return next(one for one in found if type(one) is type(last) and str(last).startswith(str(one)))


def _notes(text: str) -> Iterator[GreenlightError]:
    for part in text.split(_MARK)[1:]:
        with contextlib.suppress(ValueError, KeyError, TypeError):
            data, _ = json.JSONDecoder().raw_decode(part)
            yield from_json(data)


def _kinds(kind: type[GreenlightError]) -> Iterator[type[GreenlightError]]:
    yield kind
    for below in kind.__subclasses__():
        yield from _kinds(below)
