"""The n-gram score of a text: log-odds of words and word n-grams that the classes use differently.

The linear part of the model, after Wang and Manning, Baselines and Bigrams (2012): each frequent n-gram has a
fixed value (the log-odds of the classes times its rarity) and a trained weight. Unlike an average of word
vectors, it recognizes "not good".
"""

import dataclasses
from collections.abc import Sequence

import numpy as np
import tensorflow as tf
import tf_keras

from components.embeddings import tokenization
from components.embeddings.rows import row_of_each
from components.trainer.classifier.class_tally import ClassTally
from components.trainer.classifier.ngram_tally import NgramTally
from components.trainer.negation import ENDS, NEGATIONS, negated

GAIN = 5.0
"""The factor of the learning rate of these weights."""

_WORD_HASHES = 2**63 - 1
_STEP = 0x9E3779B97F4A7C15 - 2**64  # odd, so that multiplying by it in 64 bits loses nothing
_SLOTS = 4096  # a power of two
_NEGATED = 0x2545F4914F6CDD1D  # makes another word of one after a negation

Tables = tuple[tf.Tensor, tf.Tensor]
"""For each n-gram: value times weight, and value squared, float32 [V] each; [V, K] of K > 2 classes."""

Encoded = tuple[tf.RaggedTensor, tf.Tensor]
"""Ids of N texts, ragged int32 [N, None], and the root of the sum of their squared values, float32 [N, 1];
[N, K] of K > 2 classes."""


@dataclasses.dataclass(frozen=True)
class Vocabulary:
    """The n-grams of 1 to `order` tokens: `keys`, int64 [V], and `values`, float32 [V].

    Of more than two classes, an n-gram has a value for each: float32 [V, K]. `negation` and `ending`: see
    `hashes`.
    """

    keys: np.ndarray
    values: np.ndarray
    order: int
    negation: bool = False
    ending: int = 0

    def __len__(self) -> int:
        return len(self.keys)

    def values_for(self, other: "Vocabulary") -> "Vocabulary":
        """The n-grams of `other` with the values that they have here; 0 for an n-gram that is not here.

        An n-gram with the value 0 adds nothing to a score, whatever its weight.
        """
        _, theirs, ours = np.intersect1d(other.keys, self.keys, assume_unique=True, return_indices=True)
        values = np.zeros((len(other), *self.values.shape[1:]), np.float32)
        values[theirs] = self.values[ours]
        return dataclasses.replace(other, values=values)


def _nothing_learned(*classes: int) -> Vocabulary:
    # A hash table cannot be empty; -1 is odd, so no n-gram has it.
    return Vocabulary(np.array([-1]), np.zeros((1, *classes), np.float32), order=1)


def hashes(text: tf.Tensor, *, order: int, negation: bool = False, ending: int = 0) -> tf.RaggedTensor:
    """All n-grams of 1 to `order` tokens of each text: string [N] -> ragged int64 [N, None].

    The 64-bit hashes are even numbers, equal on every machine, and stand for the n-grams.

    Args:
      negation: whether a token in the scope of a negation is another token than elsewhere.
      ending: n-grams that start in so many last tokens of a text are given twice, except those that start in
        the first three times as many: at most a quarter of a text.
    """
    tokens = tokenization.tokens(text)
    word = _hash(tokens.flat_values)
    row = row_of_each(tokens)
    if negation:
        scope = negated(row, starts=_among(word, NEGATIONS), ends=_among(word, ENDS))
        word = tf.where(scope, tf.bitwise.bitwise_xor(word, tf.constant(_NEGATED, tf.int64)), word)
    grams, inside = [word], [tf.ones_like(row, tf.bool)]
    for further in range(1, order):
        grams.append(grams[-1] * _STEP + _shift(word, further))
        inside.append(tf.equal(row, _shift(row, further)))
    if ending:
        twice = tf.not_equal(row, _shift(row, ending)) & tf.equal(row, _shift(row, -3 * ending))
        grams, inside = 2 * grams, inside + [each & twice for each in inside]
    keep = tf.where(tf.reshape(tf.stack(inside, axis=1), [-1]))[:, 0]
    gram = tf.gather(tf.reshape(tf.stack(grams, axis=1), [-1]), keep)
    row = tf.gather(tf.reshape(tf.tile(row[:, None], [1, len(grams)]), [-1]), keep)
    even = tf.bitwise.left_shift(gram, tf.ones([], tf.int64))
    return tf.RaggedTensor.from_value_rowids(even, row, tokens.nrows(), validate=False)


