"""The classifier: a text embedding, dense layers, one probability; and what it is fed in training."""

import dataclasses

import tensorflow as tf
import tensorflow_hub as hub
import tf_keras

from components.errors import GreenlightError
from components.trainer.conversion import UnconvertedModel, unconverted
from components.trainer.data import Encode
from components.trainer.settings import TrainerSettings


@dataclasses.dataclass(frozen=True)
class Classifier:
    """`embedding`: string [N] -> float32 [N, D]; `head`: that -> float32 [N, 1], probability of positive."""

    embedding: hub.KerasLayer
    head: tf_keras.Sequential

    def probability(self, text: tf.Tensor) -> tf.Tensor:
        """string [N] -> float32 [N], as served (no dropout)."""
        return tf.squeeze(self.head(self.embedding(text, training=False), training=False), axis=1)

    @property
    def weights(self) -> list[tf.Variable]:
        return [*self.embedding.weights, *self.head.weights]

    @property
    def trainable_weights(self) -> list[tf.Variable]:
        return [*self.embedding.trainable_weights, *self.head.trainable_weights]


@dataclasses.dataclass(frozen=True)
class Feed:
    """One way to train `classifier`: `model` takes what `encode` makes of texts; the weights are shared."""

    classifier: Classifier
    encode: Encode
    model: tf_keras.Model


class _TokenIdEmbedding(tf_keras.layers.Layer):
    """An embedding's second half: ragged int32 [N, None] -> float32 [N, D], with the same variables."""

    def __init__(self, embedding: hub.KerasLayer):
        super().__init__(name="token_id_embedding")
        self._embedding = embedding

    def call(self, ids: tf.RaggedTensor) -> tf.Tensor:
        return self._embedding.resolved_object.embed_ids(ids)


@unconverted
def build(embedding: hub.KerasLayer, settings: TrainerSettings) -> Classifier:
    """A Classifier whose head has fresh weights, the same for the same seed.

    Raises:
      GreenlightError: Keras 3 made the embedding layer.
    """
    if not isinstance(embedding, tf_keras.layers.Layer):
        raise GreenlightError(
            "TensorFlow runs with Keras 3, which TF Hub's layers do not fit. Set TF_USE_LEGACY_KERAS=1 in "
            "the environment before TensorFlow is first imported."
        )
    width = embedding(tf.constant([""])).shape[1]
    layers: list[tf_keras.layers.Layer] = [tf_keras.layers.InputLayer(input_shape=[width], name="embedded")]
    if settings.dropout:
        layers.append(tf_keras.layers.Dropout(settings.dropout, seed=settings.seed, name="dropout"))
    for number, units in enumerate(settings.hidden_units, start=1):
        layers.append(_dense(units, "relu", name=f"hidden_{number}", seed=settings.seed + number))
    layers.append(_dense(1, "sigmoid", name="probability", seed=settings.seed))
    return Classifier(embedding, tf_keras.Sequential(layers, name="head"))


def _dense(units: int, activation: str, *, name: str, seed: int) -> tf_keras.layers.Dense:
    initializer = tf_keras.initializers.GlorotUniform(seed=seed)
    return tf_keras.layers.Dense(units, activation, kernel_initializer=initializer, name=name)


@unconverted
def text_feed(classifier: Classifier) -> Feed:
    """The plain way, for every embedding: raw text, tokenized again in every epoch. The reference."""
    text = tf_keras.Input([], dtype=tf.string, name="text")
    return Feed(
        classifier,
        tf.identity,
        UnconvertedModel(text, classifier.head(classifier.embedding(text)), name="from_text"),
    )


@unconverted
def encoded_feed(classifier: Classifier) -> Feed:
    """The fast way: what training cannot change is done once. The fit comes out as with `text_feed`.

    A frozen embedding leaves only the head to train, on vectors. A trained one that offers `token_ids` and
    `embed_ids` is fed ids. Any other has no fixed part, and is fed text.
    """
    embedding, head = classifier.embedding, classifier.head
    if not embedding.trainable:
        vectors = tf_keras.Input(head.input_shape[1:], name="vectors")
        return Feed(
            classifier,
            lambda text: embedding(text, training=False),
            UnconvertedModel(vectors, head(vectors), name="from_vectors"),
        )
    module = embedding.resolved_object
    if not (hasattr(module, "token_ids") and hasattr(module, "embed_ids")):
        return text_feed(classifier)
    ids = tf_keras.Input([None], dtype=tf.int32, ragged=True, name="ids")
    return Feed(
        classifier,
        module.token_ids,
        UnconvertedModel(ids, head(_TokenIdEmbedding(embedding)(ids)), name="from_ids"),
    )
