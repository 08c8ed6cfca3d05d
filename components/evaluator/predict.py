"""Predictions over a split through the `tf_example` signature, for all models in one pass."""

from collections.abc import Mapping, Sequence

import numpy as np
import tensorflow as tf

from components.errors import GreenlightError
from components.evaluator.split_files import read_split
from components.reviews import LABEL, LENGTH, SPAN, TEXT
from serving.model.loader import LoadError, load
from serving.model.predictor import TensorSpec
from serving.status import RequestError

SIGNATURE = "tf_example"
_OUTPUT_OF_TWO, _OUTPUT_OF_MORE = "probability", "probabilities"

_COLUMNS = {
    TEXT: tf.io.FixedLenFeature([], tf.string),
    LABEL: tf.io.FixedLenFeature([], tf.int64),
    LENGTH: tf.io.FixedLenFeature([], tf.string),
    SPAN: tf.io.FixedLenFeature([], tf.int64, default_value=0),
}


class ModelError(GreenlightError):
    """A model cannot be evaluated; the message is a sentence about it."""


class Scorer:
    """The `tf_example` signature of an exported model.

    Args:
      folder: the SavedModel.
      classes: the number of its classes.

    Raises:
      ModelError: the folder does not exist, or has no model with that signature.
    """

    def __init__(self, folder: str, *, classes: int = 2) -> None:
        self.folder, self._classes = folder, classes
        self._output = _OUTPUT_OF_TWO if classes == 2 else _OUTPUT_OF_MORE
        if not tf.io.gfile.exists(folder):
            raise ModelError(f"its folder {folder} is gone")
        try:
            self._model = load(folder, parallel=True)
        except LoadError as error:
            raise ModelError(f"{folder} does not load as a SavedModel: {error}") from error
        signatures = self._model.signatures
        if SIGNATURE not in signatures:
            known = ", ".join(sorted(signatures)) or "none"
            raise ModelError(f"{folder} has no signature {SIGNATURE}; there are: {known}")
        inputs = signatures[SIGNATURE].inputs
        if [spec.dtype for spec in inputs.values()] != ["string"]:
            raise ModelError(f"{SIGNATURE} of {folder} takes {_describe(inputs)}, not one string tensor")
        (self._input,) = inputs
        if self._output not in signatures[SIGNATURE].outputs:
            known = ", ".join(sorted(signatures[SIGNATURE].outputs))
            raise ModelError(f"{SIGNATURE} of {folder} gives no {self._output}; it gives: {known}")

    def __call__(self, examples: tf.Tensor) -> np.ndarray:
        """float32 [N], or [N, K] of more than two classes, for serialized tf.Examples (string [N]).

        Raises:
          ModelError: the call fails, or returns another number of probabilities.
        """
        try:
            found = self._model.run(SIGNATURE, {self._input: examples.numpy()})[self._output]
        except RequestError as error:
            raise ModelError(f"{SIGNATURE} of {self.folder} fails: {error.message}") from error
        binary = self._classes == 2
        if found.size != len(examples) if binary else found.shape != (len(examples), self._classes):
            of = "" if binary else f" and {self._classes} classes"
            shape = f"{self._output} of shape {found.shape} for {len(examples)} examples{of}"
            raise ModelError(f"{SIGNATURE} of {self.folder} gives {shape}")
        return (found.reshape(-1) if binary else found).astype(np.float32)


def _describe(inputs: Mapping[str, TensorSpec]) -> str:
    return ", ".join(f"{name} ({spec.dtype})" for name, spec in sorted(inputs.items())) or "nothing"


def score(
    files: Sequence[str], scorers: Mapping[str, Scorer], *, slice_columns: Sequence[str] = ()
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray], dict[str, str]]:
    """Calls every scorer once on each batch.

    A scorer that fails is dropped, and its problem returned; the others continue.

    Args:
      files: TFRecord files of tf.Examples.
      scorers: the models by name.
      slice_columns: the names of the features with metadata, bytes; "" where an example has none.

    Returns:
      The columns text, label, length and span [N], and those with metadata; the probabilities, float32 [N] or
      [N, K], of each scorer that worked; the problem of each that did not.

    Raises:
      GreenlightError: there is no example in the files.
    """
    features = _COLUMNS | {
        name: tf.io.FixedLenFeature([], tf.string, default_value="") for name in slice_columns
    }
    columns: dict[str, list[np.ndarray]] = {name: [] for name in features}
    scores: dict[str, list[np.ndarray]] = {name: [] for name in scorers}
    problems: dict[str, str] = {}
    for batch in read_split(files):
        for name, column in tf.io.parse_example(batch, features).items():
            columns[name].append(column.numpy())
        for name in scores.keys() - problems.keys():
            try:
                scores[name].append(scorers[name](batch))
            except ModelError as error:
                problems[name] = str(error)
    if not columns[LABEL]:
        raise GreenlightError(
            "The split to evaluate has no examples: check the weights of the data's splits."
        )
    merged = {name: np.concatenate(values) for name, values in columns.items()}
    found = {name: np.concatenate(values) for name, values in scores.items() if name not in problems}
    return merged, found, problems
