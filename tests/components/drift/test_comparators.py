"""TFDV's distances are those that the thresholds were reckoned for."""

import numpy as np
import pytest

from components.drift.comparators import measure

OURS, THEIRS = np.repeat([0, 1, 2], [10, 30, 60]), np.repeat([0, 1, 2], [100, 500, 400])


def shares(values):
    return np.bincount(values, minlength=3) / len(values)


@pytest.mark.parametrize("served", [False, True])
def test_the_divergence_is_jensen_shannons_in_bits(served):
    p, q = shares(OURS), shares(THEIRS)
    middle = (p + q) / 2
    expected = ((p * np.log2(p / middle)).sum() + (q * np.log2(q / middle)).sum()) / 2
    found = measure({"f": THEIRS}, {"f": OURS}, {"f": "jensen_shannon_divergence"}, served=served)
    assert found == {"f": pytest.approx(expected)}


@pytest.mark.parametrize("served", [False, True])
def test_l_infinity_is_the_largest_difference_of_shares(served):
    found = measure({"f": THEIRS}, {"f": OURS}, {"f": "l_infinity"}, served=served)
    assert found["f"] == pytest.approx(np.abs(shares(OURS) - shares(THEIRS)).max())


def test_features_that_not_every_example_has_are_measured_on_those_that_do():
    columns = {"all": np.zeros(500, int), "few": OURS}
    found = measure(
        {"all": np.zeros(2_000, int), "few": THEIRS},
        columns,
        {"all": "jensen_shannon_divergence", "few": "l_infinity"},
        served=False,
    )
    assert found["all"] == pytest.approx(0)
    assert found["few"] == pytest.approx(0.2)


def test_sets_that_share_no_value_are_as_far_apart_as_can_be():
    found = measure(
        {"f": np.zeros(40, int)}, {"f": np.ones(40, int)}, {"f": "jensen_shannon_divergence"}, served=False
    )
    assert found["f"] == pytest.approx(1)
