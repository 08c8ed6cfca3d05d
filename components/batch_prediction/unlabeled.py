"""Reviews out of files that need no labels: text, CSV, TSV, JSONL and, with TensorFlow, TFRecord."""

import io
from collections.abc import Generator, Iterator, Mapping
from typing import Any, NamedTuple

from components.errors import InputError
from components.example_gen.formats.file_format import Format, as_text, format_of, is_gzipped, text_records
from components.example_gen.formats.rows import BadRow, Reason, Record, Records, shortened
from components.example_gen.reading import Reading, require_usable

LINES = "text"
"""The format of files with a review a line."""
FORMATS = (LINES, *(known.value for known in Format))
_TEXT = "text"
_REMEDY = "Name the right one with --text-column."


class Unlabeled(NamedTuple):
    """A row that can be predicted."""

    line: int
    text: str
    fields: Mapping[str, Any]
    """The whole row, the text included."""


Unlabeleds = Iterator[Unlabeled | BadRow]


def format_named(path: str, *, tf_records: bool = True) -> str:
    """One of FORMATS, by the path's name. tf_records: whether TFRecord is among what the message offers.

    Raises:
      InputError: it promises none of them.
    """
    name = path.lower().removesuffix(".gz") if is_gzipped(path) else path.lower()
    if name.endswith((".txt", ".text")):
        return LINES
    try:
        return format_of(path).value
    except InputError:
        endings = ".tsv, .jsonl or .tfrecord" if tf_records else ".tsv or .jsonl"
        option = "--input-format" if tf_records else "--format"
        raise InputError(
            f"{path}: cannot tell the format from the name; files end in .txt, .csv, {endings}, each also "
            f"with .gz after it. Or name the format with {option}."
        ) from None


def read_stream(
    stream: io.BufferedReader, *, file: str, known: str, text_column: str
) -> Generator[Unlabeled | BadRow, None, None]:
    """The rows of a file of any format but TFRecord.

    Raises:
      InputError: there is no such column, or the file cannot be read to its end.
    """
    if known == LINES:
        with as_text(stream) as lines:
            yield from unlabeled(_line_records(lines), file=file, text_column=_TEXT)
        return
    records = text_records(stream, file=file, known=Format(known), needed={text_column}, remedy=_REMEDY)
    yield from unlabeled(records, file=file, text_column=text_column)


def read_records(path: str, *, text_column: str) -> Unlabeleds:
    """The rows of a TFRecord file; needs TensorFlow.

    Raises:
      InputError: as `read_stream`.
    """
    from components.example_gen.formats.tf_records import example_records

    records = example_records(path, gzipped=is_gzipped(path), needed={text_column}, remedy=_REMEDY)
    return unlabeled(records, file=path, text_column=text_column)


def unlabeled(records: Records, *, file: str, text_column: str) -> Unlabeleds:
    """The rows of which the text can be predicted, and those of which it cannot."""
    for record in records:
        if isinstance(record, BadRow):
            yield record
            continue
        text = record.fields.get(text_column)
        problem = _problem(text)
        if problem is not None:
            yield BadRow(file, record.line, *problem)
        else:
            yield Unlabeled(record.line, str(text), record.fields)


def require_good_rows(reading: Reading, *, source: str, max_bad_share: float) -> None:
    """Raises as `require_usable`, in the words of a prediction."""
    if not reading.rows and not reading.failures:
        raise InputError(f"{source}: there is not a single review in it.")
    require_usable(reading, max_bad_share=max_bad_share)


def _problem(text: object) -> tuple[Reason, str] | None:
    if text is None:
        return Reason.NO_TEXT, ""
    if not isinstance(text, str):
        return Reason.NO_TEXT, f"{shortened(text)} is not text"
    if not text.strip():
        return Reason.EMPTY_TEXT, ""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        return Reason.NOT_UTF8, f"character {error.start + 1} of the text"
    return None


def _line_records(lines: io.TextIOWrapper) -> Records:
    """A review a line; empty lines are passed over."""
    for number, line in enumerate(lines, start=1):
        if text := line.rstrip("\r\n"):
            yield Record(number, {_TEXT: text})
