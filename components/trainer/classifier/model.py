"""The classifier: a text embedding beside n-gram features, dense layers, probabilities of the classes."""

import dataclasses
import functools
from collections.abc import Callable

import numpy as np
import tensorflow as tf
import tensorflow_hub as hub
import tf_keras

from components.errors import GreenlightError
from components.trainer.classifier.conversion import UnconvertedModel, unconverted
from components.trainer.classifier.data import Encode
from components.trainer.classifier.ngrams import NgramScore, Tables, Vocabulary, score
from components.trainer.settings import TrainerSettings
from components.unspaced_scripts import with_spaces_tf


@dataclasses.dataclass(frozen=True)
class Classifier:
    """`embedding`: string [N] -> [N, D]; `ngrams`: a score [N, 1], or None; `head`: both -> logit [N, 1].

    Of K > 2 classes, scores and logits are [N, K].
    """

    embedding: hub.KerasLayer
    ngrams: NgramScore | None
    head: tf_keras.Model
    by_character: bool = False
    """Whether each character of a script without spaces between words is a token of its own."""

    def probability(self, text: tf.Tensor, *, ngram_tables: Tables | None = None) -> tf.Tensor:
        """Of being positive: string [N] -> float32 [N]. `ngram_tables`: `ngrams.tables()`, if made before."""
        return tf.sigmoid(self._logits(text, ngram_tables)[:, 0])

    def probabilities(self, text: tf.Tensor, *, ngram_tables: Tables | None = None) -> tf.Tensor:
        """Of each of more than two classes: string [N] -> float32 [N, K]."""
        return tf.nn.softmax(self._logits(text, ngram_tables))

    def _logits(self, text: tf.Tensor, ngram_tables: Tables | None) -> tf.Tensor:
        if self.by_character:
            text = with_spaces_tf(text)
        parts = [self.embedding(text, training=False)]
        if self.ngrams:
            parts.append(score(self.ngrams.index.ids(text), ngram_tables or self.ngrams.tables()))
        return self.head(parts, training=False)

    @property
    def classes(self) -> int:
        """The number of classes."""
        return max(2, self.head.output_shape[1])

    @property
    def weights(self) -> list[tf.Variable]:
        return [weight for part in self._parts for weight in part.weights]

    @property
    def trainable_weights(self) -> list[tf.Variable]:
        return [weight for part in self._parts for weight in part.trainable_weights]

    @property
    def _parts(self) -> list[tf_keras.layers.Layer]:
        return [part for part in (self.embedding, self.ngrams, self.head) if part]


@unconverted
def build(
    embedding: hub.KerasLayer,
    ngrams: Vocabulary | None,
    settings: TrainerSettings,
    *,
    width: int | None = None,
    classes: int = 2,
    by_character: bool = False,
) -> Classifier:
    """A Classifier with a head of new weights, determined by the seed.

    Args:
      ngrams: the n-grams, with values for that number of classes.
      classes: the number of classes.
      width: the size of the embedding's vectors; determined by a call if None.
      by_character: see Classifier.

    Raises:
      GreenlightError: the embedding layer is one of Keras 3.
    """
    if not isinstance(embedding, tf_keras.layers.Layer):
        raise GreenlightError(
            "TensorFlow runs with Keras 3, which TF Hub's layers do not fit. Set TF_USE_LEGACY_KERAS=1 in "
            "the environment before TensorFlow is first imported."
        )
    width = width or embedding(tf.constant([""])).shape[1]
    if ngrams is None:
        return Classifier(embedding, None, _head(width, settings, classes), by_character)
    head = _head(width, settings, classes, with_score=True)
    return Classifier(embedding, NgramScore(ngrams), head, by_character)


def _head(width: int, settings: TrainerSettings, classes: int, *, with_score: bool = False) -> tf_keras.Model:
    logits = 1 if classes == 2 else classes
    hidden = vector = tf_keras.Input([width], name="vector")
    if settings.dropout:
        hidden = tf_keras.layers.Dropout(settings.dropout, seed=settings.seed, name="dropout")(hidden)
    for number, units in enumerate(settings.hidden_units, start=1):
        start = tf_keras.initializers.GlorotUniform(seed=settings.seed + number)
        layer = tf_keras.layers.Dense(units, "relu", kernel_initializer=start, name=f"hidden_{number}")
        hidden = layer(hidden)
    start = tf_keras.initializers.GlorotUniform(seed=settings.seed)
    output = tf_keras.layers.Dense(logits, kernel_initializer=start, name="logit")
    if not with_score:
        return tf_keras.Model(vector, output(hidden), name="head")
    added = tf_keras.Input([logits], name="score")
    head = tf_keras.Model([vector, added], output(tf_keras.layers.concatenate([hidden, added])), name="head")
    # It begins with the score of the n-grams alone.
    hidden_rows = output.kernel.shape[0] - logits
    output.kernel.assign([[0.0] * logits] * hidden_rows + np.eye(logits).tolist())
    return head


