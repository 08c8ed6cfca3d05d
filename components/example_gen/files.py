"""The `files:PATTERN` source: which files, in which formats, and their rows."""

import gzip
import hashlib
import io
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import cast

from apache_beam.io.filesystem import CompressionTypes
from apache_beam.io.filesystems import FileSystems

from components.errors import InputError
from components.example_gen.delimited import read_delimited
from components.example_gen.json_lines import read_json_lines
from components.example_gen.rows import Rows, unreadable

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


@dataclass(frozen=True)
class FilePart:
    """One file, read by one worker from its first row to its last."""

    path: str
    text_column: str
    label_column: str
    split: str | None = None
    """Files are shared out to all splits."""

    @property
    def name(self) -> str:
        return self.path

    def held_out(self) -> tuple[str, ...]:
        """Nothing: no split of this source is fixed."""
        return ()

    def rows(self) -> Rows:
        """The rows of the file.

        Raises:
          InputError: the file lacks a column, cannot be read, is damaged, or is not text of the expected
            encoding.
        """
        columns = {"text_column": self.text_column, "label_column": self.label_column}
        known = format_of(self.path)
        if known is Format.TF_RECORD:
            # Imported here: the other formats start without TensorFlow.
            from components.example_gen.tf_records import read_tf_records

            return read_tf_records(self.path, gzipped=_is_gzipped(self.path), **columns)
        return self._text_rows(known, columns)

    def _text_rows(self, known: Format, columns: dict[str, str]) -> Rows:
        with _opened(self.path) as stream:
            _refuse_utf16(self.path, stream)
            if known is Format.JSON_LINES:
                yield from read_json_lines(stream, file=self.path, **columns)
                return
            # What is not UTF-8 goes on as surrogates, so that one bad byte costs one row and not the file.
            text = io.TextIOWrapper(stream, encoding="utf-8-sig", errors="surrogateescape", newline="")
            delimiter = "\t" if known is Format.TSV else ","
            yield from read_delimited(text, file=self.path, delimiter=delimiter, **columns)


def matching_paths(pattern: str) -> list[str]:
    """The files that match, sorted.

    Raises:
      InputError: none does, one of them is of no known format, or the place cannot be asked.
    """
    pattern = _absolute(pattern)
    if os.path.isdir(pattern):
        raise InputError(f"data.source: {pattern} is a folder; say which of its files: files:{pattern}/*.csv")
    paths = _found(pattern)
    if not paths:
        raise InputError(f"data.source: no file matches {pattern}; give a path or a pattern that does.")
    paths.sort()
    for path in paths:
        format_of(path)
    return paths


def _found(pattern: str) -> list[str]:
    try:
        # A path may be meant as it stands although it holds the characters of a pattern.
        if FileSystems.exists(pattern):
            return [pattern]
        return [found.path for found in FileSystems.match([pattern])[0].metadata_list]
    except ValueError as error:  # Beam knows no file system of that scheme, or lacks the package for it
        raise InputError(f"data.source: {pattern} cannot be looked up: {error}") from error
    except OSError as error:
        raise unreadable(pattern, error) from error


def content_fingerprint(paths: list[str]) -> str:
    """Hex sha256 over formats and bytes of the files; their names, places, times and order do not count.

    Raises:
      InputError: one of them cannot be read.
    """
    return hashlib.sha256("\n".join(sorted(_file_fingerprint(path) for path in paths)).encode()).hexdigest()


def _file_fingerprint(path: str) -> str:
    hashed = hashlib.sha256()
    try:
        with FileSystems.open(path, compression_type=CompressionTypes.UNCOMPRESSED) as stream:
            while block := stream.read(2**20):
                hashed.update(block)
    except OSError as error:
        raise unreadable(path, error) from error
    return f"{format_of(path)} {hashed.hexdigest()}"


def _absolute(pattern: str) -> str:
    """Local patterns as workers in other folders can use them; `gs://...` and the like as they are."""
    return pattern if "://" in pattern else os.path.abspath(os.path.expanduser(pattern))


def _is_gzipped(path: str) -> bool:
    return path.lower().endswith(_GZIP)


@contextmanager
def _opened(path: str) -> Iterator[io.BufferedReader]:
    """The file's bytes, unpacked if its name ends in .gz.

    Raises:
      InputError: the file cannot be opened or read on, or its packed bytes are damaged or cut off.
    """
    try:
        with FileSystems.open(path, compression_type=CompressionTypes.UNCOMPRESSED) as raw:
            unpacked = gzip.GzipFile(fileobj=raw) if _is_gzipped(path) else raw
            yield io.BufferedReader(cast(io.RawIOBase, unpacked), buffer_size=2**20)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InputError(f"{path} is damaged ({error}); write or copy it again.") from error
    except OSError as error:
        raise unreadable(path, error) from error


def _refuse_utf16(path: str, stream: io.BufferedReader) -> None:
    if stream.peek(2)[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise InputError(f"{path} is UTF-16; save it as UTF-8.")
