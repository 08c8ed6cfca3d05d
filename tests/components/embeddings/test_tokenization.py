"""The graph's tokenization against a plain Python one, on any Unicode text."""

import re
import unicodedata

import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from components.embeddings import tokenization

ENDINGS = ("n't", "'s", "'m", "'re", "'ve", "'ll", "'d")
MARKS = ("...", "--")
WHITE_SPACE = " \t\n\f\r\v"


def reference_tokens(text: str) -> list[str]:
    text = "".join(char.lower() if char.isascii() else char for char in text).replace("’", "'")
    text = re.sub(r"<br[ \t\n\f\r]*/?>", " ", text)
    tokens, at, fresh = [], 0, True
    while at < len(text):
        own = own_token_at(text, at)
        if own:
            tokens.append(own)
            at, fresh = at + len(own), True
        elif text[at] in WHITE_SPACE or unicodedata.category(text[at])[0] == "Z":
            at, fresh = at + 1, True
        else:
            if fresh:
                tokens.append("")
            tokens[-1] += text[at]
            at, fresh = at + 1, False
    return tokens


def own_token_at(text: str, at: int) -> str | None:
    for piece in ENDINGS:
        after = text[at + len(piece) : at + len(piece) + 1]
        if text.startswith(piece, at) and not re.match(r"[0-9A-Za-z_]", after):
            return piece
    for piece in MARKS:
        if text.startswith(piece, at):
            return piece
    separates = text[at] in WHITE_SPACE or unicodedata.category(text[at])[0] == "Z"
    return None if separates or unicodedata.category(text[at])[0] in "LMN" else text[at]


def graph_tokens(texts: list[str | bytes]) -> list[list[bytes]]:
    return tokenization.tokens(tf.constant(texts, tf.string)).to_list()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        (" \n\t ", ""),
        ("Don't!", "do n't !"),
        ("It's GREAT<br /><br/>really<BR>so", "it 's great really so"),
        ("I'm we're they've she'll he'd can't", "i 'm we 're they 've she 'll he 'd ca n't"),
        ("Nolan's don’t", "nolan 's do n't"),
        ("'quoted' o'clock", "' quoted ' o ' clock"),
        ("well-made -- 7/10 ...", "well - made -- 7 / 10 ..."),
        ("wait.....", "wait ... . ."),
        ("café naïve Ünï\u00a0x cafe\u0301", "café naïve Ünï x cafe\u0301"),
        ("他说：好 😀", "他说 ： 好 😀"),
        ("snake_case", "snake _ case"),
    ],
)
def test_tokens_of(text, expected):
    assert graph_tokens([text]) == [[token.encode() for token in expected.split()]]
    assert reference_tokens(text) == expected.split()


# Characters that Unicode 3.2 knew: newer ones may be letters to Python and nothing yet to RE2, or the other
# way round.
KNOWN = st.characters(exclude_categories=["Cs"]).filter(
    lambda char: unicodedata.ucd_3_2_0.category(char) != "Cn"
)
PIECES = st.sampled_from(
    [*ENDINGS, *MARKS, "<br />", "<BR/>", "’", "'", "n", ".", "-", " ", "\u00a0", "\x00", "É"]
)
TEXTS = st.lists(st.one_of(KNOWN, PIECES), max_size=30).map("".join)


@settings(max_examples=150, deadline=None)
@given(st.lists(TEXTS, min_size=1, max_size=20))
def test_the_graph_agrees_with_the_reference(texts):
    assert graph_tokens(texts) == [[token.encode() for token in reference_tokens(text)] for text in texts]


def test_real_reviews_agree_with_the_reference(packaged_reviews):
    texts = [text for text, _ in packaged_reviews[:300]]
    assert graph_tokens(texts) == [[token.encode() for token in reference_tokens(text)] for text in texts]


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=60))
def test_bytes_that_are_not_utf8_do_no_harm(junk):
    assert graph_tokens([b"good " + junk + b" end"])[0][:1] == [b"good"]


def test_no_texts_give_no_rows():
    assert tokenization.tokens(tf.constant([], tf.string)).shape[0] == 0
