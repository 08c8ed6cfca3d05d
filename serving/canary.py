"""The canary program: answers requests with an exported model in a separate process.

    echo REQUEST | python -m serving.canary RECORDS

TensorFlow is imported first; then the name of REQUEST, a file with the JSON of `Request`, is waited for, so
that the process can be started long before the model is there. RECORDS gets one JSON object a line, each
written out before the next step begins, so that after a crash the last line names the step that did not end:

    {"step": "import"} {"step": "import", "seconds": 6.1}
    {"step": "load"}   {"step": "load", "seconds": 0.4, "signatures": {"tf_example": {"inputs": ..., ...}}}
    {"step": "answer", "signature": "tf_example", "canaries": ["emoji"]}, again with probability and label
    {"step": "classes", "names": ["ham", "spam", "offer"]} of a model with the output `probabilities`
    {"step": "latency", "milliseconds": 0.9}, {"step": "memory", "mib": 812.0}, {"step": "done"}

A step that failed in words has `error` instead. Where the machine is at fault (no memory, a full disk), the
last record is {"step": "machine", "error": ...}, and the exit code is MACHINE_FAULT.
"""

import base64
import dataclasses
import itertools
import json
import os
import resource
import signal
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from serving.machine import faults
from serving.machine.child_processes import end_with_parent
from serving.tensorflow_errors import root_cause

if TYPE_CHECKING:
    from serving.model.predictor import Outputs, Predictor, Signature

INPUTS = {"serving_default": "text", "tf_example": "examples"}
"""The signatures that a model is asked through, and the name of each one's input."""
PROBABILITIES = "probabilities"
"""The output of a model of more than two classes, which has it in place of `probability`."""
OUTPUTS = ("probability", PROBABILITIES, "label")

MACHINE_FAULT = os.EX_OSERR
"""The exit code where the machine kept the process from its work; the model is not to blame."""

_WARM_UP_CALLS = 3
_TIMED_CALLS = 30
_TIMED_SECONDS = 5.0

Emit = Callable[[dict[str, Any]], None]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Canary:
    """One text: its bytes, and the same as a serialized tf.Example."""

    name: str
    text: bytes
    example: bytes

    def through(self, signature: str) -> bytes:
        """What the signature takes."""
        return self.text if signature == "serving_default" else self.example


@dataclasses.dataclass(frozen=True, kw_only=True)
class Request:
    """What to do.

    Attributes:
      model: the folder of the SavedModel.
      canaries: the texts.
      batch_size: the size of the large batch.
      alarm_seconds: after so many seconds the process ends, whatever it is doing.
    """

    model: str
    canaries: tuple[Canary, ...]
    batch_size: int
    alarm_seconds: int

    def to_json(self) -> str:
        content = dataclasses.asdict(self)
        for canary in content["canaries"]:
            for key in ("text", "example"):
                canary[key] = base64.b64encode(canary[key]).decode()
        return json.dumps(content)

    @classmethod
    def from_json(cls, text: str) -> "Request":
        content = json.loads(text)
        canaries = tuple(
            Canary(
                name=canary["name"],
                text=base64.b64decode(canary["text"]),
                example=base64.b64decode(canary["example"]),
            )
            for canary in content.pop("canaries")
        )
        return cls(canaries=canaries, **content)


def calls(request: Request) -> list[tuple[str, tuple[Canary, ...]]]:
    """Every call that a model has to answer, as signature and batch.

    Each canary goes alone through `serving_default`, then all together, none at all, and `batch_size` of them
    through both signatures.
    """
    alone = [("serving_default", (canary,)) for canary in request.canaries]
    many = tuple(itertools.islice(itertools.cycle(request.canaries), request.batch_size))
    return alone + [(signature, batch) for batch in (request.canaries, (), many) for signature in INPUTS]


def answer(request: Request, emit: Emit) -> None:
    """Loads the model and makes all `calls`; what goes wrong in words is emitted, never raised."""
    from serving.model import loader

    emit({"step": "load"})
    started = time.monotonic()
    try:
        model = loader.load(request.model)
    except Exception as error:  # whatever it is, it is the answer
        _raise_fault_of_the_machine(error)
        emit({"step": "load", "error": root_cause(error)})
        return
    described = {name: _describe(signature) for name, signature in model.signatures.items()}
    emit({"step": "load", "seconds": time.monotonic() - started, "signatures": described})

    for signature, batch in calls(request):
        if signature in model.signatures:
            _ask(model, signature, batch, emit)
    if any(PROBABILITIES in signature.outputs for signature in model.signatures.values()):
        _ask_for_names(model, emit)
    if "serving_default" in model.signatures:
        _time_calls(model, request.canaries[0], emit)
    emit({"step": "memory", "mib": peak_memory_mib()})
    emit({"step": "done"})


