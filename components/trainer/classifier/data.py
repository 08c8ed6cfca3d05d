"""Labeled examples, in memory or streamed, in batches with a reproducible order."""

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol, Self, TypeAlias

import numpy as np
import tensorflow as tf

from components import reviews
from components.errors import GreenlightError, InputError
from components.trainer.classifier.conversion import unconverted
from serving.tensorflow_errors import root_cause

Features: TypeAlias = Any  # tf.Tensor | tf.RaggedTensor | tuple["Features", ...]: TensorFlow has no types
Encode = Callable[[tf.Tensor], Features]
"""Encodes texts for a model: string [N] -> dense or ragged tensors with N rows each."""

_READ_BATCH = 1024
_UNREADABLE = tf.errors.DataLossError, tf.errors.InvalidArgumentError
_OF_THE_ENCODER = (
    tf.errors.FailedPreconditionError,
    tf.errors.InternalError,
    tf.errors.OutOfRangeError,
    tf.errors.UnimplementedError,
)
"""The errors of a module's ops, beside _UNREADABLE; not the machine's, such as ResourceExhaustedError."""
# tf.data's tuning of parallelism holds up every end of an iterator, in a fit each end of an epoch: 0.4 s.
_UNTUNED = tf.data.Options()
_UNTUNED.autotune.enabled = False
_SHUFFLED_AT_ONCE = 25_000


class Batches(Protocol):
    """Batches of (features, float32 [n] labels) with `size` rows each.

    With a seed, each pass has another order; the same seed gives the same orders.
    """

    def __len__(self) -> int: ...

    def batches(self, size: int, *, shuffle_seed: int | None = None) -> tf.data.Dataset: ...

    def followed_by(self, other: Self) -> Self:
        """These examples and then others that were encoded alike."""
        ...

    def mapped(self, encode: Callable[[Features], Features]) -> Self:
        """The examples with `encode` applied to their features."""
        ...


@dataclasses.dataclass(frozen=True)
class ReviewsInMemory:
    """`features`, N rows of what was encoded, and `labels`, float32 [N], 1 is positive. A `Batches`."""

    features: Features
    labels: tf.Tensor

    def __len__(self) -> int:
        return int(self.labels.shape[0])

    def batches(self, size: int, *, shuffle_seed: int | None = None) -> tf.data.Dataset:
        rows = tf.data.Dataset.range(len(self))
        if shuffle_seed is not None:
            rows = rows.shuffle(len(self), seed=shuffle_seed, reshuffle_each_iteration=True)
        return rows.batch(size).map(self._at).prefetch(2).with_options(_UNTUNED)

    def mapped(self, encode: Callable[[Features], Features]) -> "ReviewsInMemory":
        """The examples with `encode` applied to their features, batch by batch."""
        rows = tf.data.Dataset.range(len(self)).batch(_READ_BATCH)
        encoded = rows.map(
            unconverted(lambda row: encode(_gather(self.features, row))), num_parallel_calls=tf.data.AUTOTUNE
        )
        return ReviewsInMemory(_concat(list(encoded.with_options(_UNTUNED))), self.labels)

    def followed_by(self, other: "ReviewsInMemory") -> "ReviewsInMemory":
        features = _concat([self.features, other.features])
        return ReviewsInMemory(features, tf.concat([self.labels, other.labels], axis=0))

    def at(self, rows: np.ndarray) -> "ReviewsInMemory":
        """The examples of these rows, int [n]."""
        return ReviewsInMemory(*self._at(tf.constant(rows)))

    @unconverted
    def _at(self, rows: tf.Tensor) -> tuple[Features, tf.Tensor]:
        return _gather(self.features, rows), tf.gather(self.labels, rows)


@dataclasses.dataclass(frozen=True)
class StreamedReviews:
    """Examples streamed from the files and encoded, for more examples than fit in memory.

    `Batches` of `size` examples. Unlike that of `ReviewsInMemory`, the order depends on the files.
    """

    patterns: Sequence[str]
    size: int
    encode: Encode = tf.identity

    def __len__(self) -> int:
        return self.size

    def batches(self, size: int, *, shuffle_seed: int | None = None) -> tf.data.Dataset:
        records = _records(self.patterns)
        if shuffle_seed is not None:
            records = records.shuffle(_SHUFFLED_AT_ONCE, seed=shuffle_seed, reshuffle_each_iteration=True)
        encoded = records.batch(size).map(self._encoded, num_parallel_calls=tf.data.AUTOTUNE)
        return encoded.prefetch(2).with_options(_UNTUNED)

    def followed_by(self, other: "StreamedReviews") -> "StreamedReviews":
        return StreamedReviews([*self.patterns, *other.patterns], self.size + other.size, self.encode)

    def mapped(self, encode: Callable[[Features], Features]) -> "StreamedReviews":
        return dataclasses.replace(self, encode=lambda text: encode(self.encode(text)))

    @unconverted
    def _encoded(self, records: tf.Tensor) -> tuple[Features, tf.Tensor]:
        text, label = _parse(records)
        return self.encode(text), label


