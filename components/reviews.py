"""Examples of the pipeline: their features and types, text normalization, and equality of texts.

TensorFlow is imported inside the two functions that need it, so that splitting and parsing start without it.
"""

import hashlib
import html
import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterable
from typing import TYPE_CHECKING

from components.unspaced_scripts import with_spaces

if TYPE_CHECKING:
    import tensorflow as tf

TEXT = "text"
"""bytes: the text as it was written, UTF-8."""
LABEL = "label"
"""int64: index into CLASSES, so 1 is positive."""
WORDS = "words"
"""int64: words of the normalized text."""
LENGTH = "length"
"""bytes: one of LENGTHS, the bucket that WORDS falls into; a slice of the evaluation."""
SPAN = "span"
"""int64: number of the span that the text came with; 0 for a source without spans and the packaged base."""

OWN_FEATURES = (TEXT, LABEL, WORDS, LENGTH, SPAN)
"""The features of every example; those of `data.slice_columns` are called otherwise."""

CLASSES = ("negative", "positive")

# The quartiles of the 25,000 packaged reviews are 126, 173 and 281 words, so each bucket holds about a
# quarter.
_CUTS = (125, 175, 280)
LENGTHS = ("under 125 words", "125 to 174 words", "175 to 279 words", "280 words or more")

_LINE_BREAK = re.compile(r"<br\s*/?>")
_ENTITY = re.compile(r"&(?:#\d{1,7}|#x[0-9a-f]{1,6}|[a-z][a-z0-9]{1,30});", re.IGNORECASE)
_TAG = re.compile(
    r"</?(?:a|abbr|b|big|blockquote|br|center|cite|code|dd|del|div|dl|dt|em|font|h[1-6]|hr|i|img|ins|li|ol|p|pre"
    r"|q|s|small|span|strike|strong|sub|sup|table|tbody|td|th|thead|tr|tt|u|ul)(?:\s[^<>]*)?/?>",
    re.IGNORECASE,
)
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1b\x7f]")
_ESCAPED_BREAK = re.compile(r"""(?<=[\s.!?,;"'])(?:\\[rn])+|(?:\\[rn])+(?![a-z])""")
"""Not `c:\\new`."""
_ESCAPED_QUOTE = re.compile(r"""\\+(['"])""")
_REPEATED_QUOTE = re.compile(r"""(['"])\1+""")
_WRAPPED = re.compile(r"(\*{1,3}|_{1,3}|~~)(\S.*\S)\1", re.DOTALL)
_BRACKETED = re.compile(r"[(\[{]([^()\[\]{}]*)[)\]}]")
_BULLET = re.compile(r"(?:[-*\u2022>]+ )+")
_DASH = re.compile(r"[\u2010-\u2015\u2212\ufe58]")
_HYPHENS = re.compile(r"--+")
_INVISIBLE = re.compile(r"[\u034f\u180b-\u180d\ufe00-\ufe0f]")
"""Joiners and selectors of variants; what Unicode calls formatting (Cf) comes on top."""
_SINGLE_QUOTES = re.compile("[\u2018\u2019\u201a\u201b\u2032\u2035\u00b4\u02bc\u2039\u203a]")
_DOUBLE_QUOTES = re.compile("[\u201c\u201d\u201e\u201f\u2033\u2036\u00ab\u00bb\u301d\u301e]")
_AROUND = " .,;:!?'\"\u2026\u3002\u3001\u00a1\u00bf"
"""What may stand around a text without making it another one."""


def normalize(text: str) -> str:
    """The form in which two texts are compared: equal results mean the same text.

    Unicode NFKC, lower case, `<br />` and every run of white space turned into one space, none at the ends.
    """
    if text.isascii():
        text = text.lower()
    else:
        # Lowering can break a composed form and composing can bring back a capital, hence NFKC on both sides.
        text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).lower())
    return one_line(text)


def one_line(text: str) -> str:
    """The text with `<br />` and every run of white space turned into one space, none at the ends."""
    return " ".join(_LINE_BREAK.sub(" ", text).split())


