"""Words after an English negation, which are words of their own to the n-grams."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from components.embeddings import tokenization
from components.embeddings.settings import EmbeddingSettings
from components.reviews import CLASSES
from components.trainer.classifier import ngrams, signatures
from components.trainer.negation import ENDS, NEGATIONS, REACH, are_english
from components.trainer.preparation import prepare
from components.trainer.settings import TrainerSettings

SETTINGS = TrainerSettings(epochs=1, batch_size=64, hidden_units=(4,))
NO_EMBEDDING = EmbeddingSettings(name="none")


def negated(*texts: str) -> list[list[str]]:
    """The tokens of each text that have another hash than without negations."""
    text = tf.constant(texts, tf.string)
    tokens = tokenization.tokens(text).to_list()
    with_, without = (ngrams.hashes(text, order=1, negation=asked).to_list() for asked in (True, False))
    return [
        [token.decode() for token, one, other in zip(*of_text, strict=True) if one != other]
        for of_text in zip(tokens, with_, without, strict=True)
    ]


def scope_of(tokens: list[str]) -> list[str]:
    """The same in plain Python."""
    found, left = [], 0
    for token in tokens:
        left = 0 if token in ENDS else left
        found += [token] if left else []
        left = REACH if token in NEGATIONS else max(0, left - 1)
    return found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a good film", []),
        ("This isn't good.", ["good"]),
        ("It is NOT good, but fun", ["good"]),
        ("not one two three four five six", ["one", "two", "three", "four"]),
        ("no, good", []),
        ("never not good", ["not", "good"]),
        ("not a film, not good. Great", ["a", "film", "good"]),
        ("a knot of notes", []),
        ("good not", []),
        ("", []),
    ],
)
def test_a_negation_reaches_a_few_words_up_to_punctuation(text, expected):
    assert negated(text) == [expected]


def test_every_negation_starts_a_scope_and_every_end_ends_it():
    """The hashes of the tokens do not displace each other in the table that finds them."""
    assert negated(*(f"{token} good" for token in NEGATIONS)) == [["good"]] * len(NEGATIONS)
    assert negated(*(f"not {token} good" for token in ENDS)) == [[]] * len(ENDS)


def test_the_scope_ends_with_the_text():
    assert negated("it was not", "good", "", "nothing", "new") == [[], [], [], [], []]
    assert ngrams.hashes(tf.constant([], tf.string), order=3, negation=True).shape[0] == 0


def test_the_scope_in_reviews_is_that_of_the_plain_reference(packaged_reviews):
    texts = [text for text, _ in packaged_reviews[:200]]
    tokens = tokenization.tokens(tf.constant(texts)).to_list()
    expected = [scope_of([token.decode("utf-8") for token in of_text]) for of_text in tokens]
    assert sum(map(len, expected)) > 1_000
    assert negated(*texts) == expected


def test_longer_n_grams_are_of_the_same_words():
    (mixed,), (plain,) = (
        ngrams.hashes(tf.constant([text]), order=2, negation=True).to_list()
        for text in ("not good film", "good film")
    )
    assert not set(mixed) & set(plain)
    (again,) = ngrams.hashes(tf.constant(["hardly good film"]), order=2, negation=True).to_list()
    assert len(set(mixed) & set(again)) == 3  # good, good film, film


def test_hashes_after_a_negation_never_change():
    (grams,) = ngrams.hashes(tf.constant(["not good"]), order=2, negation=True).to_list()
    assert grams == [-3446045292463555760, -4646714050008021366, 1505076424208197882]


@pytest.mark.parametrize(
    ("text", "english"),
    [
        ("The film is the best of the year", True),
        ("Der Film war die Not nicht wert, never again", False),
        ("No cinema, no Brasil, o filme não é bom", False),
        ("Esta película no es buena, no me gustó nada", False),
        ("这部电影很好看", False),
        ("", False),
    ],
)
def test_english_is_told_by_its_article(text, english):
    assert are_english([text]) is english


def test_reviews_are_english(packaged_reviews):
    assert are_english(text for text, _ in packaged_reviews[:100])
    assert not are_english([])


@pytest.fixture
def prepared_with(write_split, cache_dir):
    def make(rows, *, classes=CLASSES, **settings):
        files = {"train_files": [write_split(rows)], "eval_files": [write_split(rows[:20])]}
        return prepare(
            SETTINGS.model_copy(update=settings),
            NO_EMBEDDING,
            cache_dir=cache_dir,
            judged_split="test",
            classes=classes,
            **files,
        )

    return make


@pytest.mark.parametrize("memory_examples", [1000, 0])
def test_the_setting_decides_and_auto_goes_by_the_texts(prepared_with, packaged_reviews, memory_examples):
    def vocabulary(rows, **settings):
        prepared = prepared_with(rows, memory_examples=memory_examples, refit=True, **settings)
        assert prepared.vocabulary.negation is prepared.vocabulary_of_both.negation
        assert prepared.vocabulary.ending == prepared.vocabulary_of_both.ending
        return prepared.vocabulary

    english, other = packaged_reviews[:100], [("o filme no cinema", 1), ("nada no filme", 0)] * 20
    assert vocabulary(english).negation and not vocabulary(other).negation
    assert (vocabulary(english).ending, vocabulary(other).ending) == (15, 0)
    of_three = vocabulary(english, classes=("bad", "so-so", "good"))
    assert (of_three.negation, of_three.ending) == (False, 0)
    asked = vocabulary(other, ngram_ending=7, classes=("bad", "so-so", "good"))
    assert asked.ending == 7
    assert vocabulary(other, ngram_negation=True).negation
    off = vocabulary(english, ngram_negation=False)
    assert not off.negation and len(off) != len(vocabulary(english))


def test_texts_without_a_negation_have_the_same_vocabulary(prepared_with):
    rows = [("a good film", 1), ("a bad film", 0)] * 20
    on, off = (prepared_with(rows, ngram_negation=asked).vocabulary for asked in (True, False))
    np.testing.assert_array_equal(on.keys, off.keys)
    np.testing.assert_array_equal(on.values, off.values)


def test_the_exported_model_marks_the_same_words(prepared_with, tmp_path):
    """Only the word after the negation tells these apart."""
    rows = [("a film that is not good", 0), ("not a film : it is good", 1)] * 40
    prepared = prepared_with(rows, ngram_negation=True, ngram_order=1)
    classifier = prepared.fresh_classifier(SETTINGS)
    classifier.ngrams.weight.assign(np.ones(len(prepared.vocabulary)))
    signatures.export(classifier, tmp_path / "model")
    answer = tf.saved_model.load(str(tmp_path / "model")).signatures["serving_default"]
    texts = tf.constant([text for text, _ in rows[:2]])
    found = answer(text=texts)["probability"].numpy()
    np.testing.assert_allclose(found, classifier.probability(texts), atol=1e-6)
    assert found[0] < 0.5 < found[1]


def test_n_grams_taught_by_fewer_examples_stay_marked():
    """The vocabularies of a refit and of cross-fitting are made from another."""
    many = ngrams.Vocabulary(np.array([2, 4]), np.ones(2, np.float32), 3, negation=True)
    few = ngrams.Vocabulary(np.array([2]), np.ones(1, np.float32), 3, negation=True)
    assert few.values_for(many).negation
    assert not few.values_for(dataclasses.replace(many, negation=False)).negation
