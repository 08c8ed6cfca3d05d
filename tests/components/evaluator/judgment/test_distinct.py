"""Copies of a text: how much they count for, and how they are drawn."""

import numpy as np
import pytest

from components.evaluator.judgment.distinct import counts, effective, has_copies, per_text

TEXTS = np.array([7, 3, 7, 5, 7, 3])


@pytest.mark.parametrize(
    ("chosen", "worth"),
    [
        ([1, 1, 1, 1, 1, 1], 36 / 14),  # 3, 2 and 1 copies
        ([1, 1, 0, 1, 0, 0], 3),
        ([1, 0, 1, 0, 1, 0], 1),
        ([1, 1, 1, 0, 0, 0], 9 / 5),
        ([0, 0, 0, 0, 0, 0], 0),
    ],
)
def test_copies_are_worth_what_kish_says(chosen, worth):
    assert effective(TEXTS, np.array(chosen, bool)) == pytest.approx(worth)
    assert effective(None, np.array(chosen, bool)) == sum(chosen)


def test_copies_are_there_where_a_text_comes_twice():
    assert has_copies(TEXTS)
    assert not has_copies(np.array([1, 2, 3]))
    assert not has_copies(None)


def test_values_are_summed_over_the_reviews_of_each_text():
    sums, sizes = per_text(TEXTS, np.array([1.0, 2.0, 10.0, 4.0, 100.0, 8.0]))
    assert (sums.tolist(), sizes.tolist()) == ([10, 4, 111], [2, 1, 3])  # of 3, 5 and 7

    values = np.array([1.0, 2.0])
    sums, sizes = per_text(None, values)
    assert (sums.tolist(), sizes.tolist()) == ([1, 2], [1, 1])


def test_a_text_is_drawn_with_all_its_reviews_as_often_as_it_is_drawn():
    drawn = np.array([[0, 0, 1], [2, 0, 2]])  # of the texts 3, 5 and 7
    assert counts(drawn, TEXTS).tolist() == [[0, 2, 0, 1, 0, 2], [2, 1, 2, 0, 2, 1]]
    assert counts(drawn, None).tolist() == [[2, 1, 0], [1, 0, 2]]
