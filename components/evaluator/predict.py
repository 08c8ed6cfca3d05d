"""Predictions over a split through the `tf_example` signature, for all models in one pass."""

from collections.abc import Mapping, Sequence

import numpy as np
import tensorflow as tf

from components.errors import GreenlightError
from components.evaluator.gate import PREDICTION, SIGNATURE
from components.evaluator.split_files import read_split
from components.reviews import LABEL, LENGTH, SPAN, TEXT
from serving.model.loader import LoadError, load
from serving.model.predictor import TensorSpec
from serving.status import RequestError

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

    Raises:
      ModelError: the folder does not exist, or has no model with that signature.
    """

    def __init__(self, folder: str) -> None:
        self.folder = folder
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
        if PREDICTION not in signatures[SIGNATURE].outputs:
            known = ", ".join(sorted(signatures[SIGNATURE].outputs))
            raise ModelError(f"{SIGNATURE} of {folder} gives no {PREDICTION}; it gives: {known}")

    def __call__(self, examples: tf.Tensor) -> np.ndarray:
        """float32 [N] for serialized tf.Examples (string [N]).

        Raises:
          ModelError: the call fails, or returns another number of probabilities.
        """
        try:
            found = self._model.run(SIGNATURE, {self._input: examples.numpy()})[PREDICTION]
        except RequestError as error:
            raise ModelError(f"{SIGNATURE} of {self.folder} fails: {error.message}") from error
        if found.size != len(examples):
            shape = f"{PREDICTION} of shape {found.shape} for {len(examples)} reviews"
            raise ModelError(f"{SIGNATURE} of {self.folder} gives {shape}")
        return found.reshape(-1).astype(np.float32)


def _describe(inputs: Mapping[str, TensorSpec]) -> str:
    return ", ".join(f"{name} ({spec.dtype})" for name, spec in sorted(inputs.items())) or "nothing"


def score(
    files: Sequence[str], scorers: Mapping[str, Scorer]
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray], dict[str, str]]:
    """Calls every scorer once on each batch.

    A scorer that fails is dropped, and its problem returned; the others continue.

    Args:
      files: TFRecord files of tf.Examples.
      scorers: the models by name.

    Returns:
      The columns text, label, length and span [N]; the probabilities float32 [N] of each scorer that worked;
      the problem of each that did not.

    Raises:
      GreenlightError: there is no example in the files.
    """
    columns: dict[str, list[np.ndarray]] = {name: [] for name in _COLUMNS}
    scores: dict[str, list[np.ndarray]] = {name: [] for name in scorers}
    problems: dict[str, str] = {}
    for batch in read_split(files):
        for name, column in tf.io.parse_example(batch, _COLUMNS).items():
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