def _hash(tokens: tf.Tensor) -> tf.Tensor:
    return tf.strings.to_hash_bucket_fast(tokens, _WORD_HASHES)


def _among(word: tf.Tensor, tokens: Sequence[str]) -> tf.Tensor:
    """Which of the hashed words, int64 [M], are among the tokens, whose hashes differ in the lowest bits."""
    with tf.init_scope():
        hashed = _hash(tf.constant(tokens)).numpy()
    slots = np.full(_SLOTS, -1, np.int64)
    slots[hashed % _SLOTS] = hashed
    return tf.equal(tf.gather(slots, tf.bitwise.bitwise_and(word, tf.constant(_SLOTS - 1, tf.int64))), word)


def _shift(values: tf.Tensor, by: int) -> tf.Tensor:
    """The values `by` places further on, or back if negative; -1 beyond the ends: int64 [M] -> int64 [M]."""
    if by > 0:
        return tf.pad(values, [[0, by]], constant_values=-1)[by:]
    return tf.pad(values, [[-by, 0]], constant_values=-1)[:by]


def learn(
    tally: NgramTally, *, order: int, min_count: int, limit: int, negation: bool = False, ending: int = 0
) -> Vocabulary:
    """The n-grams that occur at least `min_count` times, the `limit` most frequent if there are more.

    Args:
      tally: the counts of `hashes` of the training examples, with this `order`, `negation` and
        `ending`.
    """
    keys, positive, negative = tally.counts(at_least=min_count)
    if not len(keys):
        return _nothing_learned()
    if len(keys) > limit:
        kept = np.sort(np.argsort(-(positive + negative), kind="stable")[:limit])
        keys, positive, negative = keys[kept], positive[kept], negative[kept]
    return Vocabulary(keys, _values(positive, negative, tally.examples), order, negation, ending)


def _values(inside: np.ndarray, outside: np.ndarray, examples: int) -> np.ndarray:
    """The values of n-grams for a class: the smoothed log-count ratio times the inverse document frequency.

    A count stands for the number of examples that contain the n-gram.

    Args:
      inside, outside: the counts of each n-gram in the examples of the class and in all others, int [V].
      examples: the number of all examples.

    Returns:
      float32 [V].
    """
    ratio = np.log((inside + 1) / (inside + 1).sum()) - np.log((outside + 1) / (outside + 1).sum())
    rarity = 1 + np.log((1 + examples) / (1 + np.minimum(inside + outside, examples)))
    return (ratio * rarity).astype(np.float32)


def learn_classes(
    tally: ClassTally, *, order: int, min_count: int, limit: int, negation: bool = False, ending: int = 0
) -> Vocabulary:
    """`learn` for more than two classes: the value of an n-gram for a class is that against all others."""
    keys, counts = tally.counts(at_least=min_count)
    if not len(keys):
        return _nothing_learned(counts.shape[1])
    together = counts.sum(axis=1)
    if len(keys) > limit:
        kept = np.sort(np.argsort(-together, kind="stable")[:limit])
        keys, counts, together = keys[kept], counts[kept], together[kept]
    values = [_values(count, together - count, tally.examples) for count in counts.T]
    return Vocabulary(keys, np.stack(values, axis=1), order, negation, ending)


def relearn(
    vocabulary: Vocabulary, ids: tf.RaggedTensor, labels: np.ndarray, *, classes: int, min_count: int
) -> Vocabulary:
    """The same n-grams with the values that other examples teach; 0 for those that these have too rarely.

    Args:
      ids: the output of `NgramIndex.ids` for the examples, ragged int32 [N, None].
      labels: 0 to `classes` - 1, float32 [N].
    """
    of_each = np.repeat(labels.astype(np.int64), ids.row_lengths().numpy())
    counts = np.zeros((classes, len(vocabulary)), np.int64)
    np.add.at(counts, (of_each, ids.flat_values.numpy()), 1)
    together = counts.sum(axis=0)
    often = together >= max(1, min_count)
    values = np.zeros((len(vocabulary), classes), np.float32)
    for label, count in enumerate(counts):
        values[often, label] = _values(count[often], (together - count)[often], len(labels))
    return dataclasses.replace(vocabulary, values=values[:, 1] if classes == 2 else values)


