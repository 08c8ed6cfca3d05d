"""Labeled reviews in memory, in an order that depends on their content alone, and batches of them."""

import dataclasses
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import tensorflow as tf

from components import reviews
from components.errors import GreenlightError
from components.trainer.conversion import unconverted

Features = tf.Tensor | tf.RaggedTensor
Encode = Callable[[tf.Tensor], Features]
"""What the model is fed instead of raw text: string [N] -> a Tensor or RaggedTensor with N rows."""

_READ_BATCH = 1024


@dataclasses.dataclass(frozen=True)
class LabeledReviews:
    """`features` (N rows: texts, token ids or vectors) and `labels`, float32 [N], 1 is positive."""

    features: Features
    labels: tf.Tensor

    def __len__(self) -> int:
        return int(self.labels.shape[0])

    def batches(self, size: int, *, shuffle_seed: int | None = None) -> tf.data.Dataset:
        """(features, labels), `size` rows at a time; with a seed, shuffled anew every pass, repeatably."""
        rows = tf.data.Dataset.range(len(self))
        if shuffle_seed is not None:
            rows = rows.shuffle(len(self), seed=shuffle_seed, reshuffle_each_iteration=True)
        batches = rows.batch(size).map(
            lambda row: (tf.gather(self.features, row), tf.gather(self.labels, row))
        )
        return batches.prefetch(2)


def read(patterns: Sequence[str], *, split: str, encode: Encode = tf.identity) -> LabeledReviews:
    """Reads GZIP TFRecords of reviews.

    Args:
      patterns: file patterns; which review is in which file, and where, does not matter.
      split: what these files are, for error messages.
      encode: applied to the texts once, here, in the reading graph.

    Raises:
      GreenlightError: there is no review, or the files cannot be read.
    """
    files = sorted(file for pattern in patterns for file in tf.io.gfile.glob(pattern))
    try:
        parts = list(_parts(files, encode))
    except (tf.errors.DataLossError, tf.errors.InvalidArgumentError) as error:
        raise GreenlightError(
            f"The {split} split cannot be read: {error.message} Its files should be GZIP TFRecords of "
            f"tf.Examples with {reviews.TEXT} and {reviews.LABEL}: {', '.join(patterns)}"
        ) from error
    if not parts:
        raise GreenlightError(
            f"The {split} split has no reviews ({', '.join(patterns)}). Give it a larger share of the data "
            f"(data.{split}_weight), or more data."
        )
    fingerprints, labels, features = zip(*parts, strict=True)
    del parts
    fingerprint, label = np.concatenate(fingerprints), np.concatenate(labels)
    order = np.lexsort((label, fingerprint))
    return LabeledReviews(
        features=tf.gather(tf.concat(features, axis=0), order), labels=tf.constant(label[order], tf.float32)
    )


def _parts(files: list[str], encode: Encode) -> Iterator[tuple[np.ndarray, np.ndarray, Features]]:
    """For each batch of records: uint64 [n] fingerprints of the texts, int64 [n] labels, encoded texts."""

    @unconverted
    def parse(records: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, Features]:
        parsed = tf.io.parse_example(records, reviews.feature_spec())
        text = parsed[reviews.TEXT]
        fingerprint = tf.bitcast(tf.fingerprint(text), tf.uint64)
        return fingerprint, parsed[reviews.LABEL], encode(text)

    records = tf.data.TFRecordDataset(files, compression_type="GZIP")
    for fingerprint, label, features in (
        records.batch(_READ_BATCH).map(parse, num_parallel_calls=tf.data.AUTOTUNE).prefetch(2)
    ):
        yield fingerprint.numpy(), label.numpy(), features
