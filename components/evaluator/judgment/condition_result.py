"""The result of one condition on the examples of its slice."""

import dataclasses
import math
from typing import NamedTuple

import numpy as np

from components.evaluator.judgment import intervals, wording
from components.evaluator.judgment.measures.by_name import measure_of
from components.evaluator.judgment.samples import Sample
from components.evaluator.judgment.slicing.gap import gap
from components.evaluator.judgment.testset import largest_class
from components.evaluator.predictions import Predictions, not_probabilities
from components.evaluator.settings import OVERALL
from components.evaluator.verdict import CHANGE_KINDS, EDGE, Condition, ConditionResult, Judged

SHOWN_CONFIDENCE = 0.95
"""The level of intervals if the gate sets none."""


class _Measured(NamedTuple):
    """The judged number, the baseline's metric, and the number's interval at `level`."""

    value: float
    baseline: float | None
    interval: intervals.Interval | None
    level: float


def judge_condition(
    condition: Condition, sample: Sample, confidence: float | None, *, looks: int | None = None
) -> ConditionResult:
    """Judges a condition on the examples of its slice.

    Args:
      condition: the condition.
      sample: the examples to judge on.
      confidence: the gate's; None if it judges values.
      looks: the number of models judged on these examples so far; None if not counted.
    """
    if condition.kind == "gap":
        return _judge_gap(condition, sample, confidence, looks=looks)
    part = sample.part(condition.slice)
    where = wording.place(
        condition.slice, sample.split, len(part), copies_of=part.distinct_texts, whose=sample.whose
    )
    if why := _why_unjudged(condition, part, sample, where):
        return unjudged(condition, sample.split, why)
    if problem := _why_impossible(condition, part, where):
        return _failed(condition, sample.split, problem)
    measured = _measure(
        condition, part, _level(condition, confidence, looks), sample.index(condition.class_name)
    )
    end = _end_held_against(condition, confidence)
    name = wording.metric_of(condition)
    if math.isnan(measured.value):
        cause = _why_undefined(condition, part, sample)
        return _failed(condition, sample.split, f"{name} is undefined {where}{cause}")
    if end != "value" and measured.interval is None:
        return _failed(condition, sample.split, f"{name} has no confidence interval {where}")
    return _held_against(condition, part, sample, measured, end, where)


def _why_undefined(condition: Condition, part: Predictions, sample: Sample) -> str:
    """Which class the examples lack, where that is the reason; else nothing."""
    present = np.unique(part.label)
    if not len(present):
        return ""
    if condition.class_name is not None and sample.index(condition.class_name) not in present:
        return f": none of them is {condition.class_name}"
    return f": all of them are {sample.classes[int(present[0])]}" if len(present) == 1 else ""


def _judge_gap(
    condition: Condition, sample: Sample, confidence: float | None, *, looks: int | None
) -> ConditionResult:
    """Judges the greatest difference between the slices of a column, `condition.slice`."""
    whole = sample.predictions
    where = wording.place(
        OVERALL, sample.split, len(whole), copies_of=whole.distinct_texts, whose=sample.whose
    )
    if problem := _why_impossible(condition, whole, where):
        return _failed(condition, sample.split, problem)
    found = gap(
        condition.metric,
        whole,
        condition.slice,
        fewest=condition.min_examples,
        confidence=_level(condition, confidence, looks),
        of_class=sample.index(condition.class_name),
    )
    if found is None:
        return unjudged(condition, sample.split, wording.too_few_slices(condition))
    measured = _Measured(found.value, found.baseline, found.interval, found.level)
    end = _end_held_against(condition, confidence)
    if end != "value" and found.interval is None:
        return _failed(
            condition, sample.split, f"{wording.subject(condition)} has no confidence interval {where}"
        )
    result = _held_against(condition, whole, sample, measured, end, where)
    return dataclasses.replace(
        result,
        reason=f"{result.reason}; the highest is that of {found.highest}, the lowest that of {found.lowest}",
        between=(found.highest, found.lowest),
    )


def unjudged(condition: Condition, split: str, why: wording.Unjudged) -> ConditionResult:
    """The result of a condition that could not be judged: it passes, with the reason."""
    return dataclasses.replace(
        _failed(condition, split, why.sentence(condition)), passed=True, unjudged=why.short
    )


def _failed(condition: Condition, split: str, reason: str) -> ConditionResult:
    """The failed result of a condition whose number is undefined."""
    return ConditionResult(
        metric=condition.metric,
        slice=condition.slice,
        split=split,
        kind=condition.kind,
        threshold=condition.threshold,
        passed=False,
        reason=reason,
        class_name=condition.class_name,
    )


def _why_unjudged(
    condition: Condition, part: Predictions, sample: Sample, where: str
) -> wording.Unjudged | None:
    if condition.kind in CHANGE_KINDS and part.baseline_scores is None:
        return wording.NO_BASELINE
    if condition.min_examples and not len(part):
        return wording.no_reviews(condition, sample.split)
    if part.distinct_texts < condition.min_examples:
        return wording.too_few(condition, part.distinct_texts, where)
    return None


