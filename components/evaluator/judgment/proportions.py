"""Intervals of proportions, whose numbers of trials may be fractions: copies of one text count once together.

SciPy's `binomtest` has Wilson's interval for whole numbers only, and not that of Agresti and Caffo.
"""

import math
from collections.abc import Sequence

from scipy import stats


def wilson(hits: float, trials: float, *, confidence: float) -> tuple[float, float]:
    """Wilson's score interval of hits / trials (trials > 0), within [0, 1]."""
    z = _normal_quantile(confidence)
    share = hits / trials
    scale = 1 + z**2 / trials
    center = (share + z**2 / (2 * trials)) / scale
    margin = z * math.sqrt(share * (1 - share) / trials + z**2 / (4 * trials**2)) / scale
    low = 0.0 if hits == 0 else center - margin
    high = 1.0 if hits == trials else center + margin
    return low, high


def agresti_caffo(
    shares: tuple[float, float], trials: tuple[float, float], *, confidence: float
) -> tuple[float, float]:
    """The interval of shares[0] - shares[1]: both get a hit and a miss more (Agresti and Caffo, 2000)."""
    first, second = ((share * size + 1) / (size + 2) for share, size in zip(shares, trials, strict=True))
    variance = first * (1 - first) / (trials[0] + 2) + second * (1 - second) / (trials[1] + 2)
    margin = _normal_quantile(confidence) * math.sqrt(variance)
    return first - second - margin, first - second + margin


def mean_of_shares(
    shares: Sequence[float], trials: Sequence[float], *, confidence: float
) -> tuple[float, float]:
    """The interval of the mean of shares (Price and Bonett, 2004), within [0, 1].

    Each of K shares gets 2 / K hits and as many misses more; with two it is as in Agresti and Caffo's.
    """
    added = 2 / len(shares)
    moved = [(share * size + added) / (size + 2 * added) for share, size in zip(shares, trials, strict=True)]
    variance = sum(
        share * (1 - share) / (size + 2 * added) for share, size in zip(moved, trials, strict=True)
    )
    center = sum(moved) / len(moved)
    margin = _normal_quantile(confidence) * math.sqrt(variance) / len(moved)
    return max(0.0, center - margin), min(1.0, center + margin)


def _normal_quantile(confidence: float) -> float:
    return float(stats.norm.isf((1 - confidence) / 2))
