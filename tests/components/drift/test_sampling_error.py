"""What is allowed for chance is what chance does: held against samples of one and the same kind."""

import numpy as np
import pytest

from components.drift import sampling_error

RISK = 0.01
ROUNDS = 4_000


def divergence(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    """Jensen-Shannon, in bits, of each row of shares."""
    middle = (p + q) / 2

    def half(shares):
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(shares > 0, shares * np.log2(shares / middle), 0).sum(axis=1)

    return (half(p) + half(q)) / 2


@pytest.mark.parametrize(("n", "m"), [(100, 10_000), (250, 10_000), (1_000, 1_000)])
def test_a_divergence_of_equal_samples_is_above_its_allowance_as_often_as_the_risk_says(n, m):
    random = np.random.default_rng(1)
    shares = np.full(10, 0.1)
    ours, theirs = (random.multinomial(size, shares, ROUNDS) / size for size in (n, m))
    above = np.mean(divergence(ours, theirs) > sampling_error.of_divergence(10, n, m, risk=RISK))
    assert 0.3 * RISK < above < 2.5 * RISK


@pytest.mark.parametrize("share", [0.5, 0.08])
def test_a_difference_of_equal_shares_is_above_its_allowance_as_often_as_the_risk_says(share):
    random = np.random.default_rng(2)
    ours, theirs = random.binomial(200, share, ROUNDS) / 200, random.binomial(5_000, share, ROUNDS) / 5_000
    both = (200 * ours + 5_000 * theirs) / 5_200
    above = [
        abs(a - b) > sampling_error.of_difference(float(c), 200, 5_000, risk=RISK)
        for a, b, c in zip(ours, theirs, both, strict=True)
    ]
    assert np.mean(above) < 2.5 * RISK


def test_an_increase_needs_less_than_a_difference_in_either_direction():
    increase = sampling_error.of_increase(0.1, 300, 5_000, risk=RISK)
    assert increase < sampling_error.of_difference(0.1, 300, 5_000, risk=RISK)


def test_a_share_of_zero_has_an_allowance():
    assert sampling_error.of_increase(0.0, 50, 10_000, risk=RISK) > 0


@pytest.mark.parametrize("scale", [np.ones(8), np.array([9.0, 3, 1, 1, 0.5, 0.1, 0.1, 0.1])])
def test_a_distance_of_equal_means_is_above_its_allowance_about_as_often_as_the_risk_says(scale):
    random = np.random.default_rng(3)
    covariance = np.diag(scale**2)
    spread = np.trace(covariance)
    means = [random.normal(size=(ROUNDS, 8)) * scale / np.sqrt(size) for size in (200, 5_000)]
    squared = ((means[0] - means[1]) ** 2).sum(axis=1) / spread
    above = np.mean(squared > sampling_error.of_squared_distance(covariance, 200, 5_000, risk=RISK))
    assert above < 3 * RISK


def test_larger_samples_are_allowed_less():
    sizes = (50, 500, 5_000)
    assert sorted((sampling_error.of_divergence(10, n, 10_000, risk=RISK) for n in sizes), reverse=True) == [
        sampling_error.of_divergence(10, n, 10_000, risk=RISK) for n in sizes
    ]


def test_the_allowance_of_a_divergence_is_the_formulas_value():
    """21.666 is the upper 1 % point of chi-squared with 9 degrees of freedom, by any table."""
    expected = 21.666 / (8 * np.log(2)) * (1 / 100 + 1 / 10_000)
    assert sampling_error.of_divergence(10, 100, 10_000, risk=0.01) == pytest.approx(expected, rel=1e-4)


def test_the_allowances_of_shares_are_the_formulas_values():
    """Agresti and Caffo: 29 + 2 of 290 + 4; 2.5758 and 2.3263 are quantiles of the normal distribution."""
    share = 31 / 294
    deviation = np.sqrt(share * (1 - share) * (1 / 90 + 1 / 200))
    difference = sampling_error.of_difference(0.1, 90, 200, risk=0.01)
    assert difference == pytest.approx(2.5758 * deviation, rel=1e-4)
    assert sampling_error.of_increase(0.1, 90, 200, risk=0.01) == pytest.approx(2.3263 * deviation, rel=1e-4)


def test_the_allowance_of_a_distance_is_the_formulas_value():
    """Of equal variances there are as many degrees of freedom as dimensions: 20.090 for 8 at 1 %."""
    found = sampling_error.of_squared_distance(np.eye(8), 100, 400, risk=0.01)
    assert found == pytest.approx(20.090 / 8 * (1 / 100 + 1 / 400), rel=1e-4)


def test_what_cannot_differ_is_allowed_nothing():
    assert sampling_error.of_divergence(1, 100, 100, risk=RISK) == 0
    assert sampling_error.of_squared_distance(np.zeros((3, 3)), 100, 100, risk=RISK) == 0
