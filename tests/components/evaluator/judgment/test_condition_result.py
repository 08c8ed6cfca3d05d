"""One condition held against reviews: the whole result, at every end and just on either side of a limit."""

import math

import numpy as np
import pytest

from components.evaluator.judgment.condition_result import corrected, judge_condition, unjudged
from components.evaluator.judgment.samples import Sample
from components.evaluator.judgment.wording import NO_BASELINE
from components.evaluator.predictions import Predictions
from components.evaluator.verdict import EDGE, Condition, ConditionResult

SHORT = "under 125 words"


def sample(right: int, size: int, *, baseline: int | None = None, **more) -> Sample:
    """Half of the reviews positive; the candidate has the first `right` right, the baseline its own."""
    label = np.arange(size) % 2

    def scores(correct: int) -> np.ndarray:
        return np.where((np.arange(size) < correct) == (label == 1), 0.9, 0.1).astype(np.float32)

    found = Predictions(
        text=np.full(size, "a film", object),
        label=label.astype(np.int8),
        length=np.full(size, SHORT, object),
        probability=scores(right),
        baseline_probability=None if baseline is None else scores(baseline),
        **more,
    )
    return Sample(found, "test")


def condition(kind: str = "floor", threshold: float = 0.85, metric: str = "accuracy", **more) -> Condition:
    return Condition(metric=metric, kind=kind, threshold=threshold, **more)


def test_a_floor_keeps_all_that_it_was_judged_by():
    found = judge_condition(condition(), sample(88, 100), None)

    assert found == ConditionResult(
        metric="accuracy",
        slice="overall",
        split="test",
        kind="floor",
        threshold=0.85,
        value=0.88,
        lower=pytest.approx(0.8019, abs=1e-4),  # Wilson, 95 %
        upper=pytest.approx(0.9300, abs=1e-4),
        confidence=0.95,
        judged="value",
        baseline=None,
        passed=True,
        margin=pytest.approx(0.03),
        reason="accuracy 0.8800 is above the floor 0.8500 by 0.0300 on test (100 examples)",
        examples=100,
        texts=100,
    )


def test_a_change_keeps_the_baselines_value():
    found = judge_condition(condition("change", -0.01), sample(88, 100, baseline=80), None)

    assert (found.value, found.baseline) == (pytest.approx(0.08), pytest.approx(0.8))
    assert found.margin == pytest.approx(0.09)
    assert found.lower < 0.08 < found.upper and found.lower > 0
    assert found.reason.endswith(" on test (100 examples), McNemar p = 0.0078")


def test_beside_a_floor_the_baseline_is_shown_and_the_interval_is_of_the_value():
    found = judge_condition(condition(), sample(88, 100, baseline=80), None)

    assert (found.value, found.baseline) == (0.88, 0.8)
    assert found.upper == pytest.approx(0.9300, abs=1e-4)
    assert "McNemar" not in found.reason


def test_a_change_of_another_metric_has_no_mcnemar_test():
    found = judge_condition(condition("change", -1, metric="auc"), sample(88, 100, baseline=80), None)
    assert "McNemar" not in found.reason


@pytest.mark.parametrize(
    ("kind", "metric", "by", "confidence", "end"),
    [
        ("floor", "accuracy", "value", None, "value"),
        ("floor", "accuracy", "value", 0.9, "lower"),
        ("floor", "accuracy", "proof", None, "lower"),
        ("floor", "accuracy", "doubt", None, "upper"),
        ("floor", "accuracy", "doubt", 0.9, "upper"),
        ("ceiling", "loss", "value", None, "value"),
        ("ceiling", "loss", "value", 0.9, "upper"),
        ("ceiling", "loss", "proof", None, "upper"),
        ("ceiling", "loss", "doubt", None, "lower"),
        ("change", "accuracy", "value", 0.9, "lower"),
        ("change", "accuracy", "doubt", None, "upper"),
        ("change_ceiling", "loss", "value", 0.9, "upper"),
        ("change_ceiling", "loss", "doubt", 0.9, "lower"),
        ("floor", "example_count", "value", 0.9, "value"),
    ],
)
def test_proof_is_held_against_the_unfavorable_end_and_doubt_against_the_favorable_one(
    kind, metric, by, confidence, end
):
    asked = condition(kind, 0.5, metric=metric, by=by)
    found = judge_condition(asked, sample(88, 100, baseline=85), confidence)

    assert found.judged == end
    number = getattr(found, end)
    assert found.margin == pytest.approx(0.5 - number if "ceiling" in kind else number - 0.5)
    assert found.passed is (found.margin >= 0)
    assert found.confidence == (None if metric == "example_count" else confidence or 0.95)


@pytest.mark.parametrize("kind", ["floor", "ceiling"])
@pytest.mark.parametrize(("beyond", "passed"), [(0, True), (EDGE / 2, True), (2 * EDGE, False)])
def test_rounding_alone_breaks_no_limit(kind, beyond, passed):
    threshold = 0.75 - beyond if kind == "ceiling" else 0.75 + beyond
    assert judge_condition(condition(kind, threshold), sample(75, 100), None).passed is passed


