"""A model small enough to be understood: it counts the words "good" and "bad"."""

import inspect
from collections.abc import Callable
from pathlib import Path

import pytest
import tensorflow as tf

from components import reviews


class WordCounter(tf.Module):
    """probability = sigmoid(slope * ("good" minus "bad") + bias), through both signatures."""

    def __init__(self, *, slope: float, bias: float) -> None:
        super().__init__()
        self.slope, self.bias = tf.Variable(slope), tf.Variable(bias)

    def serve(self, text):
        words = tf.strings.split(text)
        counts = [tf.reduce_sum(tf.cast(words == word, tf.float32), axis=1) for word in ("good", "bad")]
        probability = tf.sigmoid(self.slope * (counts[0] - counts[1]) + self.bias)
        return {"probability": probability, "label": tf.where(probability >= 0.5, "positive", "negative")}

    def serve_examples(self, examples):
        return self.serve(tf.io.parse_example(examples, reviews.feature_spec())[reviews.TEXT])

    def serve_under_another_name(self, serialized):
        return self.serve_examples(serialized)

    def serve_numbers(self, numbers):
        return {"probability": numbers}

    def serve_scores(self, examples):
        return {"score": self.serve_examples(examples)["probability"]}

    def serve_one_number(self, examples):
        return {"probability": tf.reduce_mean(self.serve_examples(examples)["probability"])}

    def serve_an_older_schema(self, examples):
        return self.serve(
            tf.io.parse_example(examples, {"review": tf.io.FixedLenFeature([], tf.string)})["review"]
        )


Export = Callable[..., Path]


def _signature(method: Callable[..., dict[str, tf.Tensor]]) -> tf.types.experimental.GenericFunction:
    """As a function of a vector, under the name that the method gives its argument."""
    (name,) = inspect.signature(method).parameters
    dtype = tf.float32 if name == "numbers" else tf.string
    return tf.function(method, input_signature=[tf.TensorSpec([None], dtype, name=name)])


@pytest.fixture(scope="session")
def export_model(tmp_path_factory) -> Export:
    """Exports a WordCounter as a Model artifact's folder; `signature=method` chooses other signatures."""

    def export(*, slope: float = 1.0, bias: float = 0.0, **signatures: str) -> Path:
        model = WordCounter(slope=slope, bias=bias)
        chosen = signatures or {"serving_default": "serve", "tf_example": "serve_examples"}
        functions = {name: _signature(getattr(model, method)) for name, method in chosen.items()}
        folder = tmp_path_factory.mktemp("model")
        tf.saved_model.save(model, str(folder / "Format-Serving"), signatures=functions)
        return folder

    return export


def _review(number: int) -> tuple[str, int]:
    """Every fifth review is labelled against its words, every seventh has none that count."""
    positive = number % 2
    words = "a film" if number % 7 == 0 else ("good " if positive else "bad ") * (1 + number % 3)
    filler = "word " * (150 if number % 4 == 0 else 10)
    return f"{filler}{words}".strip(), positive if number % 5 else 1 - positive


@pytest.fixture(scope="session")
def examples_folder(tmp_path_factory) -> Path:
    """An Examples artifact's folder: 120 reviews in two files of `test`, an empty `eval`."""
    folder = tmp_path_factory.mktemp("examples")
    options = tf.io.TFRecordOptions(compression_type="GZIP")
    for split, files in (("test", (range(0, 70), range(70, 120))), ("eval", (range(0),))):
        (folder / f"Split-{split}").mkdir()
        for index, numbers in enumerate(files):
            path = folder / f"Split-{split}" / f"data_tfrecord-{index:05}-of-{len(files):05}.gz"
            with tf.io.TFRecordWriter(str(path), options) as writer:
                for number in numbers:
                    writer.write(reviews.to_example(*_review(number)).SerializeToString())
    return folder
