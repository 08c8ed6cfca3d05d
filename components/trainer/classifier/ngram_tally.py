"""Exact counts of n-grams in positive and negative reviews, in bounded memory."""

from collections.abc import Iterator

import numpy as np

_AT_ONCE = 2_000_000
"""N-grams that are counted in one go: what counting needs beside the tally does not grow with the tally."""

Counts = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Int64 [V] each: n-grams in ascending order; how often positive reviews hold each; and negative ones."""


class NgramTally:
    """Takes batches of n-grams as `ngrams.hashes` gives them; keeps eight bytes for each one, sorted."""

    def __init__(self) -> None:
        self.reviews = 0
        self._runs: list[np.ndarray] = []

    def add(self, grams: np.ndarray, *, lengths: np.ndarray, labels: np.ndarray) -> None:
        """Reviews: their n-grams one after another, int64 [M]; how many each has; 1 for positive, else 0."""
        # The hashes are even, so a label fits in, and one sort does for both classes.
        run = grams | np.repeat(labels.astype(np.int8), lengths)
        run.sort()
        self._runs.append(run)
        self.reviews += len(labels)

    def counts(self, *, at_least: int) -> Counts:
        """The n-grams that occur at least so many times."""
        parts = [_count(part, at_least) for part in self._parts()]
        keys, praise, blame = (np.concatenate(column) for column in zip(*parts, strict=True))
        return keys, praise, blame

    def _parts(self) -> Iterator[np.ndarray]:
        """All that was added, in ascending order; each n-gram is in one part."""
        seen = sum(map(len, self._runs))
        edges = np.linspace(-(2.0**63), 2.0**63, max(2, 2 + seen // _AT_ONCE))[1:-1].astype(np.int64) & ~1
        cuts = [[0, *np.searchsorted(run, edges), len(run)] for run in self._runs]
        for number in range(len(edges) + 1):
            pieces = [run[cut[number] : cut[number + 1]] for run, cut in zip(self._runs, cuts, strict=True)]
            part = np.concatenate([np.empty(0, np.int64), *pieces])
            part.sort(kind="stable")  # which merges what is sorted already
            yield part


def _count(seen: np.ndarray, at_least: int) -> Counts:
    """Of n-grams with their labels in the lowest bit, ascending."""
    grams = seen & ~np.int64(1)
    starts = np.flatnonzero(np.diff(grams, prepend=~grams[:1]))
    counts = np.diff(starts, append=len(seen))
    often = counts >= at_least
    starts, counts = starts[often], counts[often]
    keys = grams[starts]
    # The positive ones are the last of their n-gram.
    blame = np.searchsorted(seen, keys | 1) - starts
    return keys, counts - blame, blame