@dataclasses.dataclass(frozen=True)
class Feed:
    """A model for training, which shares a classifier's weights and takes the output of `encode`.

    `model` returns logits, float32 [N, 1]; [N, K] of K > 2 classes.
    """

    encode: Encode
    model: tf_keras.Model


class _Function(tf_keras.layers.Layer):
    """A TensorFlow function as a layer. Its weights are those of the layer `owner`, for Keras to track."""

    def __init__(self, function: Callable, *, owner: tf_keras.layers.Layer):
        super().__init__()
        self._owner = owner
        self._function = function

    def call(self, inputs):
        return self._function(inputs)


@unconverted
def text_feed(classifier: Classifier) -> Feed:
    """The reference feed: raw text, tokenized again in every epoch."""
    text = tf_keras.Input([], dtype=tf.string, name="text")
    tokens = tf_keras.layers.Lambda(with_spaces_tf)(text) if classifier.by_character else text
    parts = [classifier.embedding(tokens)]
    if ngrams := classifier.ngrams:
        parts.append(ngrams(_Function(ngrams.index.encoded, owner=ngrams)(tokens)))
    return Feed(tf.identity, UnconvertedModel(text, classifier.head(parts), name="from_text"))


@unconverted
def encoded_feed(classifier: Classifier, kind: type[tf_keras.Model] = UnconvertedModel) -> Feed:
    """A feed of encoded text: the parts that training does not change are computed once per example.

    The fit is the same as with `text_feed`. Inputs of the model: the output of `embedding_encoder`, and with
    n-grams also `NgramIndex.encoded`.

    Args:
      kind: the Keras model class.
    """
    encode = embedding_encoder(classifier.embedding)
    segmented = functools.partial(segmenting, by_character=classifier.by_character)
    given, vector = _embedding_input(classifier.embedding)
    if not (ngrams := classifier.ngrams):
        return Feed(segmented(encode), kind(given, classifier.head(vector), name="from_encoded"))
    ids = tf_keras.Input([None], dtype=tf.int32, ragged=True, name="ngram_ids")
    root = tf_keras.Input([ngrams.scores], name="ngram_root")
    logit = classifier.head([vector, ngrams((ids, root))])
    return Feed(
        segmented(lambda text: (encode(text), *ngrams.index.encoded(text))),
        kind([given, ids, root], logit, name="from_encoded"),
    )


def segmenting(encode: Encode, *, by_character: bool) -> Encode:
    """`encode`, with each character of a script without spaces as a token of its own if `by_character`."""
    return (lambda text: encode(with_spaces_tf(text))) if by_character else encode


def embedding_encoder(embedding: hub.KerasLayer) -> Encode:
    """The part of an embedding that training does not change.

    Frozen embedding: returns vectors, float32 [N, D]. Trainable embedding with `token_ids` and `embed_ids`:
    returns token ids, ragged int32 [N, None]. Any other: returns the text unchanged, string [N].
    """
    if not embedding.trainable:
        return lambda text: embedding(text, training=False)
    return embedding.resolved_object.token_ids if _offers_ids(embedding) else tf.identity


def _embedding_input(embedding: hub.KerasLayer):
    """The model's input for the output of `embedding_encoder`, and its vectors, [N, D]."""
    if not embedding.trainable:
        vector = tf_keras.Input([embedding(tf.constant([""])).shape[1]], name="vector")
        return vector, vector
    if _offers_ids(embedding):
        ids = tf_keras.Input([None], dtype=tf.int32, ragged=True, name="token_ids")
        return ids, _Function(embedding.resolved_object.embed_ids, owner=embedding)(ids)
    text = tf_keras.Input([], dtype=tf.string, name="text")
    return text, embedding(text)


def _offers_ids(embedding: hub.KerasLayer) -> bool:
    return all(hasattr(embedding.resolved_object, name) for name in ("token_ids", "embed_ids"))
