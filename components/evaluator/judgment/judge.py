"""The verdict of a gate on predictions: pure arithmetic, no files and no TFX."""

import dataclasses
import math
from collections.abc import Callable, Collection, Sequence
from typing import Any, Literal

import numpy as np

from components.evaluator.judgment import notes, samples, testset, wording
from components.evaluator.judgment.class_losses import class_losses
from components.evaluator.judgment.classes.of_each import of_each
from components.evaluator.judgment.classes.shared import UNKNOWN, among
from components.evaluator.judgment.condition_result import corrected, judge_condition, unjudged
from components.evaluator.judgment.conditions import conditions
from components.evaluator.judgment.measures import by_name
from components.evaluator.judgment.samples import Exposure, Sample
from components.evaluator.predictions import Predictions, not_probabilities
from components.evaluator.settings import OVERALL, GateSettings
from components.evaluator.verdict import (
    CHANGE_KINDS,
    Baseline,
    Comparison,
    Condition,
    ConditionResult,
    Verdict,
)
from components.example_gen.span_pattern import BASE
from components.reviews import CLASSES
from components.threshold import DEFAULT

COARSEST_CHANGE = 0.002
"""The smallest `min_change` that `needed_unseen` assumes."""


def judge(
    gate: GateSettings,
    predictions: Predictions,
    *,
    split: str,
    baseline: Baseline | None,
    newest_span: int = 0,
    spans: Collection[int] = (),
    exposure: Exposure | None = None,
    earlier_candidates: int | None = None,
    classes: tuple[str, ...] = CLASSES,
    shared_classes: tuple[str, ...] | None = None,
) -> Verdict:
    """Judges every condition of the gate.

    A change is judged on the examples that neither model has seen, everything else on those that the
    candidate has not seen.

    - Without a model in production, changes pass unjudged.
    - If the model in production cannot be evaluated any more, one failed condition `baseline` replaces all
      changes; if too few examples are left to compare on, a failed condition `unseen` does.
    - If only conditions on the number of examples were judged, a failed condition `quality` refuses the
      candidate.

    Args:
      gate: the conditions.
      predictions: those of the candidate and, on the same examples, of a working baseline.
      split: the name of the split.
      baseline: the model in production, with its `problem` if it gave no predictions; None on a first run.
      newest_span: the newest span of the examples; 0 if they have no spans.
      spans: the spans that either model was trained on, including those without an example in the split.
      exposure: which of the examples the models have seen; None if neither has seen any.
      earlier_candidates: the number of other models judged on these texts before; None if not counted.
      classes: the names of the classes; of two the positive one last.
      shared_classes: those that the model in production knows as well, at least two; None if it has the same.
    """
    if (baseline is not None and baseline.problem is None) != (predictions.baseline_scores is not None):
        raise ValueError(
            "predictions of a baseline belong to a baseline without a problem, and the other way round"
        )
    exposure = exposure or Exposure()
    own = dataclasses.replace(_unseen_by_candidate(predictions, exposure, split), classes=classes)
    compared = dataclasses.replace(
        _comparable(predictions, exposure, split, _among(classes, shared_classes)), classes=classes
    )
    if len(compared.predictions) < len(own.predictions) or shared_classes is not None:
        # The baseline's figures on other examples, or among other classes, would mislead beside a floor.
        own = dataclasses.replace(own, predictions=own.predictions.without_baseline())
    comparison = None
    if baseline is not None and predictions.baseline_scores is not None:
        comparison = _comparison(gate, predictions, compared, exposure, shared_classes)
        old = compared.predictions
        baseline = dataclasses.replace(
            baseline, metrics=_metrics(old.label, old.baseline_scores, old.baseline_scores_for)
        )

    looks = None if earlier_candidates is None else earlier_candidates + 1
    tested = testset.describe(
        predictions, own.predictions, compared.predictions, candidates=looks, classes=classes
    )
    level = None if gate.confidence is None else corrected(gate.confidence, looks)
    older = {*spans, *samples.spans(predictions)} - {BASE, newest_span}
    judged = samples.judged_spans(compared.predictions, older, gate.min_span_examples)
    wanted = conditions(
        gate,
        newest_span=newest_span,
        older_spans=older,
        judged_spans=judged,
        classes=max(len(np.unique(own.predictions.label)), 2),
    )
    results = _judged(gate, wanted, own, compared, baseline, comparison, looks=looks)
    fair = all(each.passed for each in results if each.kind == "unseen")
    losses = [*class_losses(compared, fewest=gate.min_span_examples)] if fair else []
    return Verdict(
        split=split,
        conditions=results,
        metrics=_metrics_of(own.predictions),
        classes=of_each(own),
        slices=tuple({"slice": name, **_metrics_of(part)} for name, part in samples.slices(own.predictions)),
        baseline=baseline,
        comparison=comparison,
        test_set=tested,
        notes=(
            *notes.notes(gate, split, tested, comparison, losses, fair=fair, level=level),
            *notes.threshold(predictions, classes),
        ),
        threshold=predictions.threshold or DEFAULT,
    )