@pytest.mark.parametrize(
    ("by", "confidence", "looks", "family", "level"),
    [
        ("value", None, None, 1, 0.95),
        ("value", None, 10, 1, 0.95),
        ("value", 0.9, None, 1, 0.9),
        ("value", 0.9, 10, 1, 0.99),
        ("proof", 0.9, 2, 1, 0.95),
        ("doubt", 0.9, 10, 1, 0.9),
        ("doubt", None, 10, 4, 0.9875),
        ("doubt", 0.9, None, 4, 0.975),
    ],
)
def test_the_level_is_shared_out_among_looks_and_a_family_but_doubt_is_not_made_laxer(
    by, confidence, looks, family, level
):
    asked = condition(by=by, family=family)
    found = judge_condition(asked, sample(88, 100), confidence, looks=looks)
    assert found.confidence == pytest.approx(level)


def test_no_look_and_one_look_correct_nothing():
    assert [corrected(0.9, looks) for looks in (None, 0, 1, 2)] == pytest.approx([0.9, 0.9, 0.9, 0.95])


def test_the_number_of_examples_counts_texts_and_has_no_interval():
    asked = condition("examples", 50, metric="example_count")
    copies = sample(90, 100, text_id=np.arange(100, dtype=np.uint64) // 2)
    found = judge_condition(asked, copies, 0.95)

    assert (found.value, found.margin, found.passed, found.baseline) == (50.0, 0.0, True, None)
    assert (found.lower, found.upper, found.confidence, found.judged) == (None, None, None, "value")
    assert (found.examples, found.texts) == (100, 50)
    with_baseline = judge_condition(asked, sample(90, 100, baseline=80), 0.95)
    assert with_baseline.baseline == 100.0


def test_a_change_without_a_baseline_is_not_judged():
    found = judge_condition(condition("change", 0.5), sample(88, 100), 0.9)

    assert found == unjudged(condition("change", 0.5), "test", NO_BASELINE)
    assert (found.passed, found.status, found.value, found.margin) == (True, "not judged", None, None)
    assert (found.kind, found.threshold, found.slice, found.split) == ("change", 0.5, "overall", "test")


@pytest.mark.parametrize(
    ("size", "needed", "unjudged_as"),
    [(30, 30, None), (29, 30, "too few examples: 29 of the 30 needed"), (29, 0, None), (1, 1, None)],
)
def test_with_too_few_texts_a_condition_is_not_judged(size, needed, unjudged_as):
    found = judge_condition(condition(threshold=0, min_examples=needed), sample(size, size), None)
    assert (found.unjudged, found.passed) == (unjudged_as, True)


def test_copies_do_not_make_up_for_texts():
    copies = sample(60, 60, text_id=np.arange(60, dtype=np.uint64) // 3)
    found = judge_condition(condition(min_examples=21), copies, None)
    assert found.unjudged == "too few examples: 20 of the 21 needed"
    assert judge_condition(condition(min_examples=20), copies, None).status == "ok"


def test_a_slice_without_reviews_is_not_judged_where_that_may_be_and_fails_elsewhere():
    asked = condition(slice="length:280 words or more", min_examples=1)
    assert judge_condition(asked, sample(9, 10), None).unjudged == "no examples of length:280 words or more"
    failed = judge_condition(condition(slice="length:280 words or more"), sample(9, 10), None)
    assert (failed.status, failed.value, failed.threshold) == ("failed", None, 0.85)
    assert failed.reason.startswith("accuracy is undefined on length:280 words or more of test")


def test_what_is_no_probability_fails_all_but_the_number_of_examples():
    broken = sample(88, 100)
    broken.predictions.probability[0] = math.nan
    found = judge_condition(condition(threshold=0), broken, None)
    assert (found.status, found.value, found.slice, found.split) == ("failed", None, "overall", "test")
    assert (found.metric, found.kind, found.threshold) == ("accuracy", "floor", 0)
    counted = judge_condition(condition("examples", 50, metric="example_count"), broken, None)
    assert counted.status == "ok"


def test_without_an_interval_only_the_value_can_be_judged():
    one = sample(1, 1)
    asked = condition("ceiling", 5, metric="loss")
    assert judge_condition(asked, one, None).status == "ok"
    assert judge_condition(asked, one, None).confidence is None
    failed = judge_condition(asked, one, 0.9)
    assert (failed.status, failed.reason) == ("failed", "loss has no confidence interval on test (1 example)")


def test_a_constant_answer_is_told_beside_balanced_accuracy_of_all_reviews():
    asked = condition(metric="balanced_accuracy", threshold=0.5, by="proof")
    assert "constant answer" in judge_condition(asked, sample(88, 100), None).reason
    part = condition(metric="balanced_accuracy", threshold=0.5, by="proof", slice=f"length:{SHORT}")
    assert "constant answer" not in judge_condition(part, sample(88, 100), None).reason
    assert "constant answer" not in judge_condition(condition(), sample(88, 100), None).reason
