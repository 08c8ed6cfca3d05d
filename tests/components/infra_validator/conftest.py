"""A model that counts words, sound or broken in one way, exported with plain TensorFlow."""

import inspect
from collections.abc import Callable
from pathlib import Path

import pytest
import tensorflow as tf

from components import reviews


def _outputs(probability: tf.Tensor) -> dict[str, tf.Tensor]:
    return {"probability": probability, "label": tf.where(probability >= 0.5, "positive", "negative")}


def _texts(examples: tf.Tensor) -> tf.Tensor:
    return tf.io.parse_example(examples, reviews.feature_spec())[reviews.TEXT]


class Model(tf.Module):
    """`serve*` methods take texts, `parse*` methods take tf.Examples; a test chooses one of each."""

    def __init__(self) -> None:
        super().__init__()
        self.slope = tf.Variable(0.1)

    def probability(self, text: tf.Tensor) -> tf.Tensor:
        words = tf.strings.split(text)
        good = tf.reduce_sum(tf.cast(words == "good", tf.float32), axis=1)
        return tf.sigmoid(self.slope * (1.0 + good))

    def serve(self, text):
        return _outputs(self.probability(text))

    def parse(self, examples):
        return _outputs(self.probability(_texts(examples)))

    def parse_otherwise(self, examples):
        return _outputs(1.0 - self.probability(_texts(examples)))

    def serve_nan_for_empty(self, text):
        return _outputs(tf.where(tf.strings.length(text) == 0, float("nan"), self.probability(text)))

    def serve_logits(self, text):
        return _outputs(10.0 * self.probability(text))

    def serve_swapped_labels(self, text):
        probability = self.probability(text)
        return {"probability": probability, "label": tf.where(probability >= 0.5, "negative", "positive")}

    def serve_columns(self, text):
        return _outputs(tf.expand_dims(self.probability(text), 1))

    def serve_no_empty_batch(self, text):
        with tf.control_dependencies([tf.debugging.assert_positive(tf.size(text), "no examples at all")]):
            return _outputs(self.probability(text))

    def serve_relative_to_the_batch(self, text):
        probability = self.probability(text)
        return _outputs(probability / (1.0 + tf.cast(tf.size(text), tf.float32)))

    def serve_sentences(self, sentences):
        return _outputs(self.probability(sentences))

    def serve_scores(self, text):
        return {"score": self.probability(text)}

    def serve_or_abort_on_empty(self, text):
        def abort() -> tf.Tensor:
            with tf.control_dependencies([tf.identity(text)]):  # or else it runs whatever the condition
                end = tf.raw_ops.Abort(error_msg="", exit_without_error=False)
            with tf.control_dependencies([end]):
                return tf.identity(self.slope)

        empty = tf.reduce_any(tf.strings.length(text) == 0)
        return _outputs(self.probability(text) + 0.0 * tf.cond(empty, abort, lambda: tf.identity(self.slope)))


def _signature(method: Callable[..., dict[str, tf.Tensor]]) -> tf.types.experimental.GenericFunction:
    """As a function of strings [None], under the name that the method gives its argument."""
    (name,) = inspect.signature(method).parameters
    return tf.function(method, input_signature=[tf.TensorSpec([None], tf.string, name=name)])


@pytest.fixture(scope="session")
def export(tmp_path_factory) -> Callable[..., Path]:
    """Exports `Model` as a Model artifact's folder, each way once; None leaves a signature out."""
    made: dict[tuple[str | None, str | None], Path] = {}

    def once(serve: str | None = "serve", parse: str | None = "parse") -> Path:
        if (serve, parse) not in made:
            model = Model()
            chosen = {"serving_default": serve, "tf_example": parse}
            signatures = {
                name: _signature(getattr(model, method)) for name, method in chosen.items() if method
            }
            made[serve, parse] = tmp_path_factory.mktemp("model")
            tf.saved_model.save(model, str(made[serve, parse] / "Format-Serving"), signatures=signatures)
        return made[serve, parse]

    return once
