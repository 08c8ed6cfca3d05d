"""Coverage of the texts' words by the embedding's vocabulary, by script."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Container, Iterable
from dataclasses import dataclass
from typing import Any

_WITHOUT_SPACES = {"CJK", "HIRAGANA", "KATAKANA", "THAI", "LAO", "KHMER", "MYANMAR"}
"""Scripts whose words no space separates."""
_MODULES = {
    "CJK": "https://tfhub.dev/google/nnlm-zh-dim50/2",
    "HIRAGANA": "https://tfhub.dev/google/nnlm-ja-dim50/2",
    "KATAKANA": "https://tfhub.dev/google/nnlm-ja-dim50/2",
    "HANGUL": "https://tfhub.dev/google/nnlm-ko-dim50/2",
    "LATIN": "https://tfhub.dev/google/nnlm-de-dim50/2 or nnlm-es-dim50/2",
}
_SYMBOLS = "symbols"
_FEWEST = 50
"""Words without which nothing is said."""


@dataclass(frozen=True)
class KnownWords:
    """Tokens of a sample of texts, those of punctuation alone and numbers left out."""

    words: int
    known: int
    by_script: dict[str, tuple[int, int]]
    """Words and known words of each script, such as LATIN or CJK, the most frequent one first; emoji are
    "symbols".
    """

    @property
    def share(self) -> float | None:
        """None where there are too few words to tell."""
        return self.known / self.words if self.words >= _FEWEST else None

    def to_json(self) -> dict[str, Any]:
        scripts = {name: {"words": words, "known": known} for name, (words, known) in self.by_script.items()}
        return {"words": self.words, "known": self.known, "share": self.share, "scripts": scripts}


def known_words(tokens: Iterable[str], vocabulary: Container[str]) -> KnownWords:
    """Counts tokens as the embedding makes them."""
    words: Counter[str] = Counter()
    known: Counter[str] = Counter()
    for token, count in Counter(tokens).items():
        if (script := script_of(token)) is not None:
            words[script] += count
            known[script] += count * (token in vocabulary)
    by_script = {script: (count, known[script]) for script, count in words.most_common()}
    return KnownWords(words.total(), known.total(), by_script)


def script_of(token: str) -> str | None:
    """By the first character that is no digit, mark or punctuation; None where there is none.

    >>> script_of("film"), script_of("\N{CJK UNIFIED IDEOGRAPH-597D}"), script_of("..."), script_of("1990")
    ('LATIN', 'CJK', None, None)
    """
    for char in token:
        category = unicodedata.category(char)
        if category[0] == "L":
            return unicodedata.name(char, "UNKNOWN").split()[0].removesuffix("-HALFWIDTH")
        if category == "So":
            return _SYMBOLS
    return None


def unknown_language(found: KnownWords, *, embedding: str, fewest: float) -> str | None:
    """What is wrong where the embedding knows too few of the words; None where it knows enough.

    Args:
      embedding: its name.
      fewest: share of the words that it has to know.
    """
    if found.share is None or found.share >= fewest:
        return None
    script = next(iter(found.by_script))
    return (
        f"text: the embedding {embedding} knows {found.share:.1%} of the words, fewer than the "
        f"{fewest:.1%} of check.min_known_words. It is made from English; {_described(script)}. "
        f"{_remedy(script)}, or train on the n-grams alone with embedding.name=none"
    )


def _described(script: str) -> str:
    if script == _SYMBOLS:
        return "these texts are made of emoji and other symbols"
    written = f"most words of these texts are written in {script.capitalize() if script != 'CJK' else script}"
    return f"{written}, without spaces between them" if script in _WITHOUT_SPACES else written


def _remedy(script: str) -> str:
    if script == _SYMBOLS:
        return "See that data.text_column names the column of the text"
    module = _MODULES.get(script, "the folder of a multilingual TF Hub module")
    wrong = "See that it is text and not encoded data; " if script == "LATIN" else ""
    remedy = f"{wrong}set embedding.name to one made for the language, such as {module}"
    return remedy[0].upper() + remedy[1:]