def _judged(
    gate: GateSettings,
    wanted: Sequence[Condition],
    own: Sample,
    compared: Sample,
    baseline: Baseline | None,
    comparison: Comparison | None,
    *,
    looks: int | None,
) -> tuple[ConditionResult, ...]:
    """The results of all conditions, and of those that replace conditions that could not be judged."""
    changes = [condition for condition in wanted if condition.kind in CHANGE_KINDS]
    if changes and baseline is not None and baseline.problem is not None:
        kept = [condition for condition in wanted if condition not in changes]
        found = [judge_condition(condition, own, gate.confidence, looks=looks) for condition in kept]
        return (*found, _lost_baseline(own.split, baseline.problem))
    enough = None
    if changes and comparison is not None and comparison.needed is not None:
        enough = _enough_unseen(comparison, compared)
    found = []
    for condition in wanted:
        if condition not in changes:
            found.append(judge_condition(condition, own, gate.confidence, looks=looks))
        elif enough is None or enough.passed:
            found.append(judge_condition(condition, compared, gate.confidence, looks=looks))
        else:
            found.append(unjudged(condition, own.split, wording.NO_FAIR_COMPARISON))
    if enough is not None:
        return (*found, enough)
    return tuple(found) if _quality_judged(found) else (*found, _unknown_quality(own.split, found))


def _quality_judged(found: Sequence[ConditionResult]) -> bool:
    """Whether a condition on the model's predictions was judged."""
    return any(each.unjudged is None and each.metric != "example_count" for each in found)


def _unknown_quality(split: str, found: Sequence[ConditionResult]) -> ConditionResult:
    causes = dict.fromkeys(each.unjudged for each in found if each.unjudged is not None)
    return _refusal("quality", split, notes.unknown_quality(causes))


def _refusal(kind: Literal["quality", "baseline"], split: str, reason: str) -> ConditionResult:
    """The failed result of a condition on the comparison as a whole."""
    return ConditionResult(
        metric=kind, slice=OVERALL, split=split, kind=kind, threshold=None, passed=False, reason=reason
    )


def _unseen_by_candidate(predictions: Predictions, exposure: Exposure, split: str) -> Sample:
    unseen = exposure.unseen_by_candidate(len(predictions))
    if unseen.all():
        return Sample(predictions, split)
    return Sample(predictions.where(unseen), split, wording.UNSEEN_BY_CANDIDATE)


def _comparable(
    predictions: Predictions, exposure: Exposure, split: str, shared: Sequence[int] | None
) -> Sample:
    """The examples that both models are compared on: unseen by both, and of classes that both know."""
    unseen = exposure.unseen(len(predictions))
    found = predictions if unseen.all() else predictions.where(unseen)
    whose = "" if unseen.all() else wording.UNSEEN_BY_BOTH
    if shared is None:
        return Sample(found, split, whose)
    return Sample(among(found, shared), split, f"{wording.OF_SHARED_CLASSES}{whose and f' and{whose}'}")


def _among(classes: Sequence[str], shared: Sequence[str] | None) -> list[int] | None:
    """The labels of the shared classes."""
    return None if shared is None else [classes.index(name) for name in shared]


def _comparison(
    gate: GateSettings,
    predictions: Predictions,
    compared: Sample,
    exposure: Exposure,
    shared_classes: tuple[str, ...] | None,
) -> Comparison:
    size = len(predictions)
    left_out = exposure.left_out(size)
    if unknown := int(np.count_nonzero(exposure.unseen(size))) - len(compared.predictions):
        left_out[UNKNOWN] = unknown
    return Comparison(
        reviews=size,
        compared=len(compared.predictions),
        left_out=left_out,
        needed=needed_unseen(gate, predictions.distinct_texts) if left_out else None,
        known=exposure.problem is None,
        problem=exposure.problem,
        data_changes=exposure.data_changes,
        classes=shared_classes,
    )


def needed_unseen(gate: GateSettings, texts: int) -> int:
    """The minimum number of distinct texts to compare on if some of the split's `texts` are left out.

    So many that `min_change` is more than a single example, but at most half of the split.
    """
    if gate.min_unseen is not None:
        return gate.min_unseen
    change = max(abs(gate.min_change or 0.0), COARSEST_CHANGE)
    return max(gate.min_examples, min(math.ceil(round(1 / change, 6)), math.ceil(texts / 2)))


def _enough_unseen(comparison: Comparison, compared: Sample) -> ConditionResult:
    assert comparison.needed is not None
    texts = compared.predictions.distinct_texts
    return ConditionResult(
        metric="unseen_reviews",
        slice=OVERALL,
        split=compared.split,
        kind="unseen",
        threshold=comparison.needed,
        value=float(texts),
        passed=texts >= comparison.needed,
        margin=float(texts - comparison.needed),
        reason=notes.unseen(comparison, texts=texts, split=compared.split),
        examples=comparison.compared,
        texts=texts,
    )


def _metrics_of(part: Predictions) -> dict[str, Any]:
    return _metrics(part.label, part.scores, part.scores_for)


def _metrics(
    label: np.ndarray, scores: np.ndarray | None, scores_for: Callable[[str], Any]
) -> dict[str, Any]:
    """Every metric; scores_for: the scores for a metric by its name."""
    if scores is None or not_probabilities(scores):
        names = by_name.names(np.zeros(0) if scores is None else scores)
        return dict.fromkeys(names) | {"example_count": float(len(label))}
    found = {name: by_name.of_verdict(name, label, scores_for(name)) for name in by_name.names(scores)}
    return {name: None if math.isnan(value) else value for name, value in found.items()}


def _lost_baseline(split: str, problem: str) -> ConditionResult:
    return _refusal(
        "baseline",
        split,
        f"the model in production cannot be evaluated: {problem}; to promote the candidate "
        "without the comparison: greenlight approve",
    )
