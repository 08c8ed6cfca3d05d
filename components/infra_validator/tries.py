"""The choice between two attempts with one model, and whether the machine is at fault. Pure.

A process that ended early is tried once more. The model is refused only where both tries ended alike, at the
same canary, by what a model can do: a crash of its own or a hang. All else that goes wrong twice is the
machine's fault, of which no verdict about a model or its data may be made.
"""

from components.errors import MachineFault
from components.infra_validator.checks import Evidence
from components.infra_validator.process import Fault

_FINAL = (None, "memory limit")


def counts(found: Evidence) -> bool:
    """Whether one try says enough: it came to its end, or a limit of the settings ended it."""
    return _fault(found) in _FINAL


def settle(first: Evidence, second: Evidence) -> Evidence:
    """What counts of two tries of which the first one ended early.

    Raises:
      MachineFault: the model could not be asked twice, through no fault of its own.
    """
    if counts(second) or _same_end(first, second):
        return second
    raise MachineFault(
        f"The exported model could not be asked its canaries: the process that served it {_end(first)}; "
        f"tried once more, it {_end(second)}. That is this machine's fault, not the model's, and nothing was "
        "decided about it. Free memory and processors, or lower infra.batch_size, and run again: the "
        "finished stages come from the cache."
    )


def _same_end(first: Evidence, second: Evidence) -> bool:
    faults = {_fault(first), _fault(second)}
    return faults in ({"crash"}, {"hang"}) and first.unfinished == second.unfinished


def _fault(found: Evidence) -> Fault | None:
    if found.ended.fault is None and found.unfinished is not None:  # an exit in the middle, without a word
        return "crash"
    return found.ended.fault


def _end(found: Evidence) -> str:
    why = found.ended.why or "ended without an error"
    told = found.steps.get("machine", {}).get("error")
    return " ".join(filter(None, [why, found.unfinished, told and f"({told.rstrip('.')})"]))
