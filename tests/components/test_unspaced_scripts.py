"""Characters of scripts without spaces between words, in Python and in a graph."""

import pytest
import tensorflow as tf

from components import reviews, unspaced_scripts
from components.embeddings import tokenization

CASES = {
    "这部电影很好看": list("这部电影很好看"),
    "我爱Greenlight的2个版本!": ["我", "爱", "greenlight", "的", "2", "个", "版", "本", "!"],
    "とても面白い。": [*"とても面白い", "。"],
    "か\u3099っかり": ["か\u3099", *"っかり"],
    "หนังดีมาก": ["ห", "นั", "ง", "ดี", "ม", "า", "ก"],
    "𠮷野家": ["𠮷", "野", "家"],
    "film très bien": ["film", "très", "bien"],
    "فيلم رائع": ["فيلم", "رائع"],
    "영화가 좋다": ["영화가", "좋다"],
    "": [],
}


@pytest.mark.parametrize("text", CASES)
def test_each_character_is_a_token_and_words_of_other_scripts_stay(text):
    spaced = unspaced_scripts.with_spaces(text)
    in_a_graph = unspaced_scripts.with_spaces_tf(tf.constant([text])).numpy()[0].decode()
    assert in_a_graph == spaced
    (tokens,) = tokenization.tokens(tf.constant([in_a_graph])).to_list()
    assert [token.decode() for token in tokens] == CASES[text]


def test_a_text_of_other_scripts_is_the_same_object():
    for text in ("a plain film", "très bien", "отличный фильм"):
        assert unspaced_scripts.with_spaces(text) == text


@pytest.mark.parametrize(
    ("text", "words"),
    [("这部电影很好看。", 8), ("a fine film", 3), ("", 0), ("très bien", 2), ("我爱 ny", 3)],
)
def test_words_are_counted_in_every_script(text, words):
    assert reviews.count_words(reviews.normalize(text)) == words


@pytest.mark.parametrize(
    ("texts", "share"),
    [(["这部", "film"], 1 / 3), (["film"], 0), ([], 0), (["123 !"], 0), (["这部电影"], 1)],
)
def test_the_share_of_letters_of_these_scripts(texts, share):
    assert unspaced_scripts.share_of_letters(texts) == pytest.approx(share)