def count(patterns: Sequence[str], *, split: str) -> int:
    """The number of examples in GZIP TFRecords.

    Args:
      patterns: file patterns.
      split: the name of the split, for error messages.

    Raises:
      GreenlightError: there is no example, or the files cannot be read.
    """
    with _readable(patterns, split):
        sizes = _records(patterns).batch(_READ_BATCH).map(lambda batch: tf.size(batch, tf.int64))
        found = int(sizes.reduce(np.int64(0), tf.add))
    if not found:
        raise _empty(patterns, split)
    return found


def read(patterns: Sequence[str], *, split: str, encode: Encode = tf.identity) -> ReviewsInMemory:
    """Reads GZIP TFRecords of examples; the result does not depend on their order in the files.

    Args:
      patterns: file patterns.
      split: the name of the split, for error messages.
      encode: applied once to the texts while reading.

    Raises:
      GreenlightError: there is no example, or the files cannot be read.
    """
    parts = list(encoded(patterns, split=split, encode=encode))
    if not parts:
        raise _empty(patterns, split)
    found = [part.fingerprints for part in parts], [part.labels for part in parts]
    fingerprint, label = (np.concatenate(column) for column in found)
    features = _concat([part.features for part in parts])
    del parts  # as large as what was made of it
    order = np.lexsort((label, fingerprint))
    return ReviewsInMemory(_gather(features, order), tf.constant(label[order]))


@dataclasses.dataclass(frozen=True)
class EncodedPart:
    """Some examples: uint64 [n] fingerprints of the texts, float32 [n] labels, and the encoded texts."""

    fingerprints: np.ndarray
    labels: np.ndarray
    features: Features


def encoded(patterns: Sequence[str], *, split: str, encode: Encode, one_in: int = 1) -> Iterator[EncodedPart]:
    """The encoded examples in parts, in the order of the files; see `read`.

    one_in: reads only one in so many examples, always the same.

    Raises:
      InputError: `encode` fails on the texts.
      GreenlightError: the files cannot be read.
    """

    @unconverted
    def parse(records: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, Features]:
        text, label = _parse(records)
        fingerprint = tf.bitcast(tf.fingerprint(text), tf.uint64)
        if one_in > 1:
            taken = tf.equal(fingerprint % one_in, 0)
            text, label, fingerprint = (tf.boolean_mask(part, taken) for part in (text, label, fingerprint))
        return fingerprint, label, encode(text)

    batches = _records(patterns).batch(_READ_BATCH).map(parse, num_parallel_calls=tf.data.AUTOTUNE)
    try:
        for fingerprint, label, features in batches.prefetch(2).with_options(_UNTUNED):
            yield EncodedPart(fingerprint.numpy(), label.numpy(), features)
    except (*_UNREADABLE, *_OF_THE_ENCODER) as error:
        with _readable(patterns, split):  # raises if the files are at fault
            for _ in _records(patterns).batch(_READ_BATCH).map(_parse):
                pass
        raise InputError(
            f"The embedding fails on texts of the {split} split: {root_cause(error)} See that it takes up to "
            f"{_READ_BATCH:,} texts of any length at a time, or set another with embedding.name."
        ) from error


def first_texts(patterns: Sequence[str], *, most: int) -> list[str]:
    """The first texts of GZIP TFRecords, which are in random order; bytes that are not UTF-8 are replaced."""
    for records in _records(patterns).batch(most).take(1):
        return [text.decode("utf-8", "replace") for text in _parse(records)[0].numpy()]
    return []


def _records(patterns: Sequence[str]) -> tf.data.Dataset:
    files = sorted(file for pattern in patterns for file in tf.io.gfile.glob(pattern))
    return tf.data.TFRecordDataset(files, compression_type="GZIP")


@unconverted
def _parse(records: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    parsed = tf.io.parse_example(records, reviews.feature_spec())
    return parsed[reviews.TEXT], tf.cast(parsed[reviews.LABEL], tf.float32)


@contextmanager
def _readable(patterns: Sequence[str], split: str) -> Iterator[None]:
    try:
        yield
    except _UNREADABLE as error:
        raise GreenlightError(
            f"The {split} split cannot be read: {error.message} Its files should be GZIP TFRecords of "
            f"tf.Examples with {reviews.TEXT} and {reviews.LABEL}: {', '.join(patterns)}"
        ) from error


def _empty(patterns: Sequence[str], split: str) -> GreenlightError:
    return GreenlightError(
        f"The {split} split has no examples ({', '.join(patterns)}). Give it a larger share of the data "
        f"(data.{split}_weight), or more data."
    )


def _gather(features: Features, rows: tf.Tensor | np.ndarray) -> Features:
    return tf.nest.map_structure(lambda part: tf.gather(part, rows), features)


def _concat(batches: Sequence[Features]) -> Features:
    return tf.nest.map_structure(lambda *parts: tf.concat(parts, axis=0), *batches)