class NgramIndex(tf.Module):
    """A lookup of a text's n-grams in a vocabulary."""

    def __init__(self, vocabulary: Vocabulary):
        super().__init__()
        rows = tf.range(len(vocabulary), dtype=tf.int32)
        pairs = tf.lookup.KeyValueTensorInitializer(tf.constant(vocabulary.keys), rows)
        self.table = tf.lookup.StaticHashTable(pairs, default_value=-1)
        self.value = tf.constant(vocabulary.values)
        self.order, self.negation, self.ending = vocabulary.order, vocabulary.negation, vocabulary.ending

    def ids(self, text: tf.Tensor) -> tf.RaggedTensor:
        """string [N] -> ragged int32 [N, None], rows of the vocabulary in the order of the text."""
        return self.ids_of_hashes(self._hashes(text))

    def _hashes(self, text: tf.Tensor) -> tf.RaggedTensor:
        return hashes(text, order=self.order, negation=self.negation, ending=self.ending)

    def ids_of_hashes(self, grams: tf.RaggedTensor) -> tf.RaggedTensor:
        """The output of `hashes` -> ragged int32 [N, None], without n-grams outside the vocabulary."""
        rows = grams.with_flat_values(self.table.lookup(grams.flat_values))
        return tf.ragged.boolean_mask(rows, rows >= 0)

    def encoded(self, text: tf.Tensor) -> Encoded:
        """string [N] -> what `NgramScore` takes, which training does not change."""
        return self.encoded_hashes(self._hashes(text))

    def encoded_hashes(self, grams: tf.RaggedTensor) -> Encoded:
        """`encoded` from the output of `hashes`."""
        ids = self.ids_of_hashes(grams)
        return ids, self.root(ids)

    def root(self, ids: tf.RaggedTensor) -> tf.Tensor:
        """The second part of `Encoded` for the first."""
        return _root(_sums(ids, self.value * self.value))


class NgramScore(tf_keras.layers.Layer):
    """`NgramIndex.encoded` -> the weighted sum of the values of a text's n-grams, float32 [N, 1].

    Of K > 2 classes, float32 [N, K]: each n-gram has a value and a weight for every class.

    It is divided by the root of the sum of the squared values, like "sqrtn". The weights start at zero.
    """

    def __init__(self, vocabulary: Vocabulary):
        super().__init__(name="ngrams")
        self.index = NgramIndex(vocabulary)
        self.weight = self.add_weight(
            name="ngram_weights", shape=list(vocabulary.values.shape), initializer="zeros"
        )

    @property
    def scores(self) -> int:
        """The number of scores of a text: 1, or K of K > 2 classes."""
        return 1 if self.weight.shape.rank == 1 else int(self.weight.shape[1])

    def tables(self) -> Tables:
        """The Tables of each row of the vocabulary."""
        value = self.index.value
        return value * self.weight, value * value

    def call(self, encoded: Encoded) -> tf.Tensor:
        ids, root = encoded
        return GAIN * _sums(ids, self.index.value * self.weight) / root


def score(ids: tf.RaggedTensor, tables: Tables) -> tf.Tensor:
    """Ragged int32 [N, None] and `NgramScore.tables()` -> float32 [N, 1]; a text without n-grams scores 0.

    Of K > 2 classes, float32 [N, K].
    """
    weighted, squares = tables
    return GAIN * _sums(ids, weighted) / _root(_sums(ids, squares))


def _sums(ids: tf.RaggedTensor, table: tf.Tensor) -> tf.Tensor:
    """The sum of the rows' values of each text: ragged int32 [N, None] and float32 [V] -> float32 [N, 1].

    A table of K columns, [V, K], gives [N, K].
    """
    columns = tf.expand_dims(table, 1) if table.shape.rank == 1 else table
    return tf.sparse.segment_sum(columns, ids.flat_values, row_of_each(ids), num_segments=ids.nrows())


def _root(squares: tf.Tensor) -> tf.Tensor:
    return tf.sqrt(squares + 1e-9)
