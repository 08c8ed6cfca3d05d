"""The `files:PATTERN` source: which files, in which formats, and their rows.

Beam, which takes a second to import, is imported where files have to be looked for or are somewhere else: the
rows of a file on this machine's disks can be had without it.
"""

from __future__ import annotations

import glob
import hashlib
import io
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

from components.errors import InputError
from components.example_gen.formats.file_format import Format, format_of, is_gzipped, text_records, unpacked
from components.example_gen.formats.rows import Rows, as_reviews, unreadable
from components.example_gen.sources.content import Content
from components.example_gen.span_pattern import BASE, absolute

if TYPE_CHECKING:
    from apache_beam.io.filesystem import FileMetadata


@dataclass(frozen=True)
class FilePart:
    """One file, read by one worker from its first row to its last."""

    path: str
    text_column: str
    label_column: str
    split: str | None = None
    """Files are shared out to all splits."""
    span: int = BASE

    @property
    def name(self) -> str:
        return self.path

    def held_out(self) -> tuple[str, ...]:
        """Nothing: no split of this source is fixed."""
        return ()

    def rows(self, content: Content | None = None) -> Rows:
        """The rows of the file.

        Args:
          content: takes the hash of what is read; it is there after the last row.

        Raises:
          InputError: the file lacks a column, cannot be read, is damaged, or is not text of the expected
            encoding.
        """
        columns = {"text_column": self.text_column, "label_column": self.label_column}
        known = format_of(self.path)
        content = content or Content()
        if known is Format.TF_RECORD:
            return self._tf_record_rows(columns, content)
        return self._text_rows(known, columns, content)

    def _tf_record_rows(self, columns: dict[str, str], content: Content) -> Rows:
        # Imported here: the other formats start without TensorFlow.
        from components.example_gen.formats.tf_records import read_tf_records

        with _place(self.path, content) as place:
            yield from read_tf_records(self.path, place=place, gzipped=is_gzipped(self.path), **columns)

    def _text_rows(self, known: Format, columns: dict[str, str], content: Content) -> Rows:
        with opened(self.path, content) as stream:
            records = text_records(stream, file=self.path, known=known, needed=set(columns.values()))
            yield from as_reviews(records, file=self.path, **columns)


@contextmanager
def opened(path: str, content: Content | None = None) -> Iterator[io.BufferedReader]:
    """The file's bytes, unpacked if its name ends in .gz.

    Args:
      content: takes the hash of the bytes as they are in the file.

    Raises:
      InputError: the file cannot be opened; and as `unpacked`.
    """
    try:
        raw = raw_bytes(path)
    except OSError as error:
        raise unreadable(path, error) from error
    with raw, (content or Content()).hashing(raw) as hashed, unpacked(hashed, path) as stream:
        yield stream


@contextmanager
def _place(path: str, content: Content) -> Iterator[str]:
    """Where TensorFlow reads the file that `content` hashes."""
    if "://" in path:
        before = _sha256(path)
        yield path
        content.digest = before if _sha256(path) == before else "written to while it was read"
        return
    try:
        with content.pinning(path) as place:
            yield place
    except OSError as error:
        raise unreadable(path, error) from error


def raw_bytes(path: str) -> IO[bytes]:
    """The file's bytes as they are, packed or not."""
    if "://" not in path:
        return open(path, "rb")
    from apache_beam.io.filesystem import CompressionTypes
    from apache_beam.io.filesystems import FileSystems

    return FileSystems.open(path, compression_type=CompressionTypes.UNCOMPRESSED)


def matching_paths(pattern: str) -> list[str]:
    """The files that match, sorted.

    Raises:
      InputError: none does, one of them is of no known format, or the place cannot be asked.
    """
    pattern = absolute(pattern)
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
    if _surely_none(pattern):
        return []
    from apache_beam.io.filesystems import FileSystems

    with _asking(pattern):
        # A path may be meant as it stands although it holds the characters of a pattern.
        if FileSystems.exists(pattern):
            return [pattern]
    return [found.path for found in match(pattern)]


def _surely_none(pattern: str) -> bool:
    """Whether nothing on this machine's disks matches, as far as Python can tell without Beam.

    In Beam's patterns `**`, `?` and `[...]` match the `/` between folders, too, and there are escapes.
    """
    if any(more in pattern for more in ("://", "**", "?", "[", "\\")):
        return False
    return not (os.path.exists(pattern) or glob.glob(pattern, include_hidden=True))


def match(pattern: str) -> list[FileMetadata]:
    """The files that match, each with its size and time, in no order.

    Raises:
      InputError: the place cannot be asked.
    """
    from apache_beam.io.filesystems import FileSystems

    with _asking(pattern):
        return FileSystems.match([pattern])[0].metadata_list


@contextmanager
def _asking(pattern: str) -> Iterator[None]:
    try:
        yield
    except ValueError as error:  # Beam knows no file system of that scheme, or lacks the package for it
        raise InputError(f"data.source: {pattern} cannot be looked up: {error}") from error
    except OSError as error:
        raise unreadable(pattern, error) from error


def content_fingerprint(paths: list[str]) -> str:
    """Hex sha256 over formats and bytes of the files; their names, places, times and order do not count.

    Raises:
      InputError: one of them cannot be read.
    """
    return combined(file_fingerprint(path) for path in paths)


def combined(fingerprints: Iterable[str]) -> str:
    """The fingerprint of several files by those of each; their order does not count."""
    return hashlib.sha256("\n".join(sorted(fingerprints)).encode()).hexdigest()


def file_fingerprint(path: str) -> str:
    """Format and sha256 of one file.

    Raises:
      InputError: it cannot be read.
    """
    return with_format(path, _sha256(path))


def with_format(path: str, digest: str) -> str:
    """The fingerprint of the file at `path` by the sha256 of its bytes."""
    return f"{format_of(path)} {digest}"


def _sha256(path: str) -> str:
    hashed = hashlib.sha256()
    try:
        with raw_bytes(path) as stream:
            while block := stream.read(2**20):
                hashed.update(block)
    except OSError as error:
        raise unreadable(path, error) from error
    return hashed.hexdigest()
