"""Clusters of near-duplicate texts by their MinHash sketches, independent of the texts' order.

Locality-sensitive hashing: texts with an equal band of their sketches are candidates, and candidates with
enough equal positions are near-duplicates. The first step needs a few bytes of each text and can be divided
among workers; only the second one needs whole sketches, and those of candidates alone.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from components.example_gen.duplicates.sketches import matrix

MIN_SIMILARITY = 0.7
"""The minimum share of equal positions in the sketches of near-duplicates: an estimate of the texts' Jaccard
similarity with a standard error of about 0.06.
"""
_BAND = 4
"""Positions per band. Texts with an equal band are compared: 99 of 100 pairs of similarity 0.7."""
_MOST_PAIRWISE = 200
"""Up to so many candidates of a band, all pairs are compared; of more, each candidate with the first only."""
_FIRST, _SECOND = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F)


def bands(sketches: Sequence[bytes]) -> np.ndarray:
    """A hash of each band of N sketches, none of them empty: uint64 [N, 16]."""
    halves = matrix(sketches).view("<u8").reshape(len(sketches), -1, _BAND // 2)
    return (halves[:, :, 0] * _FIRST + halves[:, :, 1]) * _SECOND


def candidates(ids: np.ndarray, hashes: np.ndarray) -> Iterator[list[int]]:
    """The ids of different texts with an equal hash: lists of at least two, ascending.

    Args:
      ids: int64 [N], equal for copies of a text.
      hashes: uint64 [N], those of one band.
    """
    order = np.lexsort((ids, hashes))
    ids, hashes = ids[order], hashes[order]
    copies = np.zeros(len(ids), bool)
    copies[1:] = (ids[1:] == ids[:-1]) & (hashes[1:] == hashes[:-1])
    ids, hashes = ids[~copies], hashes[~copies]
    starts = np.flatnonzero(np.diff(hashes, prepend=~hashes[:1]))
    ends = np.append(starts[1:], len(hashes))
    for start, end in zip(starts[ends - starts > 1], ends[ends - starts > 1], strict=True):
        yield ids[start:end].tolist()


def all_candidates(sketches: Sequence[bytes]) -> Iterator[list[int]]:
    """The candidates among texts in memory, as lists of their indexes; empty sketches have none."""
    long = np.array([index for index, sketch in enumerate(sketches) if sketch], np.int64)
    if not len(long):
        return
    for hashes in bands([sketches[index] for index in long]).T:
        yield from candidates(long, hashes)


def clusters(sketches: Sequence[bytes], candidate_lists: Iterable[Sequence[int]]) -> list[list[int]]:
    """The connected components of near-duplicates: lists of at least two indexes, ascending.

    Args:
      sketches: those of distinct texts, sorted by a key that does not depend on the order of the input.
      candidate_lists: the indexes of texts to compare, each list ascending.
    """
    parents = list(range(len(sketches)))  # a disjoint-set forest
    for indexes in candidate_lists:
        for one, other in _near_duplicates(indexes, matrix([sketches[index] for index in indexes])):
            first, second = sorted((_root(parents, one), _root(parents, other)))
            parents[second] = first
    members: dict[int, list[int]] = defaultdict(list)
    for index in range(len(sketches)):
        members[_root(parents, index)].append(index)
    return [found for found in members.values() if len(found) > 1]


def _root(parents: list[int], index: int) -> int:
    """The root of the tree of an index; halves the path to it."""
    while parents[index] != index:
        parents[index] = parents[parents[index]]
        index = parents[index]
    return index


def _near_duplicates(indexes: Sequence[int], found: np.ndarray) -> Iterator[tuple[int, int]]:
    """Pairs of indexes, int [M], whose sketches, uint32 [M, 64], have enough equal positions."""
    for at, one in enumerate(indexes[: _MOST_PAIRWISE if len(indexes) <= _MOST_PAIRWISE else 1]):
        equal = (found[at + 1 :] == found[at]).mean(axis=1) >= MIN_SIMILARITY
        for offset in np.flatnonzero(equal).tolist():
            yield one, indexes[at + 1 + offset]
