"""Reviews out of TFRecord files of tf.Examples."""

from collections.abc import Iterable

import tensorflow as tf
from google.protobuf.message import DecodeError

from components.errors import InputError
from components.example_gen.formats.delimited import DATA_COLUMNS, require_columns
from components.example_gen.formats.rows import BadRow, Reason, Record, Records, Rows, as_reviews, unreadable


def read_tf_records(path: str, *, place: str, gzipped: bool, text_column: str, label_column: str) -> Rows:
    """The reviews of a file; see `example_records`."""
    records = example_records(path, place=place, gzipped=gzipped, needed={text_column, label_column})
    return as_reviews(records, file=path, text_column=text_column, label_column=label_column)


def example_records(
    path: str, *, gzipped: bool, needed: set[str], remedy: str = DATA_COLUMNS, place: str | None = None
) -> Records:
    """The tf.Examples of a file as records, whose lines are their numbers; a feature of no value or of
    several is None.

    Args:
      place: where the file is read, if not at `path`, which messages name.

    Raises:
      InputError: the file cannot be read or is damaged, or a needed feature stood in no example at all.
    """
    names: dict[str, None] = {}
    for line, serialized in enumerate(_records(path, place or path, gzipped=gzipped), start=1):
        try:
            example = tf.train.Example.FromString(serialized)
        except DecodeError:
            yield BadRow(path, line, Reason.NOT_EXAMPLE, f"{len(serialized)} bytes of something else")
            continue
        features = example.features.feature
        names.update(dict.fromkeys(sorted(features)))
        yield Record(line, {name: _single(features[name]) for name in sorted(features)})
    if names:
        require_columns(needed, present=names, file=path, remedy=remedy)


def _records(path: str, place: str, *, gzipped: bool) -> Iterable[bytes]:
    dataset = tf.data.TFRecordDataset(
        place, compression_type="GZIP" if gzipped else "", buffer_size=8 * 2**20
    )
    number = 0
    try:
        for record in dataset.as_numpy_iterator():
            number += 1
            yield record
    except tf.errors.DataLossError as error:
        raise InputError(f"{path} is damaged after record {number:,}; write or copy it again.") from error
    except tf.errors.OpError as error:  # TensorFlow's own kinds of PermissionError, IsADirectoryError, ...
        raise unreadable(path, error) from error


def _single(feature: tf.train.Feature) -> str | int | float | None:
    """A feature's only value, bytes as text with what is not UTF-8 as surrogates; None for none or
    several.
    """
    kind = feature.WhichOneof("kind")
    values = list(getattr(feature, kind).value) if kind else []
    if len(values) != 1:
        return None
    (value,) = values
    return value.decode(errors="surrogateescape") if isinstance(value, bytes) else value
