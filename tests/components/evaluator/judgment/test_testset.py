"""What is said of a test set: its texts, its majority, and the differences that it can show."""

import math

import numpy as np
import pytest

from components.evaluator.judgment.testset import describe, digest, resolution
from components.evaluator.predictions import Predictions


def predictions(label, probability, *, baseline=None, texts=None) -> Predictions:
    size = len(label)
    return Predictions(
        text=np.full(size, "a film", object),
        label=np.array(label, np.int8),
        length=np.full(size, "under 125 words", object),
        probability=np.array(probability, np.float32),
        baseline_probability=None if baseline is None else np.array(baseline, np.float32),
        text_id=None if texts is None else np.array(texts, np.uint64),
    )


NONE = predictions([], [], texts=[])


def test_without_reviews_or_probabilities_nothing_is_resolved():
    assert resolution(NONE) is None
    assert resolution(predictions([1, 0], [0.9, math.nan])) is None


# (z(0.975) + z(0.8)), by any table.
BOTH = 1.959964 + 0.841621


def test_the_resolution_follows_from_the_reviews_that_one_model_alone_has_right():
    label = np.ones(50)
    ours, theirs = np.where(np.arange(50) < 45, 0.9, 0.1), np.where(np.arange(50) >= 4, 0.9, 0.1)
    found = resolution(predictions(label, ours, baseline=theirs))
    assert found == pytest.approx(BOTH * math.sqrt(4 + 5) / 50, rel=1e-5)
    same = resolution(predictions(label, ours, baseline=ours))
    assert same == pytest.approx(BOTH * math.sqrt(1) / 50, rel=1e-5)  # one review at least


def test_a_model_that_is_right_on_one_of_two_copies_is_no_more_right_than_the_other():
    label, texts = np.arange(8) % 2, np.arange(8) // 2
    found = resolution(predictions(label, np.full(8, 0.9), baseline=np.full(8, 0.1), texts=texts))
    assert found == pytest.approx(BOTH * math.sqrt(1) / 4, rel=1e-5)


def test_without_a_baseline_it_is_estimated_from_the_accuracy():
    label, ours = np.ones(40), np.where(np.arange(40) < 30, 0.9, 0.1)
    found = resolution(predictions(label, ours))
    assert found == pytest.approx(BOTH * math.sqrt(2 * 0.75 * 0.25 * 40) / 40, rel=1e-5)


def test_copies_count_once():
    label, ours = np.ones(40), np.where(np.arange(40) < 30, 0.9, 0.1)
    found = resolution(predictions(label, ours, texts=np.arange(40) // 2))
    assert found == pytest.approx(BOTH * math.sqrt(2 * 0.75 * 0.25 * 20) / 20, rel=1e-5)


def test_a_digest_is_of_the_distinct_texts():
    once = digest(predictions([1, 0], [0.5, 0.5], texts=[7, 3]))
    assert once == digest(predictions([1, 0, 1], [0.5, 0.5, 0.5], texts=[3, 7, 3]))
    assert len(once) == 32 and int(once, 16)
    assert once != digest(predictions([1, 0], [0.5, 0.5], texts=[7, 4]))
    assert digest(predictions([1], [0.5], texts=[2**63])) != digest(
        predictions([1], [0.5], texts=[2**63 + 1])
    )
    assert digest(predictions([1], [0.5])) is None


@pytest.mark.parametrize(
    ("label", "majority", "share"),
    [([1, 1, 0], "positive", 2 / 3), ([0, 0, 1], "negative", 2 / 3), ([1, 0], "positive", 0.5)],
)
def test_a_test_set_is_described_by_its_parts(label, majority, share):
    own = predictions(label, [0.9] * len(label))
    whole = predictions([1] * 5, [0.9] * 5, texts=[1, 2, 3, 4, 4])
    found = describe(whole, own, own, candidates=3)
    assert (found.reviews, found.texts, found.seen_by_candidate) == (5, 4, 5 - len(label))
    assert (found.majority_class, found.majority_share) == (majority, pytest.approx(share))
    assert (found.digest, found.candidates) == (digest(whole), 3)
    assert found.resolution == resolution(own)


def test_a_test_set_that_the_candidate_has_seen_whole_has_no_majority():
    found = describe(predictions([1, 0], [0.9, 0.1]), NONE, NONE)
    assert (found.majority_class, found.majority_share, found.resolution) == (None, None, None)
    assert (found.seen_by_candidate, found.candidates) == (2, None)
