"""The texts of a verdict: one line per condition, and the table for a terminal."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from components.evaluator.settings import OVERALL
from components.evaluator.slice_names import BASE_SLICE, excluded_span
from components.evaluator.verdict import (
    CEILINGS,
    CHANGE_KINDS,
    EDGE,
    Condition,
    ConditionResult,
    Status,
    Verdict,
)
from components.reviews import SPAN

OF_SHARED_CLASSES = " of the classes that both models know"
UNSEEN_BY_CANDIDATE = " that the candidate has not seen"
UNSEEN_BY_BOTH = " that neither model has seen"

_NAMES = {
    "auc": "AUC",
    "ece": "expected calibration error",
    "balanced_accuracy": "balanced accuracy",
    "f1": "F1",
    "macro_f1": "macro F1",
    "weighted_f1": "weighted F1",
    "example_count": "number of examples",
    "unseen_reviews": "unseen examples",
}


@dataclasses.dataclass(frozen=True)
class Unjudged:
    """Why a condition was not judged: as a label, and as the end of a sentence about the metric."""

    short: str
    clause: str

    def sentence(self, condition: Condition) -> str:
        return f"{subject(condition)} is not judged{self.clause}"


NO_BASELINE = Unjudged("no other model in production", ": no other model is in production")
NO_FAIR_COMPARISON = Unjudged(
    "no fair comparison", ": there is no fair comparison with the model in production"
)


def no_reviews(condition: Condition, split: str) -> Unjudged:
    """The reason of a condition on a slice without examples."""
    if condition.slice == BASE_SLICE:
        return Unjudged("no base set in the data", f" on the base set: {split} has no example of it")
    where = slice_words(condition.slice)
    return Unjudged(f"no examples of {where}", f" on {where}: {split} has no such example")


def too_few(condition: Condition, texts: int, where: str) -> Unjudged:
    """The reason of a condition on a slice with too few distinct texts."""
    needed = condition.min_examples
    return Unjudged(
        f"too few examples: {texts:,} of the {needed:,} needed", f" {where}: too few, {needed:,} are needed"
    )


def too_few_slices(condition: Condition) -> Unjudged:
    """The reason of a gap between fewer than two slices that can be compared."""
    needed = condition.min_examples
    return Unjudged(
        f"fewer than two slices of {condition.slice}",
        f": fewer than two of them have the {needed:,} distinct texts needed (gate.min_span_examples)",
    )


def metric_name(metric: str) -> str:
    return _NAMES.get(metric, metric)


def metric_of(condition: Condition) -> str:
    """recall / recall of spam"""
    name = metric_name(condition.metric)
    return name if condition.class_name is None else f"{name} of {condition.class_name}"


def subject(condition: Condition) -> str:
    """recall of spam / change of recall of spam / greatest difference of recall between slices of lang"""
    name = metric_of(condition)
    if condition.kind in CHANGE_KINDS:
        return f"change of {name}"
    if condition.kind == "gap":
        return f"greatest difference of {name} between slices of {condition.slice}"
    return name


def place(
    slice_name: str, split: str, examples: int, *, copies_of: int | None = None, whose: str = ""
) -> str:
    """on test (5,012 examples) / on length:under 125 words of test (991 examples that neither model has seen)
    / on span 12 of test (135 examples, 9 distinct texts)
    """
    where = split if slice_name == OVERALL else f"{slice_words(slice_name)} of {split}"
    copies = "" if copies_of in (None, examples) else f", {counted(copies_of or 0, 'distinct text')}"
    return f"on {where} ({counted(examples, 'example')}{whose}{copies})"


def counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def slice_words(name: str) -> str:
    """A slice for people: the base set, span 12, everything but span 12; others by name."""
    feature, _, value = name.partition(":")
    if feature != SPAN:
        return name
    if (excluded := excluded_span(value)) is not None:
        return f"everything but span {excluded}"
    return "the base set" if name == BASE_SLICE else f"span {value}"


def numbers(value: float, threshold: float, *, signed: bool = False) -> tuple[str, ...]:
    """Both with four decimals, or with as many as are needed to distinguish them."""
    sign = "+" if signed else ""
    for decimals in range(4, 11):
        texts = f"{value:{sign},.{decimals}f}", f"{threshold:{sign},.{decimals}f}"
        if texts[0] != texts[1]:
            return texts
    return f"{value:{sign},.4f}", f"{threshold:{sign},.4f}"


def compared(
    condition: Condition,
    *,
    judged: float,
    judged_as: str,
    value: float,
    margin: float,
    where: str,
    copies: bool = False,
) -> str:
    """The reason of a condition whose number is known.

    Args:
      condition: the condition.
      judged: the number that was compared with the threshold.
      judged_as: "value", "lower" or "upper".
      value: the point value.
      margin: the distance from the threshold, negative if the condition fails.
      where: see `place`.
      copies: whether some examples have the same text.
    """
    change = condition.kind in CHANGE_KINDS
    told = "number of distinct texts" if condition.kind == "examples" and copies else subject(condition)
    if condition.metric == "example_count":
        number, threshold, distance = (
            f"{count:,.0f}" for count in (judged, condition.threshold, abs(margin))
        )
    else:
        number, threshold = numbers(judged, condition.threshold, signed=change)
        distance = numbers(abs(margin), 0.0)[0]
    if judged_as != "value":
        told = f"{judged_as} bound of {'the ' if condition.kind in (*CHANGE_KINDS, 'gap') else ''}{told}"
        number = f"{number} (value {value:{'+' if change else ''}.4f})"
    limit = f"the {'ceiling' if condition.is_ceiling else 'floor'} {threshold}"
    if abs(margin) <= EDGE:
        return f"{told} {number} is exactly {limit} {where}"
    above = (margin > 0) != condition.is_ceiling
    return f"{told} {number} is {'above' if above else 'below'} {limit} by {distance} {where}"


def with_benefit_of_doubt(
    condition: Condition, *, value: float, spread: tuple[float, float], confidence: float, where: str
) -> str:
    """The reason of a floor on a slice that fails only if the whole interval is below it.

    Args:
      condition: the condition.
      value: the point value.
      spread: its interval at level `confidence`.
      where: see `place`.
    """
    change = condition.kind in CHANGE_KINDS
    number, threshold = numbers(value, condition.threshold, signed=change)
    told = f"{subject(condition)} {number} {where}"
    upper, _ = numbers(spread[1], condition.threshold, signed=change)
    level = _percent(confidence)
    if spread[1] < condition.threshold - EDGE:
        distance = numbers(condition.threshold - spread[1], 0.0)[0]
        return (
            f"{_fault(condition)}: {told}, and even the upper end of its {level} interval, {upper}, is below "
            f"the floor {threshold} by {distance}"
        )
    if value < condition.threshold - EDGE:
        return f"{told} may be below the floor {threshold} by chance: its {level} interval ends at {upper}"
    return f"{told} keeps the floor {threshold}"


def _fault(condition: Condition) -> str:
    """The fault of a model that breaks a condition on a slice."""
    if condition.slice == BASE_SLICE:
        return "the model forgot the old examples"
    if not condition.slice.startswith(f"{SPAN}:"):
        return "the model is worse on examples of one length"
    if condition.kind in CHANGE_KINDS:
        return f"the model is worse on the examples of {slice_words(condition.slice)}"
    return "the model is inaccurate on the newest examples, or their labels are wrong"


def table(verdict: Verdict) -> list[tuple[str, ...]]:
    """A header and one row per condition: passed, metric, slice, limit, value, interval, baseline, margin."""
    header = ("", "metric", "slice", "limit", "value", "interval", "baseline", "margin")
    return [header, *(_row(condition) for condition in verdict.conditions)]


def _row(condition: ConditionResult) -> tuple[str, ...]:
    signed = "+" if condition.kind in CHANGE_KINDS else ""
    mark = "FAILED" if condition.status == "failed" else condition.status
    limit = "-"
    if condition.threshold is not None:
        side = "<=" if condition.kind in CEILINGS else ">="
        limit = f"{side} {_cell(condition.threshold, signed)}"
    spread = "-"
    if condition.lower is not None and condition.upper is not None and condition.confidence is not None:
        spread = f"{condition.lower:{signed}.4f} to {condition.upper:{signed}.4f}"
        spread += f" ({_percent(condition.confidence)})"
    return (
        mark,
        _short_subject(condition),
        condition.slice,
        limit,
        ", ".join(filter(None, (_cell(condition.value, signed), bound_judged(condition.to_dict())))),
        spread,
        _cell(condition.baseline),
        _cell(condition.margin, "+"),
    )


def _short_subject(condition: ConditionResult) -> str:
    """recall of spam / change of recall of spam / gap of recall of spam"""
    name = (
        condition.metric if condition.class_name is None else f"{condition.metric} of {condition.class_name}"
    )
    kind = "change of " if condition.kind in CHANGE_KINDS else "gap of " if condition.kind == "gap" else ""
    return f"{kind}{name}"


def _percent(level: float) -> str:
    """95 % / 98.33 %"""
    return f"{100 * level:.4g} %"


def _cell(value: float | None, sign: str = "") -> str:
    if value is None:
        return "-"
    return f"{value:{sign},.0f}" if float(value).is_integer() and abs(value) > 1 else f"{value:{sign}.4f}"


def render(verdict: Verdict) -> list[str]:
    """The verdict for a terminal: headline, aligned table, failed conditions, notes, approval."""
    rows = table(verdict)
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [headline(verdict), ""]
    for row in rows:
        lines.append("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    lines.append("")
    lines.extend(condition.reason for condition in verdict.conditions if not condition.passed)
    lines.extend(f"note: {note}" for note in verdict.notes)
    if verdict.approval is not None:
        approval = verdict.approval
        lines.append(f"approved by {approval.by} at {approval.at}: {approval.reason}")
    return lines if lines[-1] else lines[:-1]


def headline(verdict: Verdict) -> str:
    """promoted: 3 of 3 conditions hold on test / refused: ..."""
    judged = [condition for condition in verdict.conditions if condition.unjudged is None]
    held = sum(condition.holds for condition in judged)
    left = len(verdict.conditions) - len(judged)
    told = f", {left} not judged" if left else ""
    return f"{verdict.verdict}: {held} of {len(judged)} conditions hold on {verdict.split}{told}"


def tally(statuses: Sequence[Status]) -> str:
    """3 conditions held, 5 were not judged / 1 condition held, 1 was waived, 1 failed"""
    words: tuple[tuple[Status, str, str], ...] = (
        ("ok", "held", "held"),
        ("waived", "was waived", "were waived"),
        ("failed", "failed", "failed"),
        ("not judged", "was not judged", "were not judged"),
    )
    parts = [
        f"{statuses.count(status)} {one if statuses.count(status) == 1 else many}"
        for status, one, many in words
        if status in statuses
    ]
    if not parts:
        return "no condition is set"
    number, said = parts[0].split(" ", 1)
    return ", ".join([f"{counted(int(number), 'condition')} {said}", *parts[1:]])


def bound_judged(record: Mapping[str, Any]) -> str:
    """lower bound 0.4479: the end of the interval that decided; "" if the value did.

    record: the condition in a verdict's JSON.
    """
    judged = record.get("judged", "value")
    number = record.get(judged)
    if judged == "value" or number is None:
        return ""
    sign = "+" if record.get("kind") in CHANGE_KINDS else ""
    return f"{judged} bound {number:{sign}.4f}"


def constant_answer(name: str, share: float, *, chance: float = 0.5) -> str:
    """The accuracy of the constant prediction of the largest class, as the end of a sentence."""
    return (
        f"; {100 * share:.1f} % of the examples are {name}, so the constant answer {name} has accuracy "
        f"{share:.4f} and balanced accuracy {chance:.4g}"
    )
