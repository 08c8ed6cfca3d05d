"""The checks on the canary process's output: pure functions, one per check."""

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from components.class_names import Names
from components.infra_validator.process import Ended
from components.infra_validator.settings import InfraSettings
from components.infra_validator.signatures import Signatures, signature_problems
from components.reviews import CLASSES
from components.threshold import DEFAULT
from serving.canary import OUTPUTS, PROBABILITIES, Request, calls

_NEAR = 1e-6
"""Probabilities that differ by no more count as equal."""
_SUM_TOLERANCE = 1e-3
Scores = float | tuple[float, ...]
"""The probability of the positive class; or that of each of more than two classes."""
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
    """The result of one call: `error`, or an answer for each canary.

    Attributes:
      probability: of the positive class, for each canary.
      probabilities: of each class, for each canary, by a model of more than two.
      label: for each canary.
    """

    error: str | None = None
    probability: Any = None
    probabilities: Any = None
    label: Any = None

    def whole(self, names: Names) -> bool:
        """Whether each canary has one number, or one for each of more than two classes, and one label."""
        if not _is_list(self.label, str, len(self.canaries)):
            return False
        if len(names) == 2:
            return _is_list(self.probability, float, len(self.canaries))
        return _is_list(self.probabilities, list, len(self.canaries)) and all(
            _is_list(row, float, len(names)) for row in self.probabilities
        )

    @property
    def scores(self) -> list[Scores]:
        """The probability, or the probabilities, of each canary of a whole answer."""
        if self.probability is not None:
            return list(self.probability)
        return [tuple(row) for row in self.probabilities]


