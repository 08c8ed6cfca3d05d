"""Words after an English negation, which the n-grams take for words of their own.

After Pang, Lee and Vaithyanathan, Thumbs up? (2002): "good" in "not a good film" is another word than "good".
"""

import functools
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import tensorflow as tf

NEGATIONS = (
    "not",
    "n't",
    "cannot",
    "never",
    "no",
    "none",
    "nobody",
    "nothing",
    "nowhere",
    "neither",
    "nor",
    "without",
    "hardly",
    "barely",
    "rarely",
    "lack",
    "lacks",
    "lacked",
    "lacking",
    "fail",
    "fails",
    "failed",
)
"""Tokens of `tokenization.tokens`."""
ENDS = (".", ",", ";", ":", "!", "?", "(", ")", '"', "...", "--", "-")
"""Tokens that end the scope of a negation."""
REACH = 4
"""The number of tokens after a negation in its scope."""

_LEAST_SHARE = 0.01


def negated(row: "tf.Tensor", *, starts: "tf.Tensor", ends: "tf.Tensor") -> "tf.Tensor":
    """Which tokens are in the scope of a negation, bool [M].

    Args:
      row: the text of each of the tokens of several texts in sequence, int64 [M], ascending.
      starts, ends: which of the tokens are in NEGATIONS and in ENDS, bool [M].
    """
    import tensorflow as tf

    # The same number from one token to the next, unless that is of the next text or ends a scope.
    stretch = row + tf.cumsum(tf.cast(ends, tf.int64))
    padded = tf.pad(tf.where(starts, stretch, -1), [[REACH, 0]], constant_values=-1)
    before = [tf.equal(padded[REACH - places : -places], stretch) for places in range(1, REACH + 1)]
    return functools.reduce(tf.logical_or, before)


def are_english(texts: Iterable[str]) -> bool:
    """Whether at least one in a hundred words of the texts is "the"."""
    words = articles = 0
    for text in texts:
        found = text.lower().split()
        words += len(found)
        articles += found.count("the")
    return articles >= max(1, _LEAST_SHARE * words)
