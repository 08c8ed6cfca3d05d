"""The gate's conditions in the report: a sentence, and a scale with limit, interval and value."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from components.evaluator.judgment.wording import bound_judged, metric_name, slice_words, tally
from components.evaluator.verdict import status_of
from pipeline.report.rendering import MINUS

OPTIONAL = (
    "value",
    "lower",
    "upper",
    "baseline",
    "margin",
    "confidence",
    "reason",
    "waived",
    "unjudged",
    "examples",
    "texts",
)
SIGNS = {
    "floor": "≥",
    "ceiling": "≤",
    "change": "≥",
    "change_ceiling": "≤",
    "gap": "≤",
    "examples": "≥",
    "unseen": "≥",
}


@dataclasses.dataclass(frozen=True)
class Scale:
    """Positions on a scale in percent from the left; None if unknown."""

    limit: float
    value: float
    lower: float | None
    upper: float | None
    baseline: float | None
    rises: bool  # whether values to the right of the limit pass


@dataclasses.dataclass(frozen=True)
class GateRow:
    """One condition; `data` is the Evaluator's record of it."""

    text: str
    where: str
    passed: bool
    outcome: str  # passed, failed, waived or not judged
    data: Mapping[str, Any]
    scale: Scale | None
    bound: str = ""  # the end of the interval that was judged instead of the value


def gate_rows(conditions: Sequence[Mapping[str, Any]]) -> list[GateRow]:
    """One row per condition, the failed ones first."""
    rows = [
        GateRow(
            text=_text(condition),
            where=slice_words(str(condition.get("slice") or "overall")),
            passed=bool(condition.get("passed")),
            outcome=_outcome(condition),
            data=dict.fromkeys(OPTIONAL) | _counted(condition),
            scale=_scale(condition),
            bound=bound_judged(condition),
        )
        for condition in conditions
    ]
    return sorted(rows, key=lambda row: row.passed)


def tally_of(rows: Sequence[GateRow]) -> str:
    """The numbers of conditions that passed, failed, were waived or were not judged, as a phrase."""
    return tally([status_of(row.data) for row in rows])


def _counted(condition: Mapping[str, Any]) -> dict[str, Any]:
    """The same; the numbers of a condition on a count are whole."""
    if condition["metric"] not in ("example_count", "unseen_reviews"):
        return dict(condition)
    return {key: int(value) if isinstance(value, float) else value for key, value in condition.items()}


def _text(condition: Mapping[str, Any]) -> str:
    kind = str(condition.get("kind", "floor"))
    if kind == "quality":
        return "a condition on the quality of the model that was judged"
    if condition.get("threshold") is None:
        return "a model in production to compare with"
    metric = metric_name(str(condition["metric"]))
    if condition.get("class"):
        metric = f"{metric} of {condition['class']}"
    if kind.startswith("change"):
        metric = f"change of {metric}"
    if kind == "gap":
        metric = f"gap of {metric}"
    return f"{metric} {SIGNS.get(kind, '≥')} {_limit(condition.get('threshold'))}".replace("-", MINUS)


def _limit(threshold: Any) -> str:
    """As it was set, or with four decimals where it was computed, such as chance for three classes."""
    told = str(threshold)
    return told if len(told) <= 8 else f"{threshold:.4f}"


def _outcome(condition: Mapping[str, Any]) -> str:
    status = status_of(condition)
    return "passed" if status == "ok" else status


def _scale(condition: Mapping[str, Any]) -> Scale | None:
    limit, value = condition.get("threshold"), condition.get("value")
    if limit is None or value is None:
        return None
    kind = str(condition.get("kind", "floor"))
    lower, upper = condition.get("lower"), condition.get("upper")
    # The baseline of a change is the metric itself, which is not on a scale of differences.
    baseline = None if kind.startswith("change") else condition.get("baseline")
    known = [number for number in (limit, value, lower, upper, baseline) if number is not None]
    low, high = min(known), max(known)
    room = 0.25 * (high - low) or abs(high) * 0.1 or 1.0
    low, high = low - room, high + room

    def place(number: float) -> float:
        return round(100 * (number - low) / (high - low), 2)

    return Scale(
        limit=place(limit),
        value=place(value),
        lower=None if lower is None else place(lower),
        upper=None if upper is None else place(upper),
        baseline=None if baseline is None else place(baseline),
        rises=SIGNS.get(kind, "≥") == "≥",
    )
