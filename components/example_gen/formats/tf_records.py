"""The reader of TFRecord files of tf.Examples."""

from collections.abc import Callable, Iterable
from typing import IO

import tensorflow as tf
from google.protobuf.message import DecodeError

from components.errors import InputError
from components.example_gen.formats.packing import unpacked_size
from components.example_gen.formats.rows import (
    BadRow,
    Columns,
    Reason,
    Record,
    Records,
    require_columns,
    unreadable,
)

_FRAME = 16
"""The bytes of length and checksums of each record."""


def example_records(
    path: str, *, gzipped: bool, columns: Columns, place: str, reopened: Callable[[], IO[bytes]]
) -> Records:
    """The tf.Examples of a file as records; `line` is the number of the record.

    A feature without a value is None, one with several values a list.

    Args:
      path: the name of the file in messages.
      gzipped: whether its bytes are compressed, whatever its name.
      place: the path from which TensorFlow reads it.
      reopened: opens it again, without decompression.

    Raises:
      InputError: the file cannot be read or is damaged, or no example had a needed feature.
    """
    names: dict[str, None] = {}
    for line, serialized in enumerate(_records(path, place, gzipped, reopened), start=1):
        try:
            example = tf.train.Example.FromString(serialized)
        except DecodeError:
            yield BadRow(path, line, Reason.NOT_EXAMPLE, f"{len(serialized)} bytes that are not a record")
            continue
        features = example.features.feature
        names.update(dict.fromkeys(sorted(features)))
        yield Record(line, {name: _single(features[name]) for name in sorted(features)})
    if names:
        require_columns(columns, present=names, file=path)


def _records(path: str, place: str, gzipped: bool, reopened: Callable[[], IO[bytes]]) -> Iterable[bytes]:
    dataset = tf.data.TFRecordDataset(
        place, compression_type="GZIP" if gzipped else "", buffer_size=8 * 2**20
    )
    number = size = 0
    try:
        for record in dataset.as_numpy_iterator():
            number += 1
            size += _FRAME + len(record)
            yield record
    except tf.errors.DataLossError as error:
        if not number:
            raise InputError(
                f"{path} is damaged after record 0, or is not a TFRecord file; write it again, or name "
                "it for the format that it has."
            ) from error
        raise InputError(f"{path} is damaged after record {number:,}; write or copy it again.") from error
    except tf.errors.OpError as error:  # TensorFlow's equivalents of PermissionError, IsADirectoryError, ...
        raise unreadable(path, error) from error
    # TensorFlow treats a truncated length, or truncated compressed bytes, as the end of the file.
    with reopened() as raw:
        whole = unpacked_size(raw, path)
    if size != whole:
        raise InputError(f"{path} is damaged after record {number:,}; write or copy it again.")


def _single(feature: tf.train.Feature) -> str | int | float | list[str | int | float] | None:
    """A feature's only value, bytes as text with what is not UTF-8 as surrogates; None for none, a list for
    several.
    """
    kind = feature.WhichOneof("kind")
    values = [
        value.decode(errors="surrogateescape") if isinstance(value, bytes) else value
        for value in (getattr(feature, kind).value if kind else ())
    ]
    if len(values) > 1:
        return values
    return values[0] if values else None
