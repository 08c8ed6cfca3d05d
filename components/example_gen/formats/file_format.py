"""File formats by name and encoding, and the records of text files. Needs no Beam and no TensorFlow."""

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from itertools import chain

from components.errors import InputError
from components.example_gen.formats.delimited import delimited_records
from components.example_gen.formats.dialect import TOLD_BY_THE_FILE, Dialect, names_columns
from components.example_gen.formats.json_lines import is_array, json_array_records, json_line_records
from components.example_gen.formats.packing import HEAD
from components.example_gen.formats.rows import Columns, Record, Records

_LONGEST_LINE = 2**25
"""Characters; a row of a table may have many fields, and one of them 2**20 characters."""
_PACKED_ENDS = (".gz", ".bz2", ".xz")


class Format(StrEnum):
    """The format of a file."""

    CSV = "CSV"
    TSV = "TSV"
    JSON_LINES = "JSONL"
    PARQUET = "Parquet"
    TF_RECORD = "TFRecord"


_SUFFIXES = {
    ".csv": Format.CSV,
    ".tsv": Format.TSV,
    ".tab": Format.TSV,
    ".jsonl": Format.JSON_LINES,
    ".ndjson": Format.JSON_LINES,
    ".json": Format.JSON_LINES,
    ".parquet": Format.PARQUET,
    ".pq": Format.PARQUET,
}


def format_of(path: str) -> Format:
    """The format by a path's name.

    Raises:
      InputError: the name shows no known format.
    """
    name = unpacked_name(path.rsplit("/", 1)[-1])
    for suffix, known in _SUFFIXES.items():
        if name.endswith(suffix):
            return known
    # Shards are named `data_tfrecord-00000-of-00001.gz`, so the word may be anywhere.
    if "tfrecord" in name:
        return Format.TF_RECORD
    raise InputError(
        f"{path}: cannot tell the format from the name; files end in .csv, .tsv, .json, .jsonl, .parquet or "
        ".tfrecord, each also with .gz after it."
    )


def unpacked_name(path: str) -> str:
    """The name of a path in lower case, without the ending of a compression."""
    name = path.lower()
    for end in _PACKED_ENDS:
        name = name.removesuffix(end)
    return name


def is_packed_name(path: str) -> bool:
    """Whether a path has the ending of a compression."""
    return path.lower().endswith(_PACKED_ENDS)


def text_records(
    stream: io.BufferedReader,
    *,
    file: str,
    known: Format,
    columns: Columns,
    dialect: Dialect = TOLD_BY_THE_FILE,
) -> Records:
    """The records of a CSV, TSV or JSON file; see `delimited_records`, `json_line_records` and
    `json_array_records`.
    """
    if known is Format.JSON_LINES:
        yield from _json_records(stream, file=file, columns=columns)
        return
    promised = "\t" if known is Format.TSV else ","
    with as_text(stream, file) as text:
        lines = lines_of(text, file)
        yield from delimited_records(lines, file=file, columns=columns, promised=promised, dialect=dialect)


def line_records(stream: io.BufferedReader, *, file: str, column: str) -> Records:
    """The lines of plain text, each as a record with the field `column`; empty lines are skipped."""
    with as_text(stream, file) as text:
        for number, line in enumerate(lines_of(text, file), start=1):
            if written := line.rstrip("\r\n"):
                yield Record(number, {column: written})


def _json_records(stream: io.BufferedReader, *, file: str, columns: Columns) -> Records:
    try:
        array = is_array(stream.peek(HEAD)[:HEAD])
    except ValueError as error:
        raise InputError(f"{file} is {error}.") from None
    with as_text(stream, file) as text:
        if array:
            yield from json_array_records(text, file=file, columns=columns)
        else:
            lines = lines_of(text, file)
            first = next(lines, "")
            if names_columns(first, dialect=TOLD_BY_THE_FILE, needed=columns.needed):
                raise InputError(f"{file} is delimited text, not JSON; give it the ending .csv.")
            yield from json_line_records(chain([first], lines), file=file, columns=columns)


def lines_of(text: io.TextIOBase, file: str) -> Iterator[str]:
    """The lines of `as_text`, one at a time.

    Raises:
      InputError: one is so long that the file is not made of rows; a file that a crash has left may end in
        gigabytes of zeros.
    """
    number = 0
    while line := text.readline(_LONGEST_LINE):
        number += 1
        if len(line) == _LONGEST_LINE:
            long = f"is longer than {len(line):,} characters"
            what = "begins with zeros" if line.startswith("\0" * HEAD) else long
            raise InputError(
                f"{file}:{number}: the line {what}, so this is not a file of labeled texts, or a damaged "
                "one. Write or copy it again, or name another."
            )
        yield line


@contextmanager
def as_text(stream: io.BufferedReader, file: str) -> Iterator[io.TextIOWrapper]:
    """The lines of text with their line ends: UTF-8, or UTF-16 or UTF-32 if the first bytes show it.

    Bytes that are not UTF-8 become surrogates, so that one bad byte costs one row instead of the file.

    Raises:
      InputError: text in another encoding is cut off or invalid.
    """
    encoding = _encoding(stream.peek(HEAD)[:HEAD])
    errors = "surrogateescape" if encoding == "utf-8-sig" else "surrogatepass"
    text = io.TextIOWrapper(stream, encoding=encoding, errors=errors, newline="")
    try:
        yield text
    except UnicodeDecodeError as error:
        raise InputError(
            f"{file} is not {error.encoding.upper()} to its end ({error.reason}); save it as UTF-8."
        ) from error
    finally:
        text.detach()  # otherwise it closes the stream and raises


def _encoding(head: bytes) -> str:
    """The encoding by the byte order mark; without one, zero bytes in a header show UTF-16."""
    if head.startswith((b"\xff\xfe\0\0", b"\0\0\xfe\xff")):
        return "utf-32"
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    if re.match(rb"(?:[\x09-\x7e]\0){4}", head):
        return "utf-16-le"
    if re.match(rb"(?:\0[\x09-\x7e]){4}", head):
        return "utf-16-be"
    return "utf-8-sig"
