"""The checks on the canary process's output: pure functions, one per check."""

import functools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from components.infra_validator.process import Ended
from components.infra_validator.settings import InfraSettings
from components.infra_validator.signatures import Signatures, signature_problems
from components.reviews import CLASSES
from serving.canary import OUTPUTS, Request, calls

_NEAR_THE_CUT = 1e-6
_ENDS = frozenset({"error", *OUTPUTS})
"""The keys of the record of a finished call."""


@dataclass(frozen=True, kw_only=True)
class CanaryCall:
    """One call of a signature with some canaries, by their names."""

    signature: str
    canaries: tuple[str, ...]

    @property
    def what(self) -> str:
        """The call in words."""
        if not self.canaries:
            what = "the empty batch"
        elif len(self.canaries) == 1:
            what = self.canaries[0]
        else:
            what = f"a batch of {len(self.canaries)}"
        return f"{what} through {self.signature}"


@dataclass(frozen=True, kw_only=True)
class CanaryAnswer(CanaryCall):
    """The result of one call: `error`, or an answer for each canary."""

    error: str | None = None
    probability: Any = None
    label: Any = None

    @property
    def whole(self) -> bool:
        """Whether each canary has one number and one label."""
        outputs = ((self.probability, float), (self.label, str))
        return all(
            isinstance(values, list)
            and len(values) == len(self.canaries)
            and all(isinstance(value, kind) for value in values)
            for values, kind in outputs
        )


@dataclass(frozen=True, kw_only=True)
class CanaryResults:
    """The records of the canary process, sorted.

    Attributes:
      ended: the process.
      signatures: name -> inputs and outputs -> name -> type; None if the model did not load.
      asked: all planned calls.
      answers: all finished calls.
      steps: name of each other step -> its last record.
      unfinished: the step, in words, at which the process ended; None if it completed all steps.
      again: the probability of each canary after a second load of the same model, in the validating
        process; None without a second load.
    """

    ended: Ended
    signatures: Signatures | None
    asked: tuple[CanaryCall, ...]
    answers: tuple[CanaryAnswer, ...]
    steps: Mapping[str, Mapping[str, Any]]
    unfinished: str | None
    again: Mapping[str, float] | None = None


@dataclass(frozen=True, kw_only=True)
class Check:
    """One check and its problems."""

    name: str
    problems: tuple[str, ...]

    @property
    def passed(self) -> bool:
        return not self.problems


def canary_results(
    ended: Ended, *, request: Request, again: Mapping[str, float] | None = None
) -> CanaryResults:
    """Sorts the records of a canary process."""
    steps = {record["step"]: record for record in ended.records if record["step"] != "answer"}
    asked = [
        CanaryCall(signature=signature, canaries=tuple(canary.name for canary in batch))
        for signature, batch in calls(request)
    ]
    begun = [record for record in ended.records if record["step"] == "answer"]
    answers = [_answer(record) for record in begun if not _ENDS.isdisjoint(record)]
    return CanaryResults(
        ended=ended,
        signatures=steps.get("load", {}).get("signatures"),
        asked=tuple(asked),
        answers=tuple(answers),
        steps=steps,
        unfinished=_unfinished(ended.records),
        again=again,
    )


def _answer(record: Mapping[str, Any]) -> CanaryAnswer:
    return CanaryAnswer(
        signature=record["signature"],
        canaries=tuple(record["canaries"]),
        error=record.get("error"),
        probability=record.get("probability"),
        label=record.get("label"),
    )


def _unfinished(records: Sequence[Mapping[str, Any]]) -> str | None:
    records = [record for record in records if record["step"] != "machine"]
    if not records:
        return "before it began"
    last = records[-1]
    if last["step"] == "done" or (last["step"] == "load" and "error" in last):  # these are the last steps
        return None
    finished = not last.keys() <= {"step", "signature", "canaries"}
    if last["step"] == "answer":
        return f"{'after' if finished else 'at'} {_answer(last).what}"
    words = {"import": "importing TensorFlow", "load": "loading the model", "latency": "timing calls"}
    return f"{'after' if finished else 'while'} {words.get(last['step'], last['step'])}"


def checks(
    found: CanaryResults, settings: InfraSettings, *, classes: tuple[str, ...] = CLASSES
) -> tuple[Check, ...]:
    """All checks, passed or not, in the order for a reader.

    classes: the labels that the model should give, the positive one last.
    """
    looked_at: tuple[tuple[str, Callable[[CanaryResults, InfraSettings], Iterator[str]]], ...] = (
        ("process", _process),
        ("load", _load),
        ("signatures", _signatures),
        ("answers", _answers),
        ("probabilities", _probabilities),
        ("labels", functools.partial(_labels, classes=classes)),
        ("same answer in every batch and signature", _same_everywhere),
        ("same answer after a second load", _same_after_a_second_load),
        ("latency", _latency),
        ("memory", _memory),
    )
    return tuple(Check(name=name, problems=tuple(look(found, settings))) for name, look in looked_at)


