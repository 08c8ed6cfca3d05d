"""Scripts that put no spaces between words: Chinese, Japanese, Thai, Lao, Khmer and Burmese.

A character of theirs, with the marks on it, counts as a word of its own. Python and TensorFlow (RE2) find the
same characters, since both patterns come from one list of ranges.
"""

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import tensorflow as tf

RANGES = (
    (0x0E01, 0x0E3A),  # Thai
    (0x0E40, 0x0E4E),
    (0x0E81, 0x0ECD),  # Lao
    (0x1000, 0x103F),  # Burmese
    (0x1780, 0x17D3),  # Khmer
    (0x3005, 0x3007),  # ideographs: repetition marks and zero
    (0x3041, 0x309F),  # Hiragana
    (0x30A1, 0x30FA),  # Katakana
    (0x30FC, 0x30FF),
    (0x31F0, 0x31FF),
    (0x3400, 0x4DBF),  # ideographs
    (0x4E00, 0x9FFF),
    (0xF900, 0xFAFF),
    (0xFF66, 0xFF9D),  # Katakana of half width
    (0x20000, 0x323AF),
)
"""First and last code point of each range."""
MARKS = (
    (0x0300, 0x036F),
    (0x0E31, 0x0E31),
    (0x0E34, 0x0E3A),
    (0x0E47, 0x0E4E),
    (0x0EB1, 0x0EB1),
    (0x0EB4, 0x0EBC),
    (0x0EC8, 0x0ECD),
    (0x102B, 0x103E),
    (0x17B6, 0x17D3),
    (0x3099, 0x309A),
)
"""Vowels, tones and other marks that belong to the character before them."""


def _pattern(escape: str) -> str:
    """One character and its marks; `escape` writes a code point."""

    def of(ranges: Iterable[tuple[int, int]]) -> str:
        return "".join(f"{escape.format(first)}-{escape.format(last)}" for first, last in ranges)

    return f"[{of(RANGES)}][{of(MARKS)}]*"


_CHARACTER = re.compile(_pattern(r"\U{:08x}"))
_CHARACTER_RE2 = _pattern(r"\x{{{:x}}}")


def with_spaces(text: str) -> str:
    """The text with each such character between spaces."""
    return text if text.isascii() else _CHARACTER.sub(r" \g<0> ", text)


def with_spaces_tf(text: "tf.Tensor") -> "tf.Tensor":
    """`with_spaces` as an operation of a graph: string [N] -> string [N]."""
    import tensorflow as tf

    return tf.strings.regex_replace(text, _CHARACTER_RE2, r" \0 ")


def share_of_letters(texts: Iterable[str]) -> float:
    """Which share of all letters is of these scripts; 0 without letters."""
    unspaced = letters = 0
    for text in texts:
        unspaced += 0 if text.isascii() else sum(map(len, _CHARACTER.findall(text)))
        letters += sum(map(str.isalpha, text))
    return min(1.0, unspaced / letters) if letters else 0.0
