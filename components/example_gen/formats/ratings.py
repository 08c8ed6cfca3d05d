"""Ratings and sentiment words: the meaning of labels of neither class."""

import re
from collections.abc import Iterable
from typing import Literal

ClassName = Literal["negative", "positive"]

_NUMBER = r"[+-]?[0-9]+(?:[.,][0-9]+)?"
_THOUSANDS = re.compile(r"[+-]?[1-9][0-9]{0,2}(?:,[0-9]{3})+")
_RATING = re.compile(
    rf"({_NUMBER})\s*(?:%|\*|stars?|points?|pts?|(?:/|of|out of)\s*[0-9]+(?:\s*(?:stars?|points?))?)?"
)
_STARS = re.compile(r"([\u2605\u2b50*]+)\ufe0f?\u2606*")
_GRADED = re.compile(r".+[ _-](neg|pos)(?:ative|itive)?")
_MOST_DIGITS = 20
_BETWEEN = frozenset({"neutral", "neu", "mixed", "unknown", "unsure", "none"})
_NEGATIVE_WORDS = frozenset(
    {"negative", "no", "n", "bad", "poor", "sad", "unhappy", "rotten", "dislike", "hate", "down",
     "thumbs down", "fail", "not recommended", "unfavorable", "-", "\U0001f44e", "\U0001f641",
     "\u2639", "\u2639\ufe0f"}
)  # fmt: skip
_POSITIVE_WORDS = frozenset(
    {"positive", "yes", "y", "p", "good", "great", "happy", "fresh", "like", "love", "up", "thumbs up",
     "pass", "recommended", "favorable", "+", "\U0001f44d", "\U0001f642", "\u263a", "\u263a\ufe0f"}
)  # fmt: skip


def rating(label: str) -> float | None:
    """The rating in a label; None if there is none.

    >>> rating("4"), rating("4 stars"), rating("7/10"), rating("80%"), rating("\\u2605\\u2606"), rating("bad")
    (4.0, 4.0, 7.0, 80.0, 1.0, None)
    """
    if stars := _STARS.fullmatch(label):
        return float(len(stars[1]))
    found = _RATING.fullmatch(label)
    if found is None or len(found[1]) >= _MOST_DIGITS:
        return None
    return float(without_thousands(found[1]).replace(",", "."))


def without_thousands(number: str) -> str:
    """The number without thousands separators; any other text unchanged.

    >>> without_thousands("1,000"), without_thousands("1,0"), without_thousands("0,000")
    ('1000', '1,0', '0,000')
    """
    return number.replace(",", "") if _THOUSANDS.fullmatch(number) else number


def is_step(label: str) -> bool:
    """Whether a label of neither class is a step of a scale.

    >>> is_step("2"), is_step("neutral"), is_step("very positive"), is_step("maybe")
    (True, True, True, False)
    """
    return rating(label) is not None or label in _BETWEEN or _graded(label) is not None


def class_of_word(label: str) -> ClassName | None:
    """The class of a word; None for an unknown word.

    >>> class_of_word("rotten"), class_of_word("somewhat positive"), class_of_word("spam")
    ('negative', 'positive', None)
    """
    if label in _NEGATIVE_WORDS:
        return "negative"
    return "positive" if label in _POSITIVE_WORDS else _graded(label)


def mapping_of_words(labels: Iterable[str]) -> dict[str, ClassName]:
    """The labels with a known class, if there are some of both classes; otherwise empty."""
    known = {label: name for label in labels if (name := class_of_word(label))}
    return known if len(set(known.values())) > 1 else {}


def _graded(label: str) -> ClassName | None:
    found = _GRADED.fullmatch(label)
    if found is None:
        return None
    return "negative" if found[1] == "neg" else "positive"