def _why_impossible(condition: Condition, part: Predictions, where: str) -> str | None:
    problem = not_probabilities(part.scores)
    if not problem or condition.metric == "example_count":
        return None
    return f"no {wording.metric_of(condition)} {where}: {problem}"


def corrected(confidence: float, looks: int | None) -> float:
    """The confidence level for the n-th model on one test set: the error is divided (Bonferroni)."""
    return 1 - (1 - confidence) / (looks or 1)


def _level(condition: Condition, confidence: float | None, looks: int | None) -> float:
    """The level of a condition. "doubt" is not corrected for looks, which would make it laxer."""
    level = SHOWN_CONFIDENCE
    if confidence is not None:
        level = confidence if condition.by == "doubt" else corrected(confidence, looks)
    return 1 - (1 - level) / condition.family


def _end_held_against(condition: Condition, confidence: float | None) -> Judged:
    """The value, or the deciding end of its interval.

    With "proof" the unfavorable end must keep the limit; with "doubt" the favorable end must break it. The
    favorable end is the upper one for a floor and the lower one for a ceiling.
    """
    if condition.metric == "example_count":
        return "value"
    if condition.by == "doubt":
        return "lower" if condition.is_ceiling else "upper"
    if condition.by == "proof" or confidence is not None:
        return "upper" if condition.is_ceiling else "lower"
    return "value"


def _held_against(
    condition: Condition, part: Predictions, sample: Sample, measured: _Measured, end: Judged, where: str
) -> ConditionResult:
    lower, upper = measured.interval or (None, None)
    number = {"value": measured.value, "lower": lower, "upper": upper}[end]
    assert number is not None
    margin = float(condition.threshold - number if condition.is_ceiling else number - condition.threshold)
    return ConditionResult(
        metric=condition.metric,
        slice=condition.slice,
        split=sample.split,
        kind=condition.kind,
        threshold=condition.threshold,
        value=measured.value,
        lower=lower,
        upper=upper,
        confidence=None if measured.interval is None else measured.level,
        judged=end,
        baseline=measured.baseline,
        passed=margin >= -EDGE,
        margin=margin,
        reason=_reason(condition, part, measured, end, margin, where)
        + _constant_answer(condition, part, sample.classes)
        + _test_of_change(condition, part),
        examples=len(part),
        texts=part.distinct_texts,
        class_name=condition.class_name,
    )


def _reason(
    condition: Condition, part: Predictions, measured: _Measured, end: Judged, margin: float, where: str
) -> str:
    lower, upper = measured.interval or (math.nan, math.nan)
    if condition.by == "doubt":
        reason = wording.with_benefit_of_doubt(
            condition,
            value=measured.value,
            spread=(lower, upper),
            confidence=measured.level,
            where=where,
        )
    else:
        reason = wording.compared(
            condition,
            judged={"value": measured.value, "lower": lower, "upper": upper}[end],
            judged_as=end,
            value=measured.value,
            margin=margin,
            where=where,
            copies=part.distinct_texts < len(part),
        )
    return reason


def _measure(condition: Condition, part: Predictions, level: float, of_class: int | None) -> _Measured:
    label, ours = part.label, part.scores_for(condition.metric)
    theirs = part.baseline_scores_for(condition.metric)
    if condition.kind == "examples":
        count = float(part.distinct_texts)
        return _Measured(count, None if theirs is None else count, None, level)
    measure = measure_of(condition.metric, ours, of_class=of_class)
    value = measure(label, ours)
    baseline = math.nan if theirs is None else measure(label, theirs)
    shown = None if math.isnan(baseline) else baseline
    if condition.kind not in CHANGE_KINDS or theirs is None:
        spread = intervals.interval(
            condition.metric,
            label=label,
            probability=ours,
            confidence=level,
            texts=part.text_id,
            of_class=of_class,
        )
        return _Measured(value, shown, spread, level)
    spread = intervals.change_interval(
        condition.metric,
        label=label,
        probability=ours,
        baseline=theirs,
        confidence=level,
        texts=part.text_id,
        of_class=of_class,
    )
    return _Measured(value - baseline, shown, spread, level)


def _constant_answer(condition: Condition, part: Predictions, classes: tuple[str, ...]) -> str:
    """The accuracy of a constant prediction, for the reason of a condition that it cannot pass."""
    if condition.metric != "balanced_accuracy" or condition.slice != OVERALL or condition.kind == "gap":
        return ""
    largest, share = largest_class(part.label)
    known = max(len(np.unique(part.label)), 2)
    return wording.constant_answer(classes[largest], share, chance=1 / known)


def _test_of_change(condition: Condition, part: Predictions) -> str:
    theirs = part.baseline_scores_for("accuracy")
    if condition.kind not in CHANGE_KINDS or condition.metric != "accuracy" or theirs is None:
        return ""
    p_value = intervals.mcnemar_p_value(
        label=part.label, probability=part.scores_for("accuracy"), baseline=theirs, texts=part.text_id
    )
    return f", McNemar p = {p_value:.2g}"