class MachineFault(Exception):
    """The machine kept this process from its work."""


def _raise_fault_of_the_machine(error: Exception) -> None:
    if remedy := faults.remedy_of(error):
        raise MachineFault(f"{root_cause(error)} {remedy}") from error


def _describe(signature: "Signature") -> dict[str, dict[str, str]]:
    return {
        "inputs": {name: spec.dtype for name, spec in signature.inputs.items()},
        "outputs": {name: spec.dtype for name, spec in signature.outputs.items()},
    }


def _run(model: "Predictor", signature: str, batch: tuple[Canary, ...]) -> "Outputs":
    """The answers of a signature to a batch."""
    from serving.model.predictor import strings

    inputs = {INPUTS[signature]: strings([canary.through(signature) for canary in batch])}
    model.signatures[signature].check_names(inputs)
    return model.run(signature, inputs)


def _ask(model: "Predictor", signature: str, batch: tuple[Canary, ...], emit: Emit) -> None:
    record: dict[str, Any] = {
        "step": "answer",
        "signature": signature,
        "canaries": [canary.name for canary in batch],
    }
    emit(record)
    try:
        found = _run(model, signature, batch)
    except Exception as error:  # whatever it is, it is the answer
        _raise_fault_of_the_machine(error)
        emit(record | {"error": root_cause(error)})
        return
    for name in ("probability", PROBABILITIES):
        if name in found:
            record[name] = found[name].tolist()
    if "label" in found:
        record["label"] = _as_text(found["label"].tolist())
    emit(record)


def _ask_for_names(model: "Predictor", emit: Emit) -> None:
    """Emits the names of the classes that the model gives."""
    from serving.model.classification import class_names

    emit({"step": "classes"})
    try:
        emit({"step": "classes", "names": class_names(model)})
    except Exception as error:  # whatever it is, it is the answer
        _raise_fault_of_the_machine(error)
        emit({"step": "classes", "error": root_cause(error)})


def _as_text(value: Any) -> Any:
    if isinstance(value, list):
        return [_as_text(item) for item in value]
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _time_calls(model: "Predictor", canary: Canary, emit: Emit) -> None:
    """Emits the median time of a call with one text."""
    emit({"step": "latency"})
    seconds: list[float] = []
    try:
        for call in range(_WARM_UP_CALLS + _TIMED_CALLS):
            started = time.monotonic()
            _ = _run(model, "serving_default", (canary,))
            if call >= _WARM_UP_CALLS:
                seconds.append(time.monotonic() - started)
            if sum(seconds) > _TIMED_SECONDS:
                break
    except Exception as error:  # whatever it is, it is the answer
        _raise_fault_of_the_machine(error)
        emit({"step": "latency", "error": root_cause(error)})
        return
    emit({"step": "latency", "milliseconds": 1000 * statistics.median(seconds), "calls": len(seconds)})


def peak_memory_mib() -> float:
    """The most memory that this process ever held, in MiB.

    On Linux ru_maxrss starts with what the parent held when it forked, VmHWM does not.
    """
    status = Path("/proc/self/status")
    if status.exists():
        return memory_mib_of(status.read_text())
    largest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return largest / 2**20 if sys.platform == "darwin" else largest / 2**10


def memory_mib_of(status: str) -> float:
    """The peak memory in MiB from the text of Linux's /proc/PID/status; 0.0 for a process that has ended."""
    for line in status.splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 2**10
    return 0.0


def main(records_path: str) -> int:
    """Serves one request; returns the exit code."""
    end_with_parent()
    with Path(records_path).open("a", encoding="utf-8") as records:

        def emit(record: dict[str, Any]) -> None:
            records.write(json.dumps(record) + "\n")
            records.flush()

        emit({"step": "import"})
        started = time.monotonic()
        import tensorflow  # noqa: F401

        emit({"step": "import", "seconds": time.monotonic() - started})
        line = sys.stdin.readline()
        if not line:  # who started this process is gone
            return 0
        request = Request.from_json(Path(line.rstrip("\n")).read_text(encoding="utf-8"))
        # The default action of SIGALRM ends even a process that hangs in native code or has lost its parent.
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(request.alarm_seconds)
        try:
            answer(request, emit)
        except MachineFault as error:
            emit({"step": "machine", "error": str(error)})
            return MACHINE_FAULT
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
