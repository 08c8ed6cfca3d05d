"""Buckets of numeric features, which turn two samples into comparable histograms."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Buckets:
    """`names[i]` holds the values from `edges[i-1]` up to below `edges[i]`; the first and last are open."""

    edges: tuple[float, ...]
    names: tuple[str, ...]

    def of(self, values: np.ndarray) -> np.ndarray:
        """int [N], the bucket of each value."""
        return np.searchsorted(np.array(self.edges), values, side="right")

    def shares(self, values: np.ndarray) -> tuple[float, ...]:
        """The share of the values in each bucket; the shares add up to 1."""
        counts = np.bincount(self.of(values), minlength=len(self.names))
        return tuple(float(share) for share in counts / max(1, len(values)))


def tenths_of(values: np.ndarray, *, shown_as: str) -> Buckets:
    """Buckets with about a tenth of `values` each; fewer buckets if many values are equal.

    Args:
      values: at least one.
      shown_as: the format specification of an edge, such as ".0f".
    """
    edges = np.unique(np.quantile(values, np.arange(1, 10) / 10, method="higher"))
    edges = edges[edges > np.min(values)]
    return Buckets(tuple(float(edge) for edge in edges), _names(edges, shown_as))


def tenths_from_0_to_1() -> Buckets:
    """Ten buckets of equal width from 0 to 1."""
    edges = np.arange(1, 10) / 10
    return Buckets(tuple(float(edge) for edge in edges), _names(edges, ".1f"))


def _names(edges: Sequence[float] | np.ndarray, shown_as: str) -> tuple[str, ...]:
    written = [f"{edge:{shown_as}}" for edge in edges]
    if not written:
        return ("any",)
    between = [f"{low} to {high}" for low, high in itertools.pairwise(written)]
    return (f"below {written[0]}", *between, f"{written[-1]} or more")
