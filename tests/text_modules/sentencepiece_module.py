"""A text embedding on the tokens of a SentencePiece model, as multilingual TF Hub modules are."""

import importlib.util
import os
from pathlib import Path

import processes

MODEL = Path(__file__).with_name("tiny.model")
PACKAGE = "tensorflow_text"


def save(folder: Path, *, model: Path = MODEL, width: int = 16, seed: int = 1) -> Path:
    """Writes the module to the new folder `folder`: string [N] -> float32 [N, width], trainable.

    A text's vector is the mean of the vectors of its pieces; that of a text without pieces is zero.
    """
    import tensorflow as tf
    import tensorflow_text

    class Embedding(tf.train.Checkpoint):
        def __init__(self) -> None:
            super().__init__()
            self.tokenizer = tensorflow_text.SentencepieceTokenizer(model=model.read_bytes())
            size = int(self.tokenizer.vocab_size())
            self.table = tf.Variable(tf.random.stateless_normal([size, width], [seed, 0], stddev=0.1))
            self.variables = self.trainable_variables = [self.table]
            self.regularization_losses: list = []

        @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="text")])
        def __call__(self, text: tf.Tensor) -> tf.Tensor:
            pieces = self.tokenizer.tokenize(text)
            sums = tf.math.unsorted_segment_sum(
                tf.gather(self.table, pieces.flat_values), pieces.value_rowids(), pieces.nrows()
            )
            return sums / tf.maximum(tf.cast(pieces.row_lengths(), tf.float32), 1)[:, None]

    embedding = Embedding()
    signature = embedding.__call__.get_concrete_function()
    tf.saved_model.save(embedding, str(folder), signatures={"serving_default": signature})
    return folder


def python_path() -> str:
    """PYTHONPATH of a process that finds this checkout and tensorflow-text, wherever that is installed."""
    spec = importlib.util.find_spec(PACKAGE)
    places = [str(Path(place).parent) for place in (spec and spec.submodule_search_locations) or ()]
    return os.pathsep.join([str(processes.ROOT), *places])
