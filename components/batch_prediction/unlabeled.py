"""Readers of unlabeled texts: text, CSV, TSV, JSON, Parquet and, with TensorFlow, TFRecord."""

import io
import os
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from components.errors import InputError
from components.example_gen.formats.dialect import TOLD_BY_THE_FILE, Dialect
from components.example_gen.formats.file_format import (
    Format,
    format_of,
    line_records,
    text_records,
    unpacked_name,
)
from components.example_gen.formats.labels import ACCEPTED, LabelRule
from components.example_gen.formats.packing import require_rows
from components.example_gen.formats.parquet import is_parquet
from components.example_gen.formats.rows import BadRow, Columns, Records, text_problem
from components.example_gen.reading import Reading
from components.example_gen.reading_limits import require_usable
from components.example_gen.sources.file_bytes import first_bytes, opened
from components.example_gen.sources.file_lookup import found_paths
from components.example_gen.sources.files import file_records
from components.example_gen.span_pattern import absolute

if TYPE_CHECKING:
    from components.example_gen.settings import DataSettings

LINES = "text"
"""The format of files with one text per line."""
FORMATS = (LINES, *(known.value for known in Format))
_TEXT = "text"
_REMEDY = "Name the right one with --text-column."


class Unlabeled(NamedTuple):
    """A row that can be predicted."""

    line: int
    text: str
    fields: Mapping[str, Any]
    """The whole row, including the text."""


Unlabeleds = Iterator[Unlabeled | BadRow]


def input_paths(pattern: str) -> list[str]:
    """The files that match a pattern, sorted, each once.

    Raises:
      InputError: no file matches, or the match is a folder.
    """
    if os.path.isdir(absolute(pattern)):
        raise InputError(f"{pattern} is a folder; say which of its files: {pattern.rstrip('/')}/*.csv")
    paths = found_paths(pattern)
    if not paths:
        raise InputError(f"No file matches {absolute(pattern)}.")
    return paths


def format_named(path: str, *, tf_records: bool = True) -> str:
    """The one of FORMATS for the suffix of a path. tf_records: whether the message offers TFRecord, too.

    Raises:
      InputError: the suffix is not that of a format.
    """
    if unpacked_name(path).endswith((".txt", ".text")):
        return LINES
    try:
        return format_of(path).value
    except InputError:
        if os.path.isfile(path):
            require_rows(first_bytes(path), path)
        known = ".tsv, .json, .jsonl"
        endings = f"{known}, .parquet or .tfrecord" if tf_records else f"{known} or .parquet"
        option = "--input-format" if tf_records else "--format"
        raise InputError(
            f"{path}: cannot tell the format from the name; files end in .txt, .csv, {endings}, each also "
            f"with .gz after it. Or name the format with {option}."
        ) from None


@dataclass(frozen=True)
class Wanted:
    """The columns of files without labels."""

    text_column: str = _TEXT
    label_column: str | None = None
    """The column of labels, if any; labels within a text show rows that a stray quote swallowed."""
    labels: LabelRule = ACCEPTED
    dialect: Dialect = TOLD_BY_THE_FILE

    @property
    def columns(self) -> Columns:
        return Columns(
            self.text_column, self.label_column, label_needed=False, labels=self.labels, remedy=_REMEDY
        )

    @classmethod
    def of(cls, data: "DataSettings", *, text_column: str | None = None) -> "Wanted":
        """The columns in the settings; `text_column` overrides its setting."""
        text = text_column or data.text_column
        label = data.label_column if data.label_column != text else None
        labels = ACCEPTED if data.learns_classes else data.columns.labels
        return cls(text, label, labels, data.dialect)


NO_LABELS = Wanted()


def read_stream(
    stream: io.BufferedReader, *, file: str, known: str, wanted: Wanted = NO_LABELS
) -> Generator[Unlabeled | BadRow, None, None]:
    """The rows of an open file of any format but TFRecord and Parquet.

    Raises:
      InputError: the column does not exist, or the file cannot be read to its end.
    """
    if known == LINES:
        records = line_records(stream, file=file, column=_TEXT)
        yield from unlabeled(records, file=file, text_column=_TEXT)
        return
    if is_parquet(stream.peek(4)):
        raise InputError(f"{file} is a Parquet file, which is read from its end: save it and name the file.")
    records = text_records(
        stream, file=file, known=Format(known), columns=wanted.columns, dialect=wanted.dialect
    )
    yield from unlabeled(records, file=file, text_column=wanted.text_column)


def read_file(
    path: str, *, known: str, wanted: Wanted = NO_LABELS
) -> Generator[Unlabeled | BadRow, None, None]:
    """The rows of a file of any format; TFRecord needs TensorFlow.

    Raises:
      InputError: as `read_stream`, or the file cannot be opened.
    """
    if known == LINES and not is_parquet(first_bytes(path)):
        with opened(path) as stream:
            yield from read_stream(stream, file=path, known=known)
        return
    own = Format.PARQUET if known == LINES else Format(known)
    records = file_records(path, columns=wanted.columns, dialect=wanted.dialect, known=own, whole=True)
    yield from unlabeled(records, file=path, text_column=wanted.text_column)


def unlabeled(records: Records, *, file: str, text_column: str) -> Unlabeleds:
    """The rows with a text that can be predicted, and bad rows for the others."""
    for record in records:
        if isinstance(record, BadRow):
            yield record
            continue
        text = record.fields.get(text_column)
        problem = text_problem(text)
        if problem is not None:
            yield BadRow(file, record.line, *problem)
        else:
            yield Unlabeled(record.line, str(text), record.fields)


def require_good_rows(reading: Reading, *, source: str, max_bad_share: float) -> None:
    """Raises as `require_usable`, with messages about predictions."""
    if not reading.rows and not reading.failures:
        raise InputError(f"{source}: it contains no texts.")
    require_usable(reading, max_bad_share=max_bad_share)
