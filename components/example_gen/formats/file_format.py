"""What is in a file: the format that its name promises, and its records. Needs no Beam and no TensorFlow."""

import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import IO, Any, cast

from components.errors import InputError
from components.example_gen.formats.delimited import DATA_COLUMNS, delimited_records
from components.example_gen.formats.json_lines import json_records
from components.example_gen.formats.rows import Records, unreadable

_GZIP = ".gz"


class Format(StrEnum):
    """What a file's name says about what is in it."""

    CSV = "CSV"
    TSV = "TSV"
    JSON_LINES = "JSONL"
    TF_RECORD = "TFRecord"


_SUFFIXES = {
    ".csv": Format.CSV,
    ".tsv": Format.TSV,
    ".jsonl": Format.JSON_LINES,
    ".ndjson": Format.JSON_LINES,
}


def format_of(path: str) -> Format:
    """The format that a path's name promises.

    Raises:
      InputError: it promises none of the known ones.
    """
    name = path.rsplit("/", 1)[-1].lower().removesuffix(_GZIP)
    for suffix, known in _SUFFIXES.items():
        if name.endswith(suffix):
            return known
    # Written in shards these are called `data_tfrecord-00000-of-00001.gz`: the word may stand anywhere.
    if "tfrecord" in name:
        return Format.TF_RECORD
    raise InputError(
        f"{path}: cannot tell the format from the name; files end in .csv, .tsv, .jsonl or .tfrecord, "
        "each also with .gz after it."
    )


def is_gzipped(path: str) -> bool:
    """Whether a path's name promises packed bytes."""
    return path.lower().endswith(_GZIP)


@contextmanager
def unpacked(raw: IO[bytes], path: str) -> Iterator[io.BufferedReader]:
    """The bytes of the open file `raw`, unpacked if its name ends in .gz.

    Raises:
      InputError: the file cannot be read on, is UTF-16, or its packed bytes are damaged or cut off.
    """
    source = gzip.GzipFile(fileobj=raw) if is_gzipped(path) else raw
    buffered: io.BufferedReader = io.BufferedReader(_Told(source, path), buffer_size=2**20)
    if buffered.peek(2)[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise InputError(f"{path} is UTF-16; save it as UTF-8.")
    yield buffered


class _Told(io.RawIOBase):
    """The bytes of `source`, whose errors name `path`; what goes wrong elsewhere meanwhile is not its."""

    def __init__(self, source: IO[bytes] | gzip.GzipFile, path: str) -> None:
        super().__init__()
        self._source = cast(io.BufferedIOBase, source)
        self._path = path

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            return self._source.readinto(buffer)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise InputError(f"{self._path} is damaged ({error}); write or copy it again.") from error
        except OSError as error:
            raise unreadable(self._path, error) from error


def text_records(
    stream: io.BufferedReader, *, file: str, known: Format, needed: set[str], remedy: str = DATA_COLUMNS
) -> Records:
    """The records of a CSV, TSV or JSONL file; see `delimited_records` and `json_records`."""
    if known is Format.JSON_LINES:
        yield from json_records(stream, file=file, needed=needed, remedy=remedy)
        return
    delimiter = "\t" if known is Format.TSV else ","
    with as_text(stream) as lines:
        yield from delimited_records(lines, file=file, needed=needed, delimiter=delimiter, remedy=remedy)


@contextmanager
def as_text(stream: io.BufferedReader) -> Iterator[io.TextIOWrapper]:
    """The lines of UTF-8 text with their ends.

    What is not UTF-8 goes on as surrogates, so that one bad byte costs one row and not the file.
    """
    text = io.TextIOWrapper(stream, encoding="utf-8-sig", errors="surrogateescape", newline="")
    try:
        yield text
    finally:
        text.detach()  # else it closes the stream, and complains
