import math

import numpy as np
import pytest
import tensorflow as tf

from components.trainer.classifier import ngrams
from components.trainer.classifier.ngram_tally import NgramTally


def hashed(*texts: str, order: int = 3) -> list[list[int]]:
    return ngrams.hashes(tf.constant(texts, tf.string), order=order).to_list()


def test_n_grams_of_a_text_are_its_sequences_up_to_the_order():
    assert [len(hashed("not good at all", order=order)[0]) for order in (1, 2, 3, 4, 5)] == [4, 7, 9, 10, 10]
    (grams,) = hashed("not good at all", order=3)
    assert len(set(grams)) == 9 and all(gram % 2 == 0 for gram in grams)


def test_the_same_sequence_has_the_same_hash_anywhere():
    first, second = hashed("this is not good", "not good: a bore", order=2)
    shared = set(first) & set(second)
    assert len(shared) == 3  # not, good, not good


def test_the_order_of_words_matters():
    first, second = hashed("good not", "not good", order=2)
    assert len(set(first) & set(second)) == 2


def test_no_sequence_crosses_reviews():
    together, alone = hashed("not", "good", order=3), [*hashed("not"), *hashed("good")]
    assert together == alone == [together[0][:1], together[1][:1]]


def test_texts_without_words_have_none():
    assert hashed("", "  ", "a") == [[], [], hashed("a")[0]]
    assert ngrams.hashes(tf.constant([], tf.string), order=3).shape[0] == 0


def test_hashes_never_change():
    not_, not_good, good = -3446045292463555760, 651163025236881488, 6802953499453100736
    assert hashed("good", "not good") == [[good], [not_, not_good, good]]


@pytest.mark.parametrize(("words", "twice"), [(5, 0), (6, 0), (7, 1), (8, 2), (9, 2), (30, 2)])
def test_n_grams_of_the_ending_are_given_twice_at_most_a_quarter(words, twice):
    text = tf.constant(["a b", " ".join(f"word{number}" for number in range(words)), "", "c"])
    plain, given = (ngrams.hashes(text, order=2, ending=ending).to_list() for ending in (0, 2))
    # The last `twice` words, and the pairs that start with them, of which the last word has none.
    repeated = plain[1][len(plain[1]) - max(0, 2 * twice - 1) :]
    assert sorted(given[1]) == sorted(plain[1] + repeated)
    assert [given[0], *given[2:]] == [plain[0], *plain[2:]]


def learned(texts: list[str], labels: list[int], **limits: int) -> ngrams.Vocabulary:
    grams, tally = ngrams.hashes(tf.constant(texts), order=1), NgramTally()
    tally.add(grams.flat_values.numpy(), lengths=grams.row_lengths().numpy(), labels=np.array(labels))
    return ngrams.learn(tally, order=1, **{"min_count": 1, "limit": 100, **limits})


def value_of(word: str, vocabulary: ngrams.Vocabulary) -> float:
    (key,) = hashed(word, order=1)[0]
    return float(vocabulary.values[np.flatnonzero(vocabulary.keys == key)[0]])


def test_a_value_is_the_log_count_ratio_times_the_rarity():
    vocabulary = learned(["good film", "good film", "bad film", "bad film"], [1, 1, 0, 0])
    assert len(vocabulary) == 3 and vocabulary.keys.tolist() == sorted(vocabulary.keys)
    assert value_of("film", vocabulary) == pytest.approx(0)
    # "good" is in 2 of 4 reviews, all positive: ln(3/7 / 1/7) * (1 + ln(5/3)).
    assert value_of("good", vocabulary) == pytest.approx(math.log(3) * (1 + math.log(5 / 3)), rel=1e-6)
    assert value_of("bad", vocabulary) == pytest.approx(-value_of("good", vocabulary))


def test_rare_n_grams_do_not_count():
    vocabulary = learned(["good good bad", "bad fine"], [1, 0], min_count=2)
    assert sorted(vocabulary.keys) == sorted(hashed("good bad", order=1)[0])


def test_the_most_frequent_are_kept():
    vocabulary = learned(["the the the film film good"], [1], limit=2)
    assert sorted(vocabulary.keys) == sorted(hashed("the film", order=1)[0])


def test_of_equally_frequent_ones_the_first_keys_are_kept():
    words = " ".join(f"word{number}" for number in range(100))
    assert learned([words], [1], limit=50).keys.tolist() == learned([words], [1]).keys.tolist()[:50]


@pytest.mark.parametrize("texts", [["", ""], ["one two", "three"]])
def test_where_nothing_is_learned_every_text_scores_zero(texts):
    layer = ngrams.NgramScore(learned(texts, [0, 1], min_count=2))
    layer.weight.assign(tf.ones_like(layer.weight))
    ids, root = layer.index.encoded(tf.constant(["one two", ""]))
    assert ids.to_list() == [[], []] and layer((ids, root)).numpy().tolist() == [[0], [0]]


def test_ids_are_rows_in_the_order_of_the_text():
    vocabulary = learned(["good film", "bad film"], [1, 0])
    ids = ngrams.NgramIndex(vocabulary).ids(tf.constant(["film good unknown film", "", "unknown"]))
    film, good = (
        int(np.flatnonzero(vocabulary.keys == hashed(word, order=1)[0][0])[0]) for word in ("film", "good")
    )
    assert ids.dtype == tf.int32 and ids.to_list() == [[film, good, film], [], []]


def test_a_score_is_the_weighted_sum_over_the_root_of_squares():
    vocabulary = ngrams.Vocabulary(np.array([2, 4, 6]), np.array([1.0, -2.0, 3.0], np.float32), order=1)
    layer = ngrams.NgramScore(vocabulary)
    ids = tf.ragged.constant([[0, 1, 1], [], [2]], dtype=tf.int32, row_splits_dtype=tf.int64)
    root = tf.sqrt([[9.0], [1e-9], [9.0]])
    np.testing.assert_array_equal(layer((ids, root)), [[0], [0], [0]])
    assert (layer.name, layer.weight.name) == ("ngrams", "ngram_weights:0")  # in checkpoints
    layer.weight.assign([0.5, 0.25, -1.0])
    expected = [[ngrams.GAIN * (0.5 - 0.5 - 0.5) / math.sqrt(1 + 4 + 4)], [0], [-ngrams.GAIN]]
    np.testing.assert_allclose(layer((ids, root)), expected, rtol=1e-5)
    np.testing.assert_allclose(ngrams.score(ids, layer.tables()), expected, rtol=1e-5)


def test_the_root_that_an_index_encodes_is_that_of_the_squared_values():
    vocabulary = learned(["good film", "bad film"], [1, 0])
    index = ngrams.NgramIndex(vocabulary)
    text = tf.constant(["film good unknown film", "", "unknown"])
    ids, root = index.encoded(text)
    assert ids.to_list() == index.ids(text).to_list()
    squares = [sum(float(vocabulary.values[row]) ** 2 for row in rows) for rows in ids.to_list()]
    np.testing.assert_allclose(root[:, 0], np.sqrt(np.array(squares) + 1e-9), rtol=1e-5)


def test_a_word_that_comes_more_often_than_there_are_reviews_is_just_not_rare():
    vocabulary = learned(["the the the film", "a film"], [1, 0])
    # With one more of each of the three words: 4 of 7 in positive reviews, 1 of 5 in negative ones.
    assert value_of("the", vocabulary) == pytest.approx(math.log(4 / 7) - math.log(1 / 5), rel=1e-6)
