"""The choice between two attempts with one model, and whether the machine is at fault. Pure.

A process that ended early is started once more. The model is refused only if both attempts crashed, or both
hung, at the same canary. Any other pair of failures is a machine fault: the model is not judged.
"""

from components.errors import MachineFault
from components.infra_validator.checks import CanaryResults
from components.infra_validator.process import Fault

_FINAL = (None, "memory limit")


def is_conclusive(found: CanaryResults) -> bool:
    """Whether one attempt suffices: it completed, or exceeded a limit of the settings."""
    return _fault(found) in _FINAL


def settle(first: CanaryResults, second: CanaryResults) -> CanaryResults:
    """The attempt to judge by, after the first one ended early.

    Raises:
      MachineFault: both attempts failed, in a way that does not point to the model.
    """
    if is_conclusive(second) or _same_end(first, second):
        return second
    raise MachineFault(
        f"The canary requests failed twice: the process that served the exported model {_end(first)}; "
        f"started again, it {_end(second)}. This is a fault of the machine, not of the model, which was not "
        "judged. Free memory and processors, or lower infra.batch_size, and run again: the "
        "finished stages come from the cache."
    )


def _same_end(first: CanaryResults, second: CanaryResults) -> bool:
    faults = {_fault(first), _fault(second)}
    return faults in ({"crash"}, {"hang"}) and first.unfinished == second.unfinished


def _fault(found: CanaryResults) -> Fault | None:
    if found.ended.fault is None and found.unfinished is not None:  # an exit in the middle, without a word
        return "crash"
    return found.ended.fault


def _end(found: CanaryResults) -> str:
    why = found.ended.why or "ended without an error"
    told = found.steps.get("machine", {}).get("error")
    return " ".join(filter(None, [why, found.unfinished, told and f"({told.rstrip('.')})"]))
