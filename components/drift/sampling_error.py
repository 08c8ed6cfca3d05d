"""Sampling error: how far two samples of one distribution differ by chance, added to drift thresholds.

In each function, `n` and `m` are the sizes of the two samples, and `risk` is the probability that two samples
of one distribution differ by more than the result. docs/drift.md names the source of each formula.
"""

import math

import numpy as np
from scipy import stats


def of_divergence(buckets: int, n: int, m: int, *, risk: float) -> float:
    """The sampling error of the Jensen-Shannon divergence, in bits, between two histograms.

    8 ln 2 times the divergence, times the harmonic size nm/(n+m), is asymptotically chi-squared.
    """
    if buckets < 2:
        return 0.0
    return float(stats.chi2.isf(risk, buckets - 1)) * (1 / n + 1 / m) / (8 * math.log(2))


def of_difference(share: float, n: int, m: int, *, risk: float) -> float:
    """The sampling error of the absolute difference between two shares; `share` is that of both samples."""
    return float(stats.norm.isf(risk / 2)) * _deviation(share, n, m)


def of_increase(share: float, n: int, m: int, *, risk: float) -> float:
    """The sampling error of the increase of a share, one-sided."""
    return float(stats.norm.isf(risk)) * _deviation(share, n, m)


def _deviation(share: float, n: int, m: int) -> float:
    # One more success and failure in each sample (Agresti and Caffo): an observed share of 0 is uncertain.
    share = (share * (n + m) + 2) / (n + m + 4)
    return math.sqrt(share * (1 - share) * (1 / n + 1 / m))


def of_squared_distance(covariance: np.ndarray, n: int, m: int, *, risk: float) -> float:
    """The sampling error of the squared distance between the means of two samples of vectors.

    The unit of the distance is the spread of the vectors.

    It is a weighted sum of chi-squared variables, approximated by one chi-squared variable of equal mean and
    variance (Satterthwaite).

    Args:
      covariance: [D, D], of single vectors; the spread is the root of its trace.
    """
    total = float(np.trace(covariance))
    if not total:
        return 0.0
    freedom = total**2 / float(np.sum(covariance * covariance))
    return float(stats.chi2.isf(risk, freedom)) / freedom * (1 / n + 1 / m)
