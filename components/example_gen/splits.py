"""The split of an example: a pure function of its normalized text, the salt and the weights.

A text is hashed to a point in [0, 1), which is divided into intervals for the splits, in proportion to their
weights. Equal texts have equal points, so duplicates are never in different splits, and neither the order of
the input nor the number of workers matters. Weights that keep a split's interval keep its examples:
15000/5000/5000 and 15000/10000/0 have the same train split.

The default salt of `DataSettings` is the smallest whole number under which the 25,000 packaged reviews fall
into exactly 15,000 train, 5,000 eval and 5,000 test examples. It was found by counting, before any model saw
a split; `tests/components/example_gen/test_splits.py` counts again.
"""

from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from itertools import accumulate

from components.example_gen.settings import DataSettings

_HALF = 8
_RANGE_BITS = 8 * _HALF


def digest(normalized: str, *, salt: str) -> bytes:
    """16 bytes for a text that `reviews.normalize` returned: 8 of the point, 8 of the rank."""
    # The salt comes last, so that a search for a salt hashes each text only once.
    return blake2b(normalized.encode() + b"\0" + salt.encode(), digest_size=2 * _HALF).digest()


def rank(digested: bytes) -> bytes:
    """The order in which `limit` takes texts; independent of the point, so that a few are in all splits."""
    return digested[_HALF:]


@dataclass(frozen=True)
class Splitter:
    """Splits and their weights, in the order of their intervals; weights are positive."""

    weights: tuple[tuple[str, int], ...]

    @cached_property
    def _ends(self) -> list[int]:
        return list(accumulate(weight for _, weight in self.weights))

    def position(self, digested: bytes) -> int:
        """The point as an integer in [0, total weight)."""
        return int.from_bytes(digested[:_HALF], "big") * self._ends[-1] >> _RANGE_BITS

    def split_of(self, digested: bytes) -> str:
        """The name of the split that a digested text belongs to."""
        return self.weights[bisect_right(self._ends, self.position(digested))][0]


def splitter(settings: DataSettings) -> Splitter:
    """The splits that examples without a fixed split are assigned to.

    TFDS has its own `test` split, so its train examples are assigned to `train` and `eval` only.
    """
    weights = {"train": settings.train_weight, "eval": settings.eval_weight, "test": settings.test_weight}
    if settings.kind == "tfds":
        del weights["test"]
    return Splitter(tuple((name, weight) for name, weight in weights.items() if weight))
