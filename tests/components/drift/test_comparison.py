import dataclasses

import numpy as np
import pytest

from components.drift import comparison
from components.drift.features import UNLABELED, Features
from components.drift.settings import DriftSettings


def features(size: int, *, seed: int = 0, **changes) -> Features:
    """Reviews of one kind: 20 to 400 words, half positive, a model that is right nine times in ten."""
    random = np.random.default_rng(seed)
    label = random.integers(0, 2, size).astype(np.int8)
    right = random.random(size) < 0.9
    probability = np.where(right == (label == 1), random.uniform(0.6, 1, size), random.uniform(0, 0.4, size))
    vector = random.normal(size=(size, 6)) + 2
    columns = {
        "words": random.integers(20, 400, size),
        "label": label,
        "seen": np.zeros(size, bool),
        "probability": probability.astype(np.float32),
        "unknown": random.beta(1, 40, size).astype(np.float32),
        "vector": (vector / np.linalg.norm(vector, axis=1, keepdims=True)).astype(np.float32),
    }
    return Features(**(columns | changes))


REFERENCE = features(5_000)


def found(compared: Features, *, reference: Features = REFERENCE, **settings):
    findings, _ = comparison.compare(reference, compared, DriftSettings(**settings), served=False)
    return {finding.name: finding for finding in findings}


def alarms(compared: Features, **options) -> set[str]:
    return {name for name, finding in found(compared, **options).items() if finding.exceeded}


@pytest.mark.parametrize("size", [20, 100, 1_000, 5_000])
def test_more_of_the_same_raises_nothing(size):
    for seed in range(1, 6):
        assert alarms(features(size, seed=seed)) == set()


def test_shorter_reviews_are_found():
    short = features(200, seed=1, words=np.full(200, 12))
    assert alarms(short) == {"length"}
    assert found(short)["length"].why == (
        f"length: median of 12 words, reference {np.median(REFERENCE.words):,.0f}; Jensen-Shannon divergence "
        f"{found(short)['length'].value:.4f} is above the threshold {found(short)['length'].threshold:.4f}"
    )


def test_errors_and_shares_follow_the_threshold_of_the_model():
    """With the threshold 0.05 nearly everything is positive, and the model wrong on the negative half."""
    low = {"threshold": 0.05, "label": np.ones(5_000, np.int8)}
    reference = features(5_000, **low)
    changed = features(5_000, seed=1, threshold=0.05, label=np.zeros(5_000, np.int8))
    errors, predictions = (found(changed, reference=reference)[name] for name in ("errors", "predictions"))
    assert errors.exceeded and errors.value > 0.8
    assert predictions.why.startswith("predictions: 93.2% positive, reference 93.5%")
    wrong = float(np.mean(reference.probability < np.float32(0.05)))
    assert f"reference {wrong:.1%}" in errors.why


def test_unknown_words_are_found():
    assert alarms(features(200, seed=1, unknown=np.full(200, 0.4))) == {"unknown_words"}


def test_another_balance_of_labels_is_found_if_the_sample_shows_it():
    """Nine in ten positive is no drift among twenty reviews, and drift among two hundred."""
    label = (np.arange(200) % 10 != 0).astype(np.int8)
    probability = np.where(label == 1, 0.9, 0.1)
    options = {"max_prediction_divergence": "off"}
    assert "labels" in alarms(features(200, seed=1, label=label, probability=probability), **options)
    few = features(20, seed=1, label=label[:20], probability=probability[:20])
    assert found(few, **options)["labels"].threshold > 0.4


def test_flipped_labels_are_found_where_everything_else_is_the_same():
    same = features(300, seed=1)
    flipped = dataclasses.replace(same, label=1 - same.label)
    assert alarms(same) == set()
    assert alarms(flipped) == {"errors"}


def test_a_model_that_is_right_more_often_than_on_its_own_data_is_no_drift():
    sure = features(300, seed=1)
    right = dataclasses.replace(sure, probability=np.where(sure.label == 1, np.float32(0.8), np.float32(0.2)))
    finding = found(right)["errors"]
    assert finding.value < 0 and not finding.exceeded


