"""The draws of the study of few labels: which examples of a source are the labeled ones."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from components.errors import InputError

if TYPE_CHECKING:
    import numpy as np

    from components.example_gen.beam_steps import Row


@dataclasses.dataclass(frozen=True)
class LabeledTexts:
    """N texts, and their labels, int [N], 0 or 1."""

    texts: Sequence[str]
    labels: np.ndarray

    def __len__(self) -> int:
        return len(self.texts)


@dataclasses.dataclass(frozen=True)
class Draw:
    """The examples of one draw: `train` for the fit, `evaluation` for early stopping and calibration."""

    number: int
    train: Sequence[Row]
    evaluation: Sequence[Row]

    @property
    def labels(self) -> int:
        return len(self.train) + len(self.evaluation)

    @property
    def rows(self) -> list[Row]:
        return [*self.train, *self.evaluation]


def draws(
    rows: Sequence[Row], sizes: Sequence[int], *, count: int, seed: int, train_share: float
) -> Iterator[Draw]:
    """`count` draws of each size, the smallest size first.

    A draw is nested: its larger sizes contain its smaller ones. Draws depend on the seed and on the order of
    `rows` alone.

    Args:
      train_share: the share of `train` in each draw; train and evaluation have at least one example each.
    """
    import numpy as np

    orders = [np.random.default_rng([seed, number]).permutation(len(rows)) for number in range(count)]
    for size in sizes:
        fitted = min(max(1, round(size * train_share)), size - 1)
        for number, order in enumerate(orders, start=1):
            drawn = [rows[row] for row in order[:size]]
            yield Draw(number, drawn[:fitted], drawn[fitted:])


def fitting_sizes(sizes: Sequence[int], available: int) -> tuple[list[int], list[int]]:
    """The distinct sizes in ascending order: those that `available` examples allow, and the others.

    Raises:
      InputError: they allow none.
    """
    ordered = sorted(set(sizes))
    fitting = [size for size in ordered if size <= available]
    if not fitting:
        raise InputError(
            f"The study draws from the {available:,} examples of train and eval, fewer than the smallest of "
            f"--sizes, {ordered[0]:,}. Give more data, or smaller sizes."
        )
    return fitting, ordered[len(fitting) :]


def parsed(rows: Sequence[Row]) -> LabeledTexts:
    """The texts and the labels of rows; bytes that are not UTF-8 are replaced."""
    import tensorflow as tf

    from components import reviews

    examples = tf.io.parse_example([row.example for row in rows], reviews.feature_spec())
    texts = [text.decode("utf-8", "replace") for text in examples[reviews.TEXT].numpy()]
    return LabeledTexts(texts, examples[reviews.LABEL].numpy())


def require_both_classes(labels: np.ndarray, draw: Draw, names: Sequence[str]) -> None:
    """Raises InputError where all examples of a draw have one label."""
    if labels.min() == labels.max():
        raise InputError(
            f"All {len(labels):,} examples of draw {draw.number} are {names[int(labels[0])]}: there is "
            "nothing to learn from them. Draw more labels (--sizes)."
        )
