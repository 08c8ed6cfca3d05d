"""Models of more than two classes that count the names of the classes in a text."""

import functools
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import tensorflow as tf
from example_files import write_examples

from components import reviews

COLORS = ("red", "green", "blue")
DATA = json.dumps({"classes": COLORS})


class NameCounter(tf.Module):
    """probabilities = softmax(slope * the number of each class's name + bias), in the order of the names."""

    def __init__(self, names: Sequence[str], *, slope: float, bias: Sequence[float]) -> None:
        super().__init__()
        self.names, self.slope, self.bias = list(names), tf.Variable(slope), tf.Variable(list(bias))

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="text")])
    def serve(self, text):
        words = tf.strings.split(text)
        counts = [tf.reduce_sum(tf.cast(words == name, tf.float32), axis=1) for name in self.names]
        probabilities = tf.nn.softmax(self.slope * tf.stack(counts, axis=1) + self.bias)
        label = tf.gather(tf.constant(self.names), tf.argmax(probabilities, axis=1))
        return {"probabilities": probabilities, "label": label}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
    def serve_examples(self, examples):
        return self.serve(tf.io.parse_example(examples, reviews.feature_spec())[reviews.TEXT])


@pytest.fixture(scope="session")
def export_names(tmp_path_factory) -> Callable[..., Path]:
    """A Model artifact's folder with a NameCounter, not to be changed."""

    @functools.cache
    def export(
        names: Sequence[str] = COLORS, *, slope: float = 1.0, bias: Sequence[float] | None = None
    ) -> Path:
        model = NameCounter(names, slope=slope, bias=bias or [0.0] * len(names))
        folder = tmp_path_factory.mktemp("names")
        signatures = {"serving_default": model.serve, "tf_example": model.serve_examples}
        tf.saved_model.save(model, str(folder / "Format-Serving"), signatures=signatures)
        return folder

    return export


def text_and_label(number: int) -> tuple[str, int]:
    """Half of the texts are red, a third green, a sixth blue; every fifth names the next color."""
    label = (0, 0, 0, 1, 1, 2)[number % 6]
    said = COLORS[(label + (number % 5 == 0)) % 3]
    words = "a thing" if number % 7 == 0 else f"{said} " * (1 + number % 3)
    filler = "word " * (150 if number % 4 == 0 else 10)
    return f"{filler}{words}".strip() + f" {number}", label


@pytest.fixture(scope="session")
def colors_folder(tmp_path_factory) -> Path:
    """An Examples artifact's folder: 240 texts of three classes in two files of `test`."""
    folder = tmp_path_factory.mktemp("colors")
    for index, numbers in enumerate((range(0, 140), range(140, 240))):
        write_examples(
            folder / "Split-test" / f"data_tfrecord-{index:05}-of-00002.gz", map(text_and_label, numbers)
        )
    return folder
