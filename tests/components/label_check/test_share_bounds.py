import pytest
from scipy import stats

from components.label_check.share_bounds import lower_bound, upper_bound


@pytest.mark.parametrize(("hits", "trials"), [(0, 10), (1, 4), (180, 400), (1000, 10_000), (10, 10)])
def test_the_bounds_are_the_ends_of_a_90_percent_wilson_interval(hits, trials):
    expected = stats.binomtest(hits, trials).proportion_ci(0.9, method="wilson")
    bounds = lower_bound(hits / trials, trials), upper_bound(hits / trials, trials)
    assert bounds == pytest.approx((expected.low, expected.high), abs=1e-5)


def test_the_upper_bound_by_hand():
    """Of 1 of 4: (1/4 + z²/8 + z sqrt(3/64 + z²/64)) / (1 + z²/4) with z = 1.6449."""
    assert upper_bound(0.25, 4) == pytest.approx(0.643841, abs=1e-6)
    assert upper_bound(0.0, 1) == pytest.approx(2.70570 / 3.70570, abs=1e-5)


def test_without_a_trial_the_bounds_are_those_of_one():
    assert upper_bound(0.0, 0) == upper_bound(0.0, 1)
    assert lower_bound(0.0, 0) == 0