def _process(found: CanaryResults, settings: InfraSettings) -> Iterator[str]:
    if found.ended.why is not None or found.unfinished is not None:
        why = found.ended.why or "ended without an error"
        where = f" {found.unfinished}" if found.unfinished else ""
        yield f"the process that served it {why}{where}"


def _load(found: CanaryResults, settings: InfraSettings) -> Iterator[str]:
    error = found.steps.get("load", {}).get("error")
    if error is not None:
        yield f"the model does not load: {error}"


def _signatures(found: CanaryResults, settings: InfraSettings) -> Iterator[str]:
    if found.signatures is None:  # the model did not load, which another check reports
        return
    yield from signature_problems(found.signatures)


def _answers(found: CanaryResults, settings: InfraSettings) -> Iterator[str]:
    for answer in found.answers:
        if answer.error is not None:
            yield f"{answer.what} fails: {answer.error}"
        elif not answer.whole:
            yield f"{answer.what} does not give one probability and one label a review"
    yield from _unanswered(found)


def _unanswered(found: CanaryResults) -> Iterator[str]:
    """The missing calls of a process that completed all steps, except those that other checks explain."""
    if found.unfinished is not None or "error" in found.steps.get("load", {}):
        return
    answered = {(answer.signature, answer.canaries) for answer in found.answers}
    lacking = [call for call in found.asked if (call.signature, call.canaries) not in answered]
    if found.signatures is not None:
        lacking = [call for call in lacking if call.signature in found.signatures]
    if lacking:
        more = f", nor have {len(lacking) - 1} more of {len(found.asked)}" if len(lacking) > 1 else ""
        yield f"{lacking[0].what} has no answer{more}"


def _each(found: CanaryResults) -> Iterator[tuple[CanaryAnswer, str, float, str]]:
    for answer in found.answers:
        if answer.whole:
            for name, probability, label in zip(
                answer.canaries, answer.probability, answer.label, strict=True
            ):
                yield answer, name, probability, label


def _probabilities(found: CanaryResults, settings: InfraSettings) -> Iterator[str]:
    told = set()
    for answer, name, probability, _ in _each(found):
        if not 0 <= probability <= 1 and (name, answer.signature) not in told:
            told.add((name, answer.signature))
            yield f"{name} through {answer.signature} has the probability {probability}, not one from 0 to 1"


def _labels(found: CanaryResults, settings: InfraSettings, *, classes: tuple[str, ...]) -> Iterator[str]:
    told = set()
    for answer, name, probability, label in _each(found):
        right = classes[int(probability >= 0.5)]
        if label != right and abs(probability - 0.5) > _NEAR_THE_CUT and (name, answer.signature) not in told:
            told.add((name, answer.signature))
            yield f"{name} through {answer.signature} is labeled {label!r} at probability {probability:.4f}"


def _same_everywhere(found: CanaryResults, settings: InfraSettings) -> Iterator[str]:
    """The first difference of each call from the answers for single canaries by serving_default."""
    alone = {
        answer.canaries[0]: answer.probability[0]
        for answer in found.answers
        if answer.whole and len(answer.canaries) == 1 and answer.signature == "serving_default"
    }
    for answer in found.answers:
        if not answer.whole:
            continue
        for name, probability in zip(answer.canaries, answer.probability, strict=True):
            if name in alone and _differs(probability, alone[name], settings.tolerance):
                yield (
                    f"{answer.what} gives {name} the probability {probability:.4f}, "
                    f"alone through serving_default it is {alone[name]:.4f}"
                )
                break


def _same_after_a_second_load(found: CanaryResults, settings: InfraSettings) -> Iterator[str]:
    if found.again is None:
        return
    for answer, name, probability, _ in _each(found):
        if len(answer.canaries) == 1 and _differs(probability, found.again[name], settings.tolerance):
            yield (
                f"{name} has the probability {probability:.4f} in a fresh process, "
                f"{found.again[name]:.4f} after a second load in another one"
            )


def _differs(one: float, other: float, tolerance: float) -> bool:
    if math.isnan(one) or math.isnan(other):
        return math.isnan(one) != math.isnan(other)
    return abs(one - other) > tolerance


def _latency(found: CanaryResults, settings: InfraSettings) -> Iterator[str]:
    timed = found.steps.get("latency", {})
    if "error" in timed:
        yield f"a call that is timed fails: {timed['error']}"
    median = timed.get("milliseconds")
    if median is not None and median > settings.max_latency_ms:
        yield (
            f"a call with one review takes {median:,.1f} ms, the limit is {settings.max_latency_ms:,g} "
            "(infra.max_latency_ms)"
        )


def _memory(found: CanaryResults, settings: InfraSettings) -> Iterator[str]:
    peak = found.steps.get("memory", {}).get("mib")
    if peak is not None and peak > settings.max_memory_mb:
        yield (
            f"the process that served it held {peak:,.0f} MiB, the limit is {settings.max_memory_mb:,g} "
            "(infra.max_memory_mb)"
        )
