"""The user message for an exception: its root cause in a line or two, without a traceback."""

from __future__ import annotations

import dataclasses
import traceback
from collections.abc import Sequence
from pathlib import Path

from components.errors import GreenlightError, MachineFault, carried_in, machine_fault_of
from serving.machine import disk, faults

_MODEL_BYTES = 64 * 2**20
"""Where there is less room than a model takes, it was the disk that was exhausted, and not the memory."""
LONGEST = 600  # characters of a root cause that is shown; the log has the rest

_TRACEBACK = "Traceback (most recent call last):"


@dataclasses.dataclass(frozen=True)
class Failure:
    """A root cause in words, and the exit code that goes with it.

    machine: whether this machine is to blame, and not the data, the model or the settings.
    kind: the name of the GreenlightError that it was, for code that goes by it; "" of any other error.
    """

    message: str
    exit_code: int
    machine: bool = False
    kind: str = ""


def explain(error: BaseException, *, place: Path | None = None) -> Failure:
    """Finds what went wrong behind `error`, by the types and codes of what it was raised from.

    A GreenlightError anywhere on the way was written for the person and is taken as it is, also where Beam
    brought it as text from a worker in another process.

    Args:
      error: what was raised.
      place: the folder that was worked in: if its disk is full, an error without a type of its own is that.
    """
    chain = list(faults.causes(error))
    for exception in chain:
        if isinstance(exception, GreenlightError):
            return _failure_of(_as_raised(exception, chain))
    for exception in chain:
        if (carried := carried_in(str(exception))) is not None:
            return _failure_of(carried)
    return _fault_of_the_machine(chain, place) or Failure(_root_cause(chain), 1)


def _failure_of(error: GreenlightError) -> Failure:
    if (fault := machine_fault_of(error)) is not None:
        return Failure(str(fault), 1, machine=True)
    machine = isinstance(error, MachineFault)
    return Failure(str(error).strip(), error.exit_code, machine=machine, kind=type(error).__name__)


def _as_raised(error: GreenlightError, chain: Sequence[BaseException]) -> GreenlightError:
    """The same error before Beam raised it anew, which it does with words of its own at the end."""
    for inner in chain[chain.index(error) + 1 :]:
        if type(inner) is type(error) and str(error).startswith(str(inner)):
            return inner
    return error


def _fault_of_the_machine(chain: Sequence[BaseException], place: Path | None) -> Failure | None:
    path = next((one.filename for one in chain if isinstance(one, OSError) and one.filename), None)
    where = path or place
    if place is not None:  # the disk itself says more than an errno or a status code
        exhausted = any(faults.status_of(one) == faults.RESOURCE_EXHAUSTED for one in chain)
        least = _MODEL_BYTES if exhausted else disk.FEW_BYTES
        if fault := disk.fault_of(place, least_bytes=least):
            return Failure(f"{place} ({disk.room(place)}): {fault}", 1, machine=True)
    remedy = faults.remedy_of(chain[0], place)
    if remedy is None:
        return None
    return Failure(remedy if where is None else f"{where}: {remedy}", 1, machine=True)


def _root_cause(chain: Sequence[BaseException]) -> str:
    error = chain[-1]
    text = str(error)
    if _TRACEBACK in text:  # of a Beam worker; what is shown is the last line of the first traceback
        return _short(_last_line(text.split(_TRACEBACK)[1]))
    if not text.strip():
        return f"{type(error).__name__}{_where(error)}"
    return _short(f"{type(error).__name__}: {text.strip()}")


def _last_line(trace: str) -> str:
    """What a traceback's text ends with: the first line after the frames, which are indented."""
    lines = [line for line in trace.splitlines() if line.strip()]
    raised = [line for line in lines if not line[0].isspace()]
    return (raised or lines or [trace])[0]


def _where(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    return f" at {frames[-1].filename}:{frames[-1].lineno}" if frames else ""


def _short(message: str) -> str:
    """The first line, and the last where the first only announces it, as TensorFlow's do."""
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    lines = [line for line in lines if not line.startswith("[[")] or lines
    shown = lines[0] if len(lines) == 1 or not lines[0].endswith(":") else f"{lines[0]} {lines[-1]}"
    return shown if len(shown) <= LONGEST else shown[: LONGEST - 1] + "…"
