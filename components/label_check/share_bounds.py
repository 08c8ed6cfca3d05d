"""One-sided 95 % bounds of a share, by Wilson's score interval. Light imports only."""

import math

ONE_IN_TWENTY = 1.6449
"""The one-sided 95 % quantile of the normal distribution, in standard deviations."""


def upper_bound(share: float, count: int) -> float:
    """The upper end of the interval of a share of `count` trials; without a trial, as of one."""
    z, n = ONE_IN_TWENTY, max(count, 1)
    spread = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return (share + z * z / (2 * n) + spread) / (1 + z * z / n)


def lower_bound(share: float, count: int) -> float:
    """The lower end of the interval; see `upper_bound`."""
    return max(0.0, 1 - upper_bound(1 - share, count))
