"""Exact counts of n-grams in positive and negative examples, in bounded memory."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np

_AT_ONCE = 2_000_000
"""N-grams that are counted at once, which bounds the memory of counting."""
_WORTH_A_THREAD = 1_000_000
"""N-grams, which are sorted in 0.1 s."""

Counts = tuple[np.ndarray, np.ndarray, np.ndarray]
"""int64 [V] each: n-grams, ascending; the occurrences of each in positive examples; and in negative ones."""


class NgramTally:
    """Collects batches of n-gram hashes (`ngrams.hashes`) as sorted runs of eight bytes per n-gram."""

    def __init__(self) -> None:
        self.examples = 0
        self._runs: list[np.ndarray] = []

    def add(self, grams: np.ndarray, *, lengths: np.ndarray, labels: np.ndarray) -> None:
        """Adds N examples.

        Args:
          grams: the n-grams of all examples in sequence, int64 [M], even numbers.
          lengths: the number of n-grams of each example, int [N].
          labels: 1 for positive, 0 for negative, int [N].
        """
        # The hashes are even: the lowest bit holds the label, and one sort covers both classes.
        run = grams | np.repeat(labels.astype(np.int8), lengths)
        self._runs.extend(sorted_parts(run))
        self.examples += len(labels)

    def counts(self, *, at_least: int) -> Counts:
        """The n-grams that occur at least `at_least` times, with their counts in both classes."""
        parts = [_count(part, at_least) for part in self._parts()]
        keys, positive, negative = (np.concatenate(column) for column in zip(*parts, strict=True))
        return keys, positive, negative

    def _parts(self) -> Iterator[np.ndarray]:
        """All added n-grams with their label bits, ascending, in parts of about _AT_ONCE; int64 [P] each.

        The range of int64 is cut at equally spaced edges, and each part merges the same range of every sorted
        run. Equal n-grams are therefore in one part, which `_count` needs. With the edge 0 and the runs
        [-8, -2, 4] and [-2, 6], the parts are [-8, -2, -2] and [4, 6].
        """
        seen = sum(map(len, self._runs))
        edges = edges_of(seen)
        cuts = [[0, *np.searchsorted(run, edges), len(run)] for run in self._runs]
        for number in range(len(edges) + 1):
            pieces = [run[cut[number] : cut[number + 1]] for run, cut in zip(self._runs, cuts, strict=True)]
            part = np.concatenate([np.empty(0, np.int64), *pieces])
            part.sort(kind="stable")  # merges sorted pieces
            yield part


def sorted_parts(numbers: np.ndarray) -> list[np.ndarray]:
    """The numbers, int64 [M], in parts of about equal size, each sorted in place: one for each processor of a
    few, as far as a part is worth a thread."""
    count = max(1, min(os.cpu_count() or 1, len(numbers) // _WORTH_A_THREAD))
    parts = np.array_split(numbers, count)
    with ThreadPoolExecutor(count) as sorting:
        list(sorting.map(np.ndarray.sort, parts))
    return parts


def edges_of(seen: int) -> np.ndarray:
    """The edges between the parts that so many n-grams are counted in: even numbers, ascending, int64."""
    return np.linspace(-(2.0**63), 2.0**63, max(2, 2 + seen // _AT_ONCE))[1:-1].astype(np.int64) & ~1


def _count(seen: np.ndarray, at_least: int) -> Counts:
    """Of n-grams with their labels in the lowest bit, ascending."""
    grams = seen & ~np.int64(1)
    starts = np.flatnonzero(np.diff(grams, prepend=~grams[:1]))
    counts = np.diff(starts, append=len(seen))
    often = counts >= at_least
    starts, counts = starts[often], counts[often]
    keys = grams[starts]
    # The positive ones are the last of their n-gram.
    negative = np.searchsorted(seen, keys | 1) - starts
    return keys, counts - negative, negative
