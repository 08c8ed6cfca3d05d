"""MinHash sketches of texts over word 3-grams, which estimate Jaccard similarity."""

import zlib
from collections.abc import Sequence
from functools import cache

import numpy as np
from datasketch import MinHash

from components.unspaced_scripts import with_spaces

FEWEST_WORDS = 10
"""The minimum number of words of a text with a sketch; in shorter texts, one word makes a difference."""
_PERMUTATIONS = 64
_SCHEME = "affine32"
_FIRST, _SECOND = np.uint32(0x9E3779B1), np.uint32(0x85EBCA77)


def sketch(canonical: str) -> bytes:
    """The MinHash of a text that `reviews.canonical` returned, uint32 [64]; empty for a short text."""
    words = with_spaces(canonical).split()
    if len(words) < FEWEST_WORDS:
        return b""
    found = MinHash(_PERMUTATIONS, hashfunc=int, permutations=_permutations(), scheme=_SCHEME)
    found.update_batch(_trigrams(words))
    return found.digest().astype("<u4").tobytes()


def matrix(sketches: Sequence[bytes]) -> np.ndarray:
    """The sketches as uint32 [N, 64]; none may be empty."""
    return np.frombuffer(b"".join(sketches), dtype="<u4").reshape(len(sketches), _PERMUTATIONS)


def _trigrams(words: list[str]) -> np.ndarray:
    """uint32 [M], a hash of each distinct word 3-gram."""
    hashed = np.array([zlib.crc32(word.encode("utf-8", "surrogatepass")) for word in words], dtype=np.uint32)
    return np.unique((hashed[:-2] * _FIRST + hashed[1:-1]) * _SECOND + hashed[2:])


@cache
def _permutations() -> np.ndarray:
    return MinHash(_PERMUTATIONS, scheme=_SCHEME).permutations
