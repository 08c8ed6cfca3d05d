"""Counting n-grams in little memory, against the plain way: a Counter."""

from collections import Counter

import numpy as np
import pytest

from components.trainer.classifier import ngram_tally
from components.trainer.classifier.ngram_tally import NgramTally


@pytest.fixture
def reviews() -> list[tuple[list[int], int]]:
    """300 reviews of up to 50 n-grams, from all over the 64-bit numbers, with their labels."""
    chance = np.random.default_rng(1)
    known = chance.integers(-(2**62), 2**62, size=400) * 2
    known[:2] = -(2**63), 2**63 - 2
    lengths = chance.integers(0, 50, size=300)
    return [(chance.choice(known, size).tolist(), int(chance.integers(2))) for size in lengths]


def counted(reviews, *, at_least, a_batch=7):
    tally = NgramTally()
    for start in range(0, len(reviews), a_batch):
        grams, labels = zip(*reviews[start : start + a_batch], strict=True)
        lengths = np.array([len(each) for each in grams])
        flat = np.array([gram for each in grams for gram in each], np.int64)
        tally.add(flat, lengths=lengths, labels=np.array(labels, np.float32))
    return tally, tally.counts(at_least=at_least)


@pytest.mark.parametrize("at_once", [2_000_000, 500])
def test_counts_are_those_of_the_plain_way(reviews, at_once, monkeypatch):
    monkeypatch.setattr(ngram_tally, "_AT_ONCE", at_once)
    both = [Counter(), Counter()]
    for grams, label in reviews:
        both[label].update(grams)
    negative, positive = both
    often = sorted(gram for gram, count in (positive + negative).items() if count >= 15)
    assert 50 < len(often) < 350

    tally, (keys, found_positive, found_negative) = counted(reviews, at_least=15)
    assert tally.examples == 300
    parts = [len(part) for part in tally._parts()]
    assert len(parts) == 1 + sum(parts) // at_once and max(parts) < 3 * at_once
    assert keys.tolist() == often
    assert found_positive.tolist() == [positive[gram] for gram in often]
    assert found_negative.tolist() == [negative[gram] for gram in often]


def test_batches_of_any_size_count_alike(reviews):
    for one, other in zip(
        counted(reviews, at_least=2)[1], counted(reviews, at_least=2, a_batch=300)[1], strict=True
    ):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("reviews", [[], [([], 1), ([], 0)], [([2, 4], 1)]])
def test_nothing_is_frequent_among_next_to_nothing(reviews):
    assert [column.tolist() for column in counted(reviews, at_least=2)[1]] == [[], [], []]
