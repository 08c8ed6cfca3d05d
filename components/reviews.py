"""What a review is: its features, their types, and what makes two reviews the same.

TensorFlow is imported inside the two functions that need it, so that splitting and parsing start without it.
"""

import re
import unicodedata
from bisect import bisect_right
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import tensorflow as tf

TEXT = "text"
"""bytes: the review as it was written, UTF-8."""
LABEL = "label"
"""int64: index into CLASSES, so 1 is positive."""
WORDS = "words"
"""int64: words of the normalized text."""
LENGTH = "length"
"""bytes: one of LENGTHS, the bucket that WORDS falls into; a slice of the evaluation."""
SPAN = "span"
"""int64: number of the span that the review came with; 0 for a source without spans and the packaged base."""

CLASSES = ("negative", "positive")

# The quartiles of the 25,000 packaged reviews are 126, 173 and 281 words, so each bucket holds about a
# quarter.
_CUTS = (125, 175, 280)
LENGTHS = ("under 125 words", "125 to 174 words", "175 to 279 words", "280 words or more")

_LINE_BREAK = re.compile(r"<br\s*/?>")


def normalize(text: str) -> str:
    """The form in which two reviews are compared: equal results mean the same review.

    Unicode NFKC, lower case, `<br />` and every run of white space turned into one space, none at the ends.
    """
    if text.isascii():
        text = text.lower()
    else:
        # Lowering can break a composed form and composing can bring back a capital, hence NFKC on both sides.
        text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).lower())
    return " ".join(_LINE_BREAK.sub(" ", text).split())


def count_words(normalized: str) -> int:
    """Words of a text that `normalize` returned; 0 for the empty text."""
    return normalized.count(" ") + 1 if normalized else 0


def length_bucket(words: int) -> str:
    """The one of LENGTHS that a review of this many words belongs to."""
    return LENGTHS[bisect_right(_CUTS, words)]


def to_example(text: str, label: int, *, words: int | None = None, span: int = 0) -> "tf.train.Example":
    """The tf.Example of one review.

    Args:
      text: the review as written.
      label: 0 (negative) or 1 (positive).
      words: `count_words(normalize(text))`, for a caller who has it already.
      span: number of the span that it came with; 0 for none.

    Raises:
      UnicodeEncodeError: the text holds lone surrogates, which UTF-8 cannot carry.
    """
    import tensorflow as tf

    if words is None:
        words = count_words(normalize(text))
    example = tf.train.Example()
    feature = example.features.feature
    feature[TEXT].bytes_list.value.append(text.encode())
    feature[LABEL].int64_list.value.append(label)
    feature[WORDS].int64_list.value.append(words)
    feature[LENGTH].bytes_list.value.append(length_bucket(words).encode())
    feature[SPAN].int64_list.value.append(span)
    return example


def feature_spec() -> "dict[str, tf.io.FixedLenFeature]":
    """What `tf.io.parse_example` needs to read text (string [N]) and label (int64 [N]) back."""
    import tensorflow as tf

    return {
        TEXT: tf.io.FixedLenFeature([], tf.string),
        LABEL: tf.io.FixedLenFeature([], tf.int64),
    }
