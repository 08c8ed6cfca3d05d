"""Exact counts of n-grams in the examples of each of more than two classes, in bounded memory."""

import numpy as np

from components.trainer.classifier.ngram_tally import edges_of, sorted_parts

Counts = tuple[np.ndarray, np.ndarray]
"""N-grams in ascending order, int64 [V], and how often the examples of each class hold them, int64 [V, K]."""


class ClassTally:
    """Collects batches of n-gram hashes (`ngrams.hashes`) as sorted runs of eight bytes per n-gram.

    Args:
      classes: the number of classes, K.
    """

    def __init__(self, classes: int) -> None:
        self.examples = 0
        self._runs: list[list[np.ndarray]] = [[] for _ in range(classes)]

    def add(self, grams: np.ndarray, *, lengths: np.ndarray, labels: np.ndarray) -> None:
        """Adds N examples.

        Args:
          grams: the n-grams of all examples in sequence, int64 [M].
          lengths: the number of n-grams of each example, int [N].
          labels: 0 to K - 1, int or float [N].
        """
        of_each = np.repeat(labels.astype(np.int64), lengths)
        for label, runs in enumerate(self._runs):
            runs.extend(sorted_parts(grams[of_each == label]))
        self.examples += len(labels)

    def counts(self, *, at_least: int) -> Counts:
        """The n-grams that occur at least `at_least` times, with their counts in each class."""
        runs = [run for of_class in self._runs for run in of_class]
        edges = [-(2**63), *edges_of(sum(map(len, runs))).tolist()]
        parts = [self._part(low, high, at_least) for low, high in zip(edges, [*edges[1:], None], strict=True)]
        keys, counts = (np.concatenate(column) for column in zip(*parts, strict=True))
        return keys, counts

    def _part(self, low: int, high: int | None, at_least: int) -> Counts:
        """The counts of the n-grams from `low` to below `high`."""
        by_class = [_between(runs, low, high) for runs in self._runs]
        seen = np.concatenate(by_class)
        seen.sort(kind="stable")  # merges sorted pieces
        starts = np.flatnonzero(np.diff(seen, prepend=~seen[:1]))
        often = np.diff(starts, append=len(seen)) >= at_least
        keys = seen[starts[often]]
        counts = [np.searchsorted(one, keys, "right") - np.searchsorted(one, keys) for one in by_class]
        return keys, np.stack(counts, axis=1)


def _between(runs: list[np.ndarray], low: int, high: int | None) -> np.ndarray:
    """The n-grams from `low` to below `high` of sorted runs, ascending."""
    pieces = [
        run[np.searchsorted(run, low) : None if high is None else np.searchsorted(run, high)] for run in runs
    ]
    found = np.concatenate([np.empty(0, np.int64), *pieces])
    found.sort(kind="stable")
    return found
