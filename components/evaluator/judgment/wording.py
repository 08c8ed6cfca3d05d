"""Verdicts in plain words: one line a condition, and the table that a terminal shows."""

from components.evaluator.settings import OVERALL
from components.evaluator.verdict import CHANGE_KINDS, EDGE, Condition, ConditionResult, Verdict
from components.reviews import SPAN

BASE_SLICE = f"{SPAN}:0"
"""The packaged base set, which comes in no span."""

_NAMES = {
    "auc": "AUC",
    "ece": "expected calibration error",
    "example_count": "number of examples",
}


def metric_name(metric: str) -> str:
    return _NAMES.get(metric, metric)


def place(slice_name: str, split: str, examples: int) -> str:
    """on test (5,012 examples) / on length:under 125 words of test (991 examples) / on span 12 of test (1
    example)
    """
    where = split if slice_name == OVERALL else f"{slice_words(slice_name)} of {split}"
    return f"on {where} ({examples:,} example{'' if examples == 1 else 's'})"


def slice_words(name: str) -> str:
    """How a person calls a slice: the base set, span 12; a length bucket by its name."""
    feature, _, value = name.partition(":")
    if feature != SPAN:
        return name
    return "the base set" if name == BASE_SLICE else f"span {value}"


def numbers(value: float, threshold: float, *, signed: bool = False) -> tuple[str, str]:
    """Both with four decimals, or with as many more as it takes to tell them apart."""
    sign = "+" if signed else ""
    for decimals in range(4, 11):
        texts = f"{value:{sign},.{decimals}f}", f"{threshold:{sign},.{decimals}f}"
        if texts[0] != texts[1]:
            return texts
    return f"{value:{sign},.4f}", f"{threshold:{sign},.4f}"


def compared(
    condition: Condition, *, judged: float, judged_as: str, value: float, margin: float, where: str
) -> str:
    """The sentence about a condition whose number is known.

    Args:
      condition: what was asked.
      judged: the number held against the threshold.
      judged_as: "value", "lower" or "upper".
      value: the point value.
      margin: by how much the threshold is kept, negative where it is not.
      where: see `place`.
    """
    change = condition.kind in CHANGE_KINDS
    if condition.metric == "example_count":
        number, threshold, distance = (
            f"{count:,.0f}" for count in (judged, condition.threshold, abs(margin))
        )
    else:
        number, threshold = numbers(judged, condition.threshold, signed=change)
        distance = numbers(abs(margin), 0.0)[0]
    subject = f"change of {metric_name(condition.metric)}" if change else metric_name(condition.metric)
    if judged_as != "value":
        subject = f"{judged_as} bound of {'the ' if change else ''}{subject}"
        number = f"{number} (value {value:{'+' if change else ''}.4f})"
    limit = f"the {'ceiling' if condition.is_ceiling else 'floor'} {threshold}"
    if abs(margin) <= EDGE:
        return f"{subject} {number} is exactly {limit} {where}"
    above = (margin > 0) != condition.is_ceiling
    return f"{subject} {number} is {'above' if above else 'below'} {limit} by {distance} {where}"


def with_benefit_of_doubt(
    condition: Condition, *, value: float, spread: tuple[float, float], confidence: float, where: str
) -> str:
    """The sentence about a floor on a part of the split that fails only where the whole interval is below it.

    Args:
      condition: what was asked.
      value: the point value.
      spread: its interval at level `confidence`.
      where: see `place`.
    """
    change = condition.kind in CHANGE_KINDS
    number, threshold = numbers(value, condition.threshold, signed=change)
    subject = f"change of {metric_name(condition.metric)}" if change else metric_name(condition.metric)
    told = f"{subject} {number} {where}"
    upper, _ = numbers(spread[1], condition.threshold, signed=change)
    level = f"{100 * confidence:g} %"
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
    """What a model did wrong that breaks a condition on the base set or on the newest span."""
    if condition.slice == BASE_SLICE:
        return "the model forgot the old reviews"
    if condition.kind in CHANGE_KINDS:
        return "the model is worse on the newest reviews"
    return "the model does not know the newest reviews, or their labels are wrong"


def table(verdict: Verdict) -> list[tuple[str, ...]]:
    """Header and one row a condition: passed, metric, slice, limit, value, interval, baseline, margin."""
    header = ("", "metric", "slice", "limit", "value", "interval", "baseline", "margin")
    return [header, *(_row(condition) for condition in verdict.conditions)]


def _row(condition: ConditionResult) -> tuple[str, ...]:
    signed = "+" if condition.kind in CHANGE_KINDS else ""
    mark = "waived" if not condition.passed and condition.waived else "ok" if condition.passed else "FAILED"
    sides = {"floor": ">=", "change": ">=", "examples": ">=", "ceiling": "<=", "change_ceiling": "<="}
    limit = "-"
    if condition.threshold is not None:
        limit = f"{sides[condition.kind]} {_cell(condition.threshold, signed)}"
    spread = "-"
    if condition.lower is not None and condition.upper is not None and condition.confidence is not None:
        level = f"{100 * condition.confidence:g} %"
        spread = f"{condition.lower:{signed}.4f} to {condition.upper:{signed}.4f} ({level})"
    subject = f"change of {condition.metric}" if condition.kind in CHANGE_KINDS else condition.metric
    return (
        mark,
        subject,
        condition.slice,
        limit,
        _cell(condition.value, signed),
        spread,
        _cell(condition.baseline),
        _cell(condition.margin, "+"),
    )


def _cell(value: float | None, sign: str = "") -> str:
    if value is None:
        return "-"
    return f"{value:{sign},.0f}" if float(value).is_integer() and abs(value) > 1 else f"{value:{sign}.4f}"


def render(verdict: Verdict) -> list[str]:
    """The verdict for a plain terminal: a headline, an aligned table, what failed, who approved it."""
    rows = table(verdict)
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [headline(verdict), ""]
    for row in rows:
        lines.append("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    lines.append("")
    lines.extend(condition.reason for condition in verdict.conditions if not condition.passed)
    if verdict.approval is not None:
        approval = verdict.approval
        lines.append(f"approved by {approval.by} at {approval.at}: {approval.reason}")
    return lines if lines[-1] else lines[:-1]


def headline(verdict: Verdict) -> str:
    """promoted: 3 of 3 conditions hold on test / refused: ..."""
    held = sum(condition.holds for condition in verdict.conditions)
    return f"{verdict.verdict}: {held} of {len(verdict.conditions)} conditions hold on {verdict.split}"
