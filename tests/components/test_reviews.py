import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from components import reviews


@pytest.mark.parametrize(
    "variant",
    [
        "A fine film. See it!",
        "  a FINE film.\n\nSee\tit! ",
        "A fine film.<br /><br />See it!",
        "A fine<br>film. See it!<br/>",
        "A \N{LATIN SMALL LIGATURE FI}ne film.\N{NO-BREAK SPACE}See it!",
    ],
)
def test_spellings_of_one_review_are_the_same_review(variant):
    assert reviews.normalize(variant) == "a fine film. see it!"


def test_punctuation_tells_reviews_apart():
    assert reviews.normalize("Good!") != reviews.normalize("Good?")


@given(st.text())
def test_a_normalized_text_stays_as_it_is(text):
    normalized = reviews.normalize(text)
    assert reviews.normalize(normalized) == normalized


@given(st.text())
def test_words_are_counted_as_they_are_split(text):
    normalized = reviews.normalize(text)
    assert reviews.count_words(normalized) == len(normalized.split())


@pytest.mark.parametrize(
    ("words", "bucket"),
    [
        (1, "under 125 words"),
        (124, "under 125 words"),
        (125, "125 to 174 words"),
        (174, "125 to 174 words"),
        (175, "175 to 279 words"),
        (279, "175 to 279 words"),
        (280, "280 words or more"),
        (5000, "280 words or more"),
    ],
)
def test_length_buckets_begin_where_their_names_say(words, bucket):
    assert reviews.length_bucket(words) == bucket


def test_an_example_holds_the_text_as_written_and_reads_back():
    text = "Très bon.<br />Really!"
    example = reviews.to_example(text, 1)
    features = example.features.feature
    assert features["words"].int64_list.value == [3]
    assert features["length"].bytes_list.value == [b"under 125 words"]
    assert features["span"].int64_list.value == [0]
    assert reviews.to_example(text, 1, span=7).features.feature["span"].int64_list.value == [7]
    parsed = tf.io.parse_example([example.SerializeToString()], reviews.feature_spec())
    assert parsed["text"].numpy().tolist() == [text.encode()]
    assert parsed["label"].numpy().tolist() == [1]


def test_a_caller_may_bring_the_word_count():
    assert reviews.to_example("a b c", 0, words=3) == reviews.to_example("a b c", 0)


def test_what_utf8_cannot_carry_is_refused():
    with pytest.raises(UnicodeEncodeError):
        reviews.to_example("broken \udcff", 0)
