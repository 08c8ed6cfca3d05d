"""The training and held-out examples of a model, read from its Examples artifacts."""

import os
from collections.abc import Iterator, Sequence

import numpy as np
import tensorflow as tf

from components import reviews
from components.drift.texts import Text
from components.errors import InputError

TRAIN = "train"
_PREFIX = "Split-"
_BATCH = 1024


def held_out(folder: str, *, fitted_on: Sequence[str] = (TRAIN,)) -> Iterator[Text]:
    """The labeled examples that a model was not fitted on, from the folder of an Examples artifact.

    A model may have memorized its training examples: its predictions for new examples are only comparable
    with its predictions for other examples that it was not trained on.

    Args:
      fitted_on: the splits that the model was fitted on; a refit model also on `eval`.

    Raises:
      InputError: the examples cannot be read, or the model was fitted on all of them.
    """
    splits = [name for name in _splits(folder) if name not in fitted_on]
    if not splits:
        raise InputError(f"There are no held-out examples beside the training examples in {folder}.")
    for split in splits:
        yield from reviews_of(folder, split)


def reviews_of(folder: str, split: str) -> Iterator[Text]:
    """The labeled examples of one split.

    Raises:
      InputError: the examples cannot be read.
    """
    for text, label in _batches(folder, split):
        yield from map(Text, (value.decode("utf-8", "replace") for value in text), map(int, label))


def trained_on(folder: str, *, fitted_on: Sequence[str] = (TRAIN,)) -> np.ndarray:
    """The fingerprint of each text of these splits, see `features.fingerprints`: uint64 [N].

    Raises:
      InputError: the examples cannot be read.
    """
    found = [
        tf.bitcast(tf.fingerprint(text), tf.uint64).numpy()
        for split in fitted_on
        for text, _ in _batches(folder, split)
    ]
    return np.unique(np.concatenate([np.zeros(0, np.uint64), *found]))


def _splits(folder: str) -> list[str]:
    try:
        names = sorted(os.listdir(folder))
    except OSError as error:
        raise InputError(f"The examples at {folder} cannot be read: {error.strerror or error}.") from error
    return [name.removeprefix(_PREFIX) for name in names if name.startswith(_PREFIX)]


def _batches(folder: str, split: str) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Texts, object [n] of bytes, and labels, int64 [n]."""
    files = sorted(tf.io.gfile.glob(f"{folder}/{_PREFIX}{split}/*"))
    try:
        for batch in tf.data.TFRecordDataset(files, compression_type="GZIP").batch(_BATCH):
            parsed = tf.io.parse_example(batch, reviews.feature_spec())
            yield parsed[reviews.TEXT].numpy(), parsed[reviews.LABEL].numpy()
    except tf.errors.OpError as error:
        raise InputError(
            f"The examples of split {split} in {folder} cannot be read: {error.message}"
        ) from error
