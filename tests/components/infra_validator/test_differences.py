"""When two probabilities of one text differ: beyond the tolerance, or a number against none."""

import math

import pytest

from components.infra_validator.checks import _differs


@pytest.mark.parametrize(
    ("one", "other", "differs"),
    [
        (math.nan, 0.5, True),
        (0.5, math.nan, True),
        (math.nan, math.nan, False),
        (0.5, 0.75, False),  # exactly the tolerance
        (0.5, 0.7501, True),
        (0.7501, 0.5, True),
    ],
)
def test_a_difference_is_beyond_the_tolerance_or_between_a_number_and_none(one, other, differs):
    assert _differs(one, other, 0.25) is differs
