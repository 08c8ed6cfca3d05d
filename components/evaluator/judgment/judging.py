"""Holds predictions against a gate: pure arithmetic, no files and no TFX."""

import dataclasses
import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from components.evaluator.judgment import intervals, metrics, wording
from components.evaluator.predictions import Predictions, not_probabilities
from components.evaluator.settings import OVERALL, GateSettings
from components.evaluator.verdict import (
    CHANGE_KINDS,
    EDGE,
    Baseline,
    Condition,
    ConditionResult,
    Judged,
    Kind,
    Verdict,
)
from components.reviews import LENGTH, SPAN

SHOWN_CONFIDENCE = 0.95
"""The level of the intervals that are shown where the gate judges plain values."""

BASE = 0
"""The span of the packaged base set."""


def conditions(gate: GateSettings, *, newest_span: int = 0) -> tuple[Condition, ...]:
    """Every condition of a gate, in the order in which a person reads them.

    newest_span: its number; 0 where the examples come in no spans.
    """
    found = [Condition(metric="example_count", kind="examples", threshold=gate.min_examples)]
    if gate.min_accuracy is not None:
        found.append(Condition(metric="accuracy", kind="floor", threshold=gate.min_accuracy))
    if gate.min_change is not None:
        found.append(Condition(metric="accuracy", kind="change", threshold=gate.min_change))
    if gate.max_calibration_error is not None:
        found.append(Condition(metric="ece", kind="ceiling", threshold=gate.max_calibration_error))
    if newest_span:
        found.extend(_span_conditions(gate, newest_span))
    for name, floor in sorted(gate.slices.items()):
        found.append(Condition(metric="accuracy", kind="floor", threshold=floor, slice=name))
    for entry in gate.conditions:
        limits: tuple[tuple[Kind, float | None], ...] = (
            ("floor", entry.at_least),
            ("ceiling", entry.at_most),
            ("change", entry.change_at_least),
            ("change_ceiling", entry.change_at_most),
        )
        found.extend(
            Condition(metric=entry.metric, kind=kind, threshold=threshold, slice=entry.slice)
            for kind, threshold in limits
            if threshold is not None
        )
    return tuple(found)


def _span_conditions(gate: GateSettings, newest: int) -> Iterator[Condition]:
    """What is asked of the base set and of the newest span.

    Both are parts of the split, a span often a small one: only a loss that is shown counts.
    """
    limits: tuple[tuple[int, Kind, float | None], ...] = (
        (BASE, "change", gate.min_change_base),
        (newest, "change", gate.min_change_newest),
        (newest, "floor", gate.min_accuracy_newest),
    )
    for span, kind, threshold in limits:
        if threshold is not None:
            yield Condition(
                metric="accuracy",
                kind=kind,
                threshold=threshold,
                slice=f"{SPAN}:{span}",
                # Few examples make the interval of an accuracy as wide as it has to be, that of a change not.
                min_examples=gate.min_span_examples if kind == "change" else 1,
                benefit_of_doubt=True,
            )


def judge(
    gate: GateSettings,
    predictions: Predictions,
    *,
    split: str,
    baseline: Baseline | None,
    newest_span: int = 0,
) -> Verdict:
    """Judges every condition of the gate.

    A change passes unjudged where no model is in production. Where the model in production can't be evaluated
    any more, one failed condition `baseline` stands for all changes.

    Args:
      gate: the conditions.
      predictions: of the candidate and, on the same examples, of a baseline that works.
      split: the split they were made on.
      baseline: the model in production, with its `problem` where it gave no predictions; None on a first run.
      newest_span: the newest span of the examples; 0 where they come in no spans.
    """
    if (baseline is not None and baseline.problem is None) != (predictions.baseline_probability is not None):
        raise ValueError(
            "predictions of a baseline belong to a baseline without a problem, and the other way round"
        )
    wanted = conditions(gate, newest_span=newest_span)
    lost: list[ConditionResult] = []
    if baseline is not None and baseline.problem is not None:
        kept = tuple(condition for condition in wanted if condition.kind not in CHANGE_KINDS)
        lost = [_lost_baseline(split, baseline.problem)] if len(kept) < len(wanted) else []
        wanted = kept
    if baseline is not None and predictions.baseline_probability is not None:
        old_metrics = _metrics(predictions.label, predictions.baseline_probability)
        baseline = dataclasses.replace(baseline, metrics=old_metrics)
    judged = [
        _judge(condition, _part(predictions, condition.slice), split=split, confidence=gate.confidence)
        for condition in wanted
    ]
    return Verdict(
        split=split,
        conditions=(*judged, *lost),
        metrics=_metrics(predictions.label, predictions.probability),
        slices=tuple(_slices(predictions)),
        baseline=baseline,
    )


def _metrics(label: np.ndarray, probability: np.ndarray) -> dict[str, float | None]:
    if not_probabilities(probability):
        return dict.fromkeys(metrics.METRICS) | {"example_count": float(len(label))}
    found = metrics.summary(label, probability)
    return {name: None if math.isnan(value) else value for name, value in found.items()}


