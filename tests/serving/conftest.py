"""Small real SavedModels for the tests of the server."""

from collections.abc import Callable
from pathlib import Path

import pytest

TinyModels = Callable[[float], Path]


def save_tiny_model(folder: Path, probability: float) -> None:
    """Answers any text with the same probability; `slow` counts, `fails` dislikes the word "bad"."""
    import tensorflow as tf

    class Tiny(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="text")])
        def answer(self, text):
            probabilities = tf.fill(tf.shape(text), probability)
            return {
                "probability": probabilities,
                "label": tf.where(probabilities >= 0.5, "positive", "negative"),
            }

        @tf.function(input_signature=[tf.TensorSpec([None], tf.int32, name="loops")])
        def slow(self, loops):
            last = tf.while_loop(lambda i: i < tf.reduce_max(loops), lambda i: (i + 1,), (tf.constant(0),))[0]
            return {"counted": tf.fill(tf.shape(loops), last)}

        @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="text")])
        def fails(self, text):
            with tf.control_dependencies(
                [tf.debugging.assert_none_equal(text, "bad", message="that was bad")]
            ):
                return {"same": tf.identity(text)}

        @tf.function(input_signature=[tf.TensorSpec([], tf.float32, name="x")])
        def single(self, x):
            return {"y": x * 2.0}

    module = Tiny()
    signatures = {"serving_default": module.answer}
    signatures |= {name: getattr(module, name) for name in ("slow", "fails", "single")}
    tf.saved_model.save(module, str(folder), signatures=signatures)


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory) -> TinyModels:
    """The folder of the SavedModel that answers with this probability."""
    made: dict[float, Path] = {}

    def make(probability: float) -> Path:
        if probability not in made:
            made[probability] = tmp_path_factory.mktemp("tiny") / "model"
            save_tiny_model(made[probability], probability)
        return made[probability]

    return make
