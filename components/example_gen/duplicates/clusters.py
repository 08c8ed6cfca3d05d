"""Clusters of near-duplicate texts by their MinHash sketches, independent of the texts' order."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np

from components.example_gen.duplicates.sketches import matrix

ALIKE = 0.7
"""The minimum share of equal positions in the sketches of near-duplicates: an estimate of the texts' Jaccard
similarity with a standard error of about 0.06.
"""
_BAND = 4
"""Positions per band. Texts with an equal band are compared: 99 of 100 pairs of similarity 0.7."""
_COMPARED = 200
"""The number of texts with an equal band that are all compared; others only with the first."""


def clusters(sketches: Sequence[bytes]) -> list[list[int]]:
    """The clusters of near-duplicates, directly or through others: lists of at least two indexes, ascending.

    Args:
      sketches: those of distinct texts, sorted by a key that does not depend on the order of the input.
    """
    long = [index for index, sketch in enumerate(sketches) if sketch]
    if len(long) < 2:
        return []
    found = matrix([sketches[index] for index in long])
    leader = list(range(len(long)))
    for one, other in _alike(found):
        first, second = sorted((_top(leader, one), _top(leader, other)))
        leader[second] = first
    members: dict[int, list[int]] = defaultdict(list)
    for place in range(len(long)):
        members[_top(leader, place)].append(long[place])
    return [indexes for indexes in members.values() if len(indexes) > 1]


def _top(leader: list[int], place: int) -> int:
    while leader[place] != place:
        leader[place] = leader[leader[place]]
        place = leader[place]
    return place


def _alike(found: np.ndarray) -> Iterator[tuple[int, int]]:
    for start in range(0, found.shape[1], _BAND):
        band = np.ascontiguousarray(found[:, start : start + _BAND])
        _, group = np.unique(band, axis=0, return_inverse=True)
        order = np.argsort(group.ravel(), kind="stable")
        ends = np.flatnonzero(np.diff(group.ravel()[order])) + 1
        for members in np.split(order, ends):
            if len(members) > 1:
                yield from _alike_among(found, members)


def _alike_among(found: np.ndarray, members: np.ndarray) -> Iterator[tuple[int, int]]:
    for at, one in enumerate(members[: _COMPARED if len(members) <= _COMPARED else 1]):
        others = members[at + 1 :]
        equal = (found[others] == found[one]).mean(axis=1) >= ALIKE
        for other in others[equal].tolist():
            yield int(one), other