def _is_list(values: Any, kind: type, size: int) -> bool:
    return (
        isinstance(values, list) and len(values) == size and all(isinstance(value, kind) for value in values)
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
      again: the scores of each canary after a second load of the same model, in the validating process;
        None without a second load.
    """

    ended: Ended
    signatures: Signatures | None
    asked: tuple[CanaryCall, ...]
    answers: tuple[CanaryAnswer, ...]
    steps: Mapping[str, Mapping[str, Any]]
    unfinished: str | None
    again: Mapping[str, Scores] | None = None


@dataclass(frozen=True, kw_only=True)
class Check:
    """One check and its problems."""

    name: str
    problems: tuple[str, ...]

    @property
    def passed(self) -> bool:
        return not self.problems


def canary_results(
    ended: Ended, *, request: Request, again: Mapping[str, Scores] | None = None
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
        probabilities=record.get(PROBABILITIES),
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
    found: CanaryResults, settings: InfraSettings, *, classes: Names = CLASSES, threshold: float = DEFAULT
) -> tuple[Check, ...]:
    """All checks, passed or not, in the order for a reader.

    classes: the labels that the model should give, in the order of its probabilities; of two, the positive
      one is the last.
    threshold: the probability from which on the label is the positive one, of two.
    """
    whole = [answer for answer in found.answers if answer.whole(classes)]
    looked_at: tuple[tuple[str, Callable[[CanaryResults, InfraSettings], Iterator[str]]], ...] = (
        ("process", _process),
        ("load", _load),
        ("signatures", functools.partial(_signatures, classes=classes)),
        ("answers", functools.partial(_answers, classes=classes)),
        ("probabilities", functools.partial(_probabilities, whole=whole)),
        ("labels", functools.partial(_labels, whole=whole, classes=classes, threshold=threshold)),
        ("same answer in every batch and signature", functools.partial(_same_everywhere, whole=whole)),
        ("same answer after a second load", functools.partial(_same_after_a_second_load, whole=whole)),
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


def _signatures(found: CanaryResults, settings: InfraSettings, *, classes: Names) -> Iterator[str]:
    if found.signatures is None:  # the model did not load, which another check reports
        return
    many = len(classes) > 2
    yield from signature_problems(found.signatures, many=many)
    asked = found.steps.get("classes")
    if many and asked is not None:
        yield from _names(asked, classes)


def _names(asked: Mapping[str, Any], classes: Names) -> Iterator[str]:
    """The difference of the names that the signature `classify` gives, which clients take them from."""
    if "error" in asked:
        yield f"classify does not give the names of the classes: {asked['error']}"
    elif "names" in asked and not asked["names"]:
        yield "it has no signature classify, which gives the names of the classes"
    elif "names" in asked and tuple(asked["names"]) != classes:
        yield f"classify gives the classes {', '.join(asked['names'])}, not {', '.join(classes)}"


def _answers(found: CanaryResults, settings: InfraSettings, *, classes: Names) -> Iterator[str]:
    each = "one probability" if len(classes) == 2 else f"{len(classes)} probabilities"
    for answer in found.answers:
        if answer.error is not None:
            yield f"{answer.what} fails: {answer.error}"
        elif not answer.whole(classes):
            yield f"{answer.what} does not give {each} and one label a text"
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


Whole = Sequence[CanaryAnswer]
"""The answers with scores and a label for each canary."""


def _each(whole: Whole) -> Iterator[tuple[CanaryAnswer, str, Scores, str]]:
    for answer in whole:
        for name, scores, label in zip(answer.canaries, answer.scores, answer.label, strict=True):
            yield answer, name, scores, label


def _probabilities(found: CanaryResults, settings: InfraSettings, *, whole: Whole) -> Iterator[str]:
    told = set()
    for answer, name, scores, _ in _each(whole):
        if (name, answer.signature) in told:
            continue
        outside = [score for score in _each_of(scores) if not 0 <= score <= 1]
        if outside:
            told.add((name, answer.signature))
            yield f"{name} through {answer.signature} has the probability {outside[0]}, not one from 0 to 1"
        elif isinstance(scores, tuple) and abs(sum(scores) - 1) > _SUM_TOLERANCE:
            told.add((name, answer.signature))
            yield (
                f"{name} through {answer.signature} has probabilities of the sum {sum(scores):.4f}, not 1: "
                "they are not those of classes that exclude each other"
            )


def _labels(
    found: CanaryResults, settings: InfraSettings, *, whole: Whole, classes: Names, threshold: float
) -> Iterator[str]:
    told = set()
    for answer, name, scores, label in _each(whole):
        if label not in _right_labels(scores, classes, threshold) and (name, answer.signature) not in told:
            told.add((name, answer.signature))
            yield f"{name} through {answer.signature} is labeled {label!r} at {_in_words(scores)}"


def _right_labels(scores: Scores, classes: Names, threshold: float) -> tuple[str, ...]:
    """The classes that may be the label: several where their probabilities hardly differ or are NaN."""
    if isinstance(scores, float):
        near = abs(scores - threshold) <= _NEAR
        return classes if near else (classes[int(scores >= threshold)],)
    least = max(scores) - _NEAR
    return tuple(name for name, score in zip(classes, scores, strict=True) if not score < least)


def _same_everywhere(found: CanaryResults, settings: InfraSettings, *, whole: Whole) -> Iterator[str]:
    """The first difference of each call from the answers for single canaries by serving_default."""
    alone = {
        answer.canaries[0]: answer.scores[0]
        for answer in whole
        if len(answer.canaries) == 1 and answer.signature == "serving_default"
    }
    for answer in whole:
        for name, scores in zip(answer.canaries, answer.scores, strict=True):
            if name in alone and _differs(scores, alone[name], settings.tolerance):
                yield (
                    f"{answer.what} gives {name} the {_in_words(scores)}, "
                    f"alone through serving_default {'it is' if isinstance(scores, float) else 'they are'} "
                    f"{_shown(alone[name])}"
                )
                break


def _same_after_a_second_load(
    found: CanaryResults, settings: InfraSettings, *, whole: Whole
) -> Iterator[str]:
    if found.again is None:
        return
    for answer, name, scores, _ in _each(whole):
        if len(answer.canaries) == 1 and _differs(scores, found.again[name], settings.tolerance):
            yield (
                f"{name} has the {_in_words(scores)} in a fresh process, "
                f"{_shown(found.again[name])} after a second load in another one"
            )


def _in_words(scores: Scores) -> str:
    return f"{'probability' if isinstance(scores, float) else 'probabilities'} {_shown(scores)}"


def _shown(scores: Scores) -> str:
    return ", ".join(f"{score:.4f}" for score in _each_of(scores))


def _each_of(scores: Scores) -> tuple[float, ...]:
    return (scores,) if isinstance(scores, float) else scores


def _differs(one: Scores, other: Scores, tolerance: float) -> bool:
    return not np.allclose(_each_of(one), _each_of(other), rtol=0, atol=tolerance, equal_nan=True)


def _latency(found: CanaryResults, settings: InfraSettings) -> Iterator[str]:
    timed = found.steps.get("latency", {})
    if "error" in timed:
        yield f"a call that is timed fails: {timed['error']}"
    median = timed.get("milliseconds")
    if median is not None and median > settings.max_latency_ms:
        yield (
            f"a call with one text takes {median:,.1f} ms, the limit is {settings.max_latency_ms:,g} "
            "(infra.max_latency_ms)"
        )


def _memory(found: CanaryResults, settings: InfraSettings) -> Iterator[str]:
    peak = found.steps.get("memory", {}).get("mib")
    if peak is not None and peak > settings.max_memory_mb:
        yield (
            f"the process that served it held {peak:,.0f} MiB, the limit is {settings.max_memory_mb:,g} "
            "(infra.max_memory_mb)"
        )