def test_unsure_predictions_are_found():
    unsure = features(300, seed=1, probability=np.full(300, 0.5))
    assert "predictions" in alarms(unsure, max_error_increase="off")


def test_another_direction_of_the_embedding_is_found():
    moved = features(300, seed=1)
    vector = moved.vector.copy()
    vector[:, 0] *= -1
    assert alarms(dataclasses.replace(moved, vector=vector)) == {"embedding"}


def test_what_a_model_says_of_reviews_it_was_trained_on_is_not_compared():
    known = features(300, seed=1, seen=np.ones(300, bool), probability=np.full(300, 0.999))
    finding = found(known, max_error_increase="off")["predictions"]
    assert (finding.value, finding.exceeded) == (None, False)
    assert finding.figures == (
        "not judged: 0 examples that the model was not trained on are fewer than the 20 of drift.min_examples"
    )


@pytest.mark.parametrize("figure", ["predictions", "errors"])
def test_reviews_of_the_reference_that_the_model_was_trained_on_are_left_out(figure):
    """It knows their labels by heart, and says so with certainty."""
    new = features(1_000, seed=3)
    known = features(4_000, seed=4)
    sure = np.where(known.label == 1, np.float32(0.999), np.float32(0.001))
    known = dataclasses.replace(known, probability=sure, seen=np.ones(4_000, bool))
    both = Features(
        **{
            field.name: np.concatenate([getattr(new, field.name), getattr(known, field.name)])
            for field in dataclasses.fields(Features)
            if isinstance(getattr(new, field.name), np.ndarray)
        }
    )
    compared = features(500, seed=5)
    assert found(compared, reference=both)[figure] == found(compared, reference=new)[figure]
    assert (
        found(compared, reference=both)[figure]
        != found(compared, reference=dataclasses.replace(both, seen=np.zeros(5_000, bool)))[figure]
    )


def test_unlabelled_reviews_are_compared_but_for_what_needs_labels():
    finding = found(features(300, seed=1, label=np.full(300, UNLABELED, np.int8)))
    assert [name for name, each in finding.items() if each.value is None] == ["labels", "errors"]


def test_too_few_reviews_are_not_judged():
    finding = found(features(19, seed=1))
    assert all(each.value is None for each in finding.values())
    assert finding["length"].why == (
        "length: not judged: 19 examples are fewer than the 20 of drift.min_examples"
    )


def test_a_small_reference_is_named():
    finding = found(features(100, seed=1), reference=features(10))
    assert finding["length"].figures == (
        "not judged: 10 examples of the reference are fewer than the 20 of drift.min_examples"
    )


def test_an_embedding_that_tells_nothing_is_left_out():
    silent = {"unknown": None, "vector": None}
    finding = found(features(100, seed=1, **silent), reference=features(500, **silent))
    assert list(finding) == ["length", "labels", "predictions", "errors"]


def test_each_figure_can_be_switched_off():
    off = {
        name: "off"
        for name in DriftSettings.model_fields
        if name.startswith("max_") and name != "max_examples"
    }
    assert found(features(100, seed=1), **off) == {}


def test_the_smaller_the_sample_the_higher_the_threshold_and_never_below_the_limit():
    thresholds = [found(features(size, seed=1))["length"].threshold for size in (50, 500, 5_000)]
    assert thresholds == sorted(thresholds, reverse=True)
    assert thresholds[-1] > DriftSettings().max_length_divergence


def test_histograms_show_both_sides():
    _, histograms = comparison.compare(REFERENCE, features(100, seed=1), DriftSettings(), served=False)
    assert [each.name for each in histograms] == ["length", "unknown_words", "labels", "predictions"]
    for each in histograms:
        assert len(each.buckets) == len(each.compared) == len(each.reference)
        assert sum(each.compared) == pytest.approx(1) and sum(each.reference) == pytest.approx(1)