def _slices(predictions: Predictions) -> Iterator[dict[str, Any]]:
    for length in sorted(set(predictions.length)):
        part = _part(predictions, f"{LENGTH}:{length}")
        yield {"slice": f"{LENGTH}:{length}", **_metrics(part.label, part.probability)}
    for span in () if predictions.span is None else sorted(set(predictions.span)):
        part = _part(predictions, f"{SPAN}:{span}")
        yield {"slice": f"{SPAN}:{span}", **_metrics(part.label, part.probability)}


def _part(predictions: Predictions, slice_name: str) -> Predictions:
    if slice_name == OVERALL:
        return predictions
    feature, value = slice_name.split(":", 1)
    if feature == LENGTH:
        return predictions.where(predictions.length == value)
    span = np.zeros(len(predictions), int) if predictions.span is None else predictions.span
    return predictions.where(span == int(value))


def _judge(
    condition: Condition, part: Predictions, *, split: str, confidence: float | None
) -> ConditionResult:
    """Judges a condition on the examples that it is about."""
    where = wording.place(condition.slice, split, len(part))
    name = wording.metric_name(condition.metric)
    if condition.kind in CHANGE_KINDS and part.baseline_probability is None:
        reason = f"change of {name} is not judged: no model is in production yet"
        return _unmeasured(condition, split, passed=True, reason=reason)
    if len(part) < condition.min_examples:
        reason = f"{name} is not judged {where}: too few, {condition.min_examples:,} are needed"
        return _unmeasured(condition, split, passed=True, reason=reason)
    problem = not_probabilities(part.probability)
    if problem and condition.metric != "example_count":
        return _unmeasured(condition, split, passed=False, reason=f"no {name} {where}: {problem}")
    level = SHOWN_CONFIDENCE if confidence is None else confidence
    value, baseline, spread = _measure(condition, part, level)
    if math.isnan(value):
        return _unmeasured(condition, split, passed=False, reason=f"{name} is undefined {where}")
    judged_as: Judged = "value"
    judged = value
    by_interval = confidence is not None or condition.benefit_of_doubt
    if by_interval and condition.metric != "example_count":
        if spread is None:
            reason = f"{name} has no confidence interval {where}"
            return _unmeasured(condition, split, passed=False, reason=reason)
        takes_upper = condition.is_ceiling != condition.benefit_of_doubt
        judged_as, judged = ("upper", spread[1]) if takes_upper else ("lower", spread[0])
    margin = condition.threshold - judged if condition.is_ceiling else judged - condition.threshold
    if condition.benefit_of_doubt and spread is not None:
        reason = wording.with_benefit_of_doubt(
            condition, value=value, spread=spread, confidence=level, where=where
        )
    else:
        reason = wording.compared(
            condition, judged=judged, judged_as=judged_as, value=value, margin=margin, where=where
        )
    lower, upper = spread or (None, None)
    return ConditionResult(
        metric=condition.metric,
        slice=condition.slice,
        split=split,
        kind=condition.kind,
        threshold=condition.threshold,
        value=value,
        lower=lower,
        upper=upper,
        confidence=None if spread is None else level,
        judged=judged_as,
        baseline=baseline,
        passed=margin >= -EDGE,
        margin=margin,
        reason=reason + _test_of_change(condition, part),
    )


def _measure(
    condition: Condition, part: Predictions, confidence: float
) -> tuple[float, float | None, intervals.Interval | None]:
    """The value that the condition is about, the baseline's metric, and the interval of the value."""
    label, ours, theirs = part.label, part.probability, part.baseline_probability
    measure = metrics.METRICS[condition.metric]
    value = measure(label, ours)
    baseline = math.nan if theirs is None else measure(label, theirs)
    shown = None if math.isnan(baseline) else baseline
    if condition.kind not in CHANGE_KINDS or theirs is None:
        spread = intervals.interval(condition.metric, label=label, probability=ours, confidence=confidence)
        return value, shown, spread
    spread = intervals.change_interval(
        condition.metric, label=label, probability=ours, baseline=theirs, confidence=confidence
    )
    return value - baseline, shown, spread


def _test_of_change(condition: Condition, part: Predictions) -> str:
    theirs = part.baseline_probability
    if condition.kind not in CHANGE_KINDS or condition.metric != "accuracy" or theirs is None:
        return ""
    p_value = intervals.mcnemar_p_value(label=part.label, probability=part.probability, baseline=theirs)
    return f", McNemar p = {p_value:.2g}"


def _unmeasured(condition: Condition, split: str, *, passed: bool, reason: str) -> ConditionResult:
    """The result of a condition that no number could be held against."""
    return ConditionResult(
        metric=condition.metric,
        slice=condition.slice,
        split=split,
        kind=condition.kind,
        threshold=condition.threshold,
        passed=passed,
        reason=reason,
    )


def _lost_baseline(split: str, problem: str) -> ConditionResult:
    return ConditionResult(
        metric="baseline",
        slice=OVERALL,
        split=split,
        kind="baseline",
        threshold=None,
        passed=False,
        reason=f"the model in production can't be evaluated any more: {problem}; to promote the candidate "
        "without the comparison: greenlight approve",
    )
