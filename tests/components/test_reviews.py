import unicodedata

import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from components import reviews
from components.unspaced_scripts import with_spaces


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
    assert reviews.count_words(normalized) == len(with_spaces(normalized).split())


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (
            "\N{GREEK SMALL LETTER IOTA WITH DIALYTIKA AND TONOS}",
            "\N{GREEK CAPITAL LETTER IOTA WITH DIALYTIKA}\u0301",
        ),
        ("\N{LATIN SMALL LETTER I}\u0307x", "\N{LATIN CAPITAL LETTER I WITH DOT ABOVE}x"),
        ("\N{KELVIN SIGN}elvin", "kelvin"),
        ("\N{BLACK-LETTER CAPITAL H}ollywood", "hollywood"),
    ],
)
def test_composed_after_lowering_two_spellings_are_the_same_review(one, other):
    assert reviews.normalize(one) == reviews.normalize(other)
    assert reviews.canonical(one) == reviews.canonical(other)


def test_lowering_leaves_no_form_that_composing_would_change():
    """Capital I with a dot lowers to i and a combining dot; with a cedilla before it the order is another."""
    text = reviews.normalize("\N{LATIN CAPITAL LETTER I WITH DOT ABOVE}\N{COMBINING CEDILLA}")
    assert text == unicodedata.normalize("NFKC", text) == "i\N{COMBINING CEDILLA}\N{COMBINING DOT ABOVE}"


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("Rock &amp; Roll", "rock & roll"),
        ("AT&T; and &unknown; stay", "at&t; and &unknown; stay"),
        ("&#8220;Fine&#8221;, it&#x2019;s true", "fine\", it's true"),
        ("a <b>bold</b> film<p class='x'>yes", "a bold film yes"),
        ("2 < 3 <sigh> > 1", "2 < 3 <sigh> > 1"),
        ("<3 this", "<3 this"),
        ("well\N{EM DASH}made -- film", "well-made - film"),
        ("...", "..."),
        ("?!", "?!"),
        ("", ""),
        ("\N{ZERO WIDTH SPACE}", ""),
        ("10/10", "10/10"),
        ("\u597d\u770b\u3002", "\u597d\u770b"),
        ("Stra\N{LATIN SMALL LETTER SHARP S}e", "strasse"),
        ("fine<!-- ad --> film\0", "fine film"),
        (r"It\'s \"fine\".\n\nReally", 'it\'s "fine". really'),
        (r"c:\new \r\nno", r"c:\new no"),
        ('a ""fine"" film, isn\'\'t it', 'a "fine" film, isn\'t it'),
        ("**Fine film**.", "fine film"),
        ("_Fine film_", "fine film"),
        ("[Fine film!]", "fine film"),
        ("> - Fine film", "fine film"),
        ("\N{INVERTED EXCLAMATION MARK}Buena!", "buena"),
        ("fine :)", "fine :)"),
        ("fine (at first) film (then not)", "fine (at first) film (then not)"),
        ("fine ***", "fine ***"),
        ("- ", "-"),
        ("-5 of 10", "-5 of 10"),
    ],
)
def test_the_canonical_form(text, same):
    assert reviews.canonical(text) == same


def test_texts_of_one_canonical_form_have_one_key():
    assert (
        reviews.text_key("Fine film.")
        == reviews.text_key("<p>fine film</p>")
        != reviews.text_key("fine films")
    )
    assert len(reviews.text_key("not UTF-8: \udcff")) == 16


@given(st.text())
def test_what_is_the_same_when_normalized_is_the_same_text(text):
    assert reviews.text_key(reviews.normalize(text)) == reviews.text_key(text)


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


def test_composed_after_folding_two_spellings_are_the_same_text():
    """The narrow Cyrillic o folds to the usual one, which then composes with its diaeresis."""
    narrow, usual = "\N{CYRILLIC SMALL LETTER NARROW O}", "\N{CYRILLIC SMALL LETTER O WITH DIAERESIS}"
    found = reviews.canonical(f"a {narrow}\N{COMBINING DIAERESIS} film")
    assert found == reviews.canonical(f"a {usual} film")
