"""The intervals of proportions agree with SciPy's for whole numbers, and with statsmodels' for fractions."""

import pytest
from scipy import stats

from components.evaluator.judgment.proportions import agresti_caffo, wilson


@pytest.mark.parametrize("confidence", [0.9, 0.95, 0.999])
@pytest.mark.parametrize(("hits", "trials"), [(0, 1), (1, 1), (0, 40), (40, 40), (3, 7), (4611, 5000)])
def test_wilson_is_scipys_for_whole_numbers(hits, trials, confidence):
    expected = stats.binomtest(hits, trials).proportion_ci(confidence, method="wilson")
    assert wilson(hits, trials, confidence=confidence) == pytest.approx(expected, abs=1e-14)


@pytest.mark.parametrize(
    ("hits", "trials", "confidence", "expected"),
    [
        (82.5, 97.25, 0.95, (0.7639271360732685, 0.9062580683975476)),
        (0.5, 1.5, 0.95, (0.0358422240982495, 0.8705503894583921)),
        (4611.2, 5000, 0.95, (0.9144888960038231, 0.929342795057615)),
    ],
)
def test_wilson_takes_fractions(hits, trials, confidence, expected):
    """The expected values: statsmodels 0.15, proportion_confint(hits, trials, method="wilson")."""
    assert wilson(hits, trials, confidence=confidence) == pytest.approx(expected, abs=1e-14)


@pytest.mark.parametrize(
    ("shares", "trials", "confidence", "expected"),
    [
        ((40.5 / 50.25, 10 / 60), (50.25, 60), 0.95, (0.4717301702909209, 0.7619478664431432)),
        ((0, 0), (5, 5), 0.9, (-0.30765984704603183, 0.30765984704603183)),
        ((1, 1.5 / 2499.5), (2500, 2499.5), 0.95, (0.9971357868383122, 1.0000660519305289)),
    ],
)
def test_agresti_caffo(shares, trials, confidence, expected):
    """The expected values: statsmodels 0.15, confint_proportions_2indep(..., method="agresti-caffo")."""
    assert agresti_caffo(shares, trials, confidence=confidence) == pytest.approx(expected, abs=1e-14)
