"""What predictions show, on numbers that can be checked by hand."""

import numpy as np
import pytest

from components.evaluator import predictions as evaluator
from components.evaluator.judgment.judge import judge
from components.evaluator.settings import GateSettings
from components.reviews import LENGTHS
from pipeline.lineage.runs import Artifact, Run, Stage
from pipeline.report import run_artifacts
from pipeline.report.predictions import Predictions


@pytest.fixture
def eight() -> Predictions:
    """Eight reviews: one negative and one positive are wrong, the surest negative occurs twice."""
    return Predictions(
        text=("bad", "bad", "dull", "odd<br /><br />one", "fine", "great", "best", "so so"),
        label=np.array([0, 0, 0, 0, 1, 1, 1, 1]),
        probability=np.array([0.01, 0.01, 0.2, 0.8, 0.7, 0.9, 0.99, 0.45]),
        length=("short", "short", "short", "long", "short", "short", "short", "long"),
        baseline=np.array([0.1, 0.9, 0.1, 0.9, 0.9, 0.1, 0.9, 0.9]),
    )


@pytest.mark.parametrize("settings", [{}, {"confidence": 0.99}])
def test_accuracy_and_slices_have_the_intervals_of_the_verdict_where_texts_have_copies(settings, tmp_path):
    size, random = 600, np.random.default_rng(5)
    label = np.arange(size) % 2
    right = random.random(size) < 0.9
    found = evaluator.Predictions(
        text=np.full(size, "a film", object),
        text_id=(np.arange(size) % 400).astype(np.uint64),
        label=label.astype(np.int8),
        length=np.full(size, LENGTHS[0], object),
        probability=np.where(right == (label == 1), 0.9, 0.1).astype(np.float32),
    )
    gate = GateSettings(slices={f"length:{LENGTHS[0]}": 0.5}, **settings)
    verdict = judge(gate, found, split="test", baseline=None)
    (tmp_path / evaluator.FILE_NAME).write_bytes(found.to_bytes())
    (tmp_path / "verdict.json").write_text(verdict.to_json())
    artifact = Artifact(1, "ModelEvaluation", str(tmp_path), {})
    stage = Stage("Evaluator", "complete", 1, 0, 1, {}, {"evaluation": (artifact,)})
    shown = run_artifacts.gather(Run("r", (stage,))).predictions

    overall, of_slice = [
        (each.lower, each.upper)
        for each in verdict.conditions
        if each.kind == "floor" and each.metric == "accuracy"
    ]
    assert (shown.accuracy().lower, shown.accuracy().upper) == overall
    assert shown.interval("accuracy") == overall
    (bucket,) = shown.slices().values()
    assert (bucket.lower, bucket.upper, bucket.count) == (*of_slice, size)


def test_confusion_counts_by_truth_and_answer(eight):
    assert eight.confusion.tolist() == [[3, 1], [1, 3]]


def test_accuracy_precision_and_recall_come_with_intervals(eight):
    for interval in (eight.accuracy(), eight.precision(), eight.recall()):
        assert interval.value == 0.75
        assert 0 < interval.lower < 0.75 < interval.upper < 1


def test_a_share_of_nothing_is_anything():
    nothing = Predictions((), np.array([], int), np.array([]), ()).accuracy()

    assert nothing.value != nothing.value
    assert (nothing.lower, nothing.upper, nothing.count) == (0.0, 1.0, 0)


def test_the_area_under_the_curve_is_the_share_of_ordered_pairs(eight):
    pairs = [(n, p) for n in (0.01, 0.01, 0.2, 0.8) for p in (0.7, 0.9, 0.99, 0.45)]

    assert eight.roc()[2] == sum(n < p for n, p in pairs) / len(pairs)


def test_calibration_compares_shares_within_bins():
    predictions = Predictions(
        text=("a", "b", "c", "d"),
        label=np.array([0, 1, 1, 1]),
        probability=np.array([0.5, 0.5, 1.0, 1.0]),
        length=("x",) * 4,
    )
    calibration = predictions.calibration()

    assert calibration.predicted.tolist() == [0.5, 1.0]
    assert calibration.observed.tolist() == [0.5, 1.0]
    assert calibration.counts.sum() == 4
    assert calibration.error == 0


def test_slices_go_from_short_to_long(eight):
    slices = eight.slices()

    assert list(slices) == ["short", "long"]
    assert slices["short"].value == 1.0 and slices["short"].count == 6
    assert slices["long"].value == 0.0


def test_the_surest_mistakes_are_of_both_classes(eight):
    assert eight.most_confident(right=False, per_class=2) == [3, 7]


def test_a_text_is_shown_once(eight):
    assert eight.most_confident(right=True, per_class=2) == [0, 6, 5, 2]


def test_the_least_sure_are_nearest_to_the_cut(eight):
    assert eight.least_confident(count=2) == [7, 4]


def test_a_review_is_shown_with_line_breaks(eight):
    review = eight.example(3)

    assert review.text == "odd\none"
    assert (review.truth, review.answer, review.probability, review.baseline) == (
        "negative",
        "positive",
        0.8,
        0.9,
    )


def test_gains_and_losses_against_the_baseline_add_up(eight):
    assert eight.against_baseline() == {"both": 4, "gained": 2, "lost": 1, "neither": 1}


def test_a_probability_of_one_half_is_positive():
    predictions = Predictions(("x",), np.array([1]), np.array([0.5]), ("x",))

    assert predictions.right.all() and not predictions.both_classes


def test_reviews_that_a_model_has_seen_in_training_count_for_nothing():
    kept = evaluator.Predictions(
        text=np.array(["a", "b", "c", "d"], object),
        label=np.array([1, 1, 1, 1], np.int8),
        length=np.array(["short"] * 4, object),
        probability=np.array([0.9, 0.9, 0.1, 0.9], np.float32),
        baseline_probability=np.array([0.9, 0.1, 0.9, 0.9], np.float32),
        seen=np.array([True, False, False, False]),
        baseline_seen=np.array([False, False, True, False]),
    )
    shown = Predictions.of(kept)

    assert shown.text == ("b", "c", "d")
    assert shown.against_baseline() == {"both": 1, "gained": 1, "lost": 0, "neither": 0}
    assert [shown.example(position).baseline is None for position in range(3)] == [False, True, False]