def canonical(text: str) -> str:
    """The form in which a person would call two texts the same, however they were copied.

    Beyond `normalize`: HTML entities are resolved; tags, comments and invisible characters (zero-width ones,
    byte order marks, soft hyphens, control characters) are dropped; curly quotes and all dashes are plain
    ones; escapes (of quotes and line breaks) are what they mean; quotes, punctuation, brackets and emphasis
    around the text do not count, nor a bullet before it, except in a text that is nothing else. Splits are
    still drawn by `normalize`, so that examples stay where they were: see
    `components/example_gen/duplicates/groups.py`.
    """
    # Most texts have no comment, control character, escape or repeated quote: a search for each costs more.
    text = _without_entities(text)
    if "<!--" in text:
        text = _COMMENT.sub(" ", text)
    text = normalize(_TAG.sub(" ", text))
    if not text.isprintable():
        text = " ".join(_CONTROL.sub("", text).split())
    text = _without_escapes(text).replace("`", "'")
    if not text.isascii():
        text = _without_formatting(_with_plain_quotes(text))
        # What was between two characters may have kept them from being one.
        text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
        text = _DASH.sub("-", " ".join(_with_plain_quotes(text).split()))
    text = _HYPHENS.sub("-", text)
    if "''" in text or '""' in text:
        text = _REPEATED_QUOTE.sub(r"\1", text)
    return _unwrapped(text) or text


def _unwrapped(text: str) -> str:
    """The text without what surrounds it; a bracket or star at one end alone may be a smiley or a rating."""
    text = _BULLET.sub("", text, count=1) if _BULLET.match(text) else text
    bare = text.strip(_AROUND)
    if wrapped := _WRAPPED.fullmatch(bare) or _BRACKETED.fullmatch(bare):
        bare = wrapped[wrapped.lastindex or 0].strip(_AROUND)
    return bare


def _without_escapes(text: str) -> str:
    if "\\" not in text:
        return text
    return " ".join(_ESCAPED_QUOTE.sub(r"\1", _ESCAPED_BREAK.sub(" ", text)).split())


def _with_plain_quotes(text: str) -> str:
    return _DOUBLE_QUOTES.sub('"', _SINGLE_QUOTES.sub("'", text))


def _without_formatting(text: str) -> str:
    text = _INVISIBLE.sub("", text)
    for char in set(text):
        if not char.isascii() and unicodedata.category(char) == "Cf":
            text = text.replace(char, "")
    return text


def _without_entities(text: str) -> str:
    for _ in range(3):  # exported twice, `&` is `&amp;amp;`
        if "&" not in text or (resolved := _ENTITY.sub(lambda found: html.unescape(found[0]), text)) == text:
            break
        text = resolved
    return text


def text_key(text: str) -> bytes:
    """16 bytes that are equal for two texts that `canonical` makes equal.

    Bytes that were not UTF-8, as surrogates, are hashed as they are.
    """
    return canonical_key(canonical(text))


def canonical_key(text: str) -> bytes:
    """The `text_key` of a text that `canonical` returned."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def count_words(normalized: str) -> int:
    """Words of a text that `normalize` returned; 0 for the empty text.

    A character of a script without spaces between words, such as Chinese, counts as one.
    """
    spaced = with_spaces(normalized)
    if spaced is not normalized:
        return len(spaced.split())
    return normalized.count(" ") + 1 if normalized else 0


def length_bucket(words: int) -> str:
    """The one of LENGTHS that a text of this many words belongs to."""
    return LENGTHS[bisect_right(_CUTS, words)]


def to_example(
    text: str,
    label: int,
    *,
    words: int | None = None,
    span: int = 0,
    slices: Iterable[tuple[str, str]] = (),
) -> "tf.train.Example":
    """The tf.Example of one text.

    Args:
      text: the text as written.
      label: 0 (negative) or 1 (positive).
      words: `count_words(normalize(text))`, for a caller who has it already.
      span: number of the span that it came with; 0 for none.
      slices: the columns of `data.slice_columns` with their values, "" for a missing one; bytes features.

    Raises:
      UnicodeEncodeError: the text or a value holds lone surrogates, which UTF-8 cannot carry.
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
    for name, value in slices:
        feature[name].bytes_list.value.append(value.encode())
    return example


def feature_spec() -> "dict[str, tf.io.FixedLenFeature]":
    """What `tf.io.parse_example` needs to read text (string [N]) and label (int64 [N]) back."""
    import tensorflow as tf

    return {
        TEXT: tf.io.FixedLenFeature([], tf.string),
        LABEL: tf.io.FixedLenFeature([], tf.int64),
    }
