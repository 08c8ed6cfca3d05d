import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.drift.buckets import tenths_from_0_to_1, tenths_of

NUMBERS = st.lists(st.integers(0, 400), min_size=1, max_size=300)


def test_each_tenth_holds_a_tenth_of_what_it_was_made_of():
    buckets = tenths_of(np.arange(1_000), shown_as=".0f")
    assert buckets.shares(np.arange(1_000)) == pytest.approx([0.1] * 10)
    assert buckets.names[0] == "below 100" and buckets.names[-1] == "900 or more"


@given(NUMBERS)
def test_every_value_falls_into_a_bucket_and_no_bucket_is_empty(values):
    buckets = tenths_of(np.array(values), shown_as=".0f")
    shares = buckets.shares(np.array(values))
    assert sum(shares) == pytest.approx(1)
    assert min(shares) > 0
    assert len(shares) == len(buckets.names) <= 10


def test_equal_values_make_one_bucket():
    buckets = tenths_of(np.zeros(50), shown_as=".1%")
    assert buckets.names == ("any",)
    assert buckets.shares(np.array([0.0, 5.0])) == (1.0,)


def test_values_beyond_those_known_fall_into_the_outer_buckets():
    buckets = tenths_of(np.arange(100), shown_as=".0f")
    assert buckets.of(np.array([-5, 1_000])).tolist() == [0, 9]


def test_probabilities_fall_into_tenths_the_last_with_its_end():
    assert tenths_from_0_to_1().of(np.array([0.0, 0.1, 0.55, 1.0])).tolist() == [0, 1, 5, 9]
