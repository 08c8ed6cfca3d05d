"""The `files:PATTERN` source: matching files, their formats and rows.

Beam, which takes a second to import, is imported where files have to be looked for or are somewhere else: the
rows of a file on this machine's disks can be had without it.
"""

from __future__ import annotations

import glob
import hashlib
import io
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

from components.errors import InputError
from components.example_gen.formats.dialect import TOLD_BY_THE_FILE, Dialect
from components.example_gen.formats.file_format import Format, format_of, text_records
from components.example_gen.formats.packing import HEAD, Packing, packing_of, require_rows, unpacked
from components.example_gen.formats.parquet import is_parquet
from components.example_gen.formats.rows import Columns, Records, Rows, as_reviews, unreadable
from components.example_gen.sources.content import Content
from components.example_gen.span_pattern import BASE, absolute

if TYPE_CHECKING:
    from apache_beam.io.filesystem import FileMetadata


@dataclass(frozen=True)
class FilePart:
    """One file, read by one worker from its first row to its last."""

    path: str
    columns: Columns
    dialect: Dialect = TOLD_BY_THE_FILE
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
          InputError: the file lacks a column, cannot be read, is damaged, or is not of the expected format.
        """
        return as_reviews(self.records(content), file=self.path, columns=self.columns)

    def records(self, content: Content | None = None) -> Records:
        """The same rows as they stand in the file."""
        return file_records(self.path, columns=self.columns, dialect=self.dialect, content=content)


def file_records(
    path: str,
    *,
    columns: Columns,
    dialect: Dialect = TOLD_BY_THE_FILE,
    known: Format | None = None,
    whole: bool = False,
    content: Content | None = None,
) -> Records:
    """The records of a file of any format.

    Args:
      path: of the file, here or elsewhere.
      columns: those that have to be there.
      dialect: of delimited text.
      known: the format; None goes by the name. Parquet and packed bytes are known by themselves.
      whole: whether each record has all fields of its row, and not only those in `columns`.
      content: takes the hash of what is read; it is there after the last record.

    Raises:
      InputError: as `FilePart.rows`.
    """
    known = known or format_of(path)
    head = first_bytes(path)
    if is_parquet(head):
        return _parquet_records(path, columns, content, whole=whole)
    if known is Format.PARQUET:
        raise _no_parquet(head, path)
    if known is Format.TF_RECORD:
        return _tf_records(path, columns, content, gzipped=_is_gzipped_record(head, path))
    return _text_records(path, known, columns, dialect, content)


def require_tf_records(path: str) -> None:
    """Raises InputError where a file does not begin as one of TFRecords does, nor as Parquet, which is read
    under any name.
    """
    head = first_bytes(path)
    if not is_parquet(head):
        _is_gzipped_record(head, path)


def _text_records(
    path: str, known: Format, columns: Columns, dialect: Dialect, content: Content | None
) -> Records:
    with opened(path, content) as stream:
        yield from text_records(stream, file=path, known=known, columns=columns, dialect=dialect)


def _parquet_records(path: str, columns: Columns, content: Content | None, *, whole: bool) -> Records:
    from components.example_gen.formats.parquet import parquet_records

    with _place(path, content) as place:
        if "://" not in place:
            yield from parquet_records(place, file=path, columns=columns, whole=whole)
            return
        with raw_bytes(place) as source:
            yield from parquet_records(source, file=path, columns=columns, whole=whole)


def _tf_records(path: str, columns: Columns, content: Content | None, *, gzipped: bool) -> Records:
    # Imported here: the other formats start without TensorFlow.
    from components.example_gen.formats.tf_records import example_records

    with _place(path, content) as place:
        yield from example_records(path, place=place, gzipped=gzipped, columns=columns)


def _no_parquet(head: bytes, path: str) -> InputError:
    if (packing := packing_of(head)) is not Packing.NONE:
        return InputError(f"{path} is packed with {packing}; unpack it and name the file that is in it.")
    require_rows(head, path)
    return InputError(f"{path} is not a Parquet file; give it the name of the format that it has.")


def _is_gzipped_record(head: bytes, path: str) -> bool:
    packing = packing_of(head)
    if packing in (Packing.BZIP2, Packing.XZ):
        raise InputError(f"{path} is packed with {packing}; unpack it, or pack its records with gzip.")
    if packing is Packing.NONE and head[4:8] != bytes(4):  # not the length of a record
        require_rows(head, path)
    return packing is Packing.GZIP


@contextmanager
def opened(path: str, content: Content | None = None) -> Iterator[io.BufferedReader]:
    """The file's bytes, unpacked if they are packed.

    Args:
      content: takes the hash of the bytes as they are in the file.

    Raises:
      InputError: the file cannot be opened; and as `unpacked`.
    """
    try:
        raw = raw_bytes(path)
    except OSError as error:
        raise unreadable(path, error) from error
    hashed = content.hashing(raw) if content else nullcontext(raw)
    with raw, hashed as source, unpacked(source, path) as stream:
        yield stream


@contextmanager
def _place(path: str, content: Content | None) -> Iterator[str]:
    """Where a library that takes paths reads the file that `content` hashes."""
    if content is None:
        yield path
        return
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


def first_bytes(path: str) -> bytes:
    """The first HEAD bytes of a file as they are, packed or not; fewer if it has no more.

    Raises:
      InputError: it cannot be read; and as `raw_bytes`.
    """
    try:
        with raw_bytes(path) as raw:
            return raw.read(HEAD)
    except OSError as error:
        raise unreadable(path, error) from error


def raw_bytes(path: str) -> IO[bytes]:
    """The file's bytes as they are, packed or not. Every reader opens its files here.

    Raises:
      InputError: it is a pipe, a socket or a device: reading one may never end.
      OSError: it cannot be opened.
    """
    if "://" not in path:
        return open(path, "rb", opener=_opener(path))
    from apache_beam.io.filesystem import CompressionTypes
    from apache_beam.io.filesystems import FileSystems

    return FileSystems.open(path, compression_type=CompressionTypes.UNCOMPRESSED)


_KINDS = (
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def _opener(path: str) -> Callable[[str, int], int]:
    def opener(name: str, flags: int) -> int:
        _require_file(path, os.stat(name).st_mode)
        # Should a pipe be put in its place meanwhile: opening must not wait for a writer.
        descriptor = os.open(name, flags | os.O_NONBLOCK)
        try:
            _require_file(path, os.fstat(descriptor).st_mode)
        except InputError:
            os.close(descriptor)
            raise
        return descriptor

    return opener


def _require_file(path: str, mode: int) -> None:
    for is_kind, kind in _KINDS:
        if is_kind(mode):
            raise InputError(f"{path} is {kind}, not a file; save what it gives as a file and name that.")


def matching_paths(pattern: str) -> list[str]:
    """The files of `data.source` that match, sorted.

    Raises:
      InputError: none does, one of them is of no known format, or the place cannot be asked.
    """
    pattern = absolute(pattern)
    if os.path.isdir(pattern):
        raise InputError(f"data.source: {pattern} is a folder; say which of its files: files:{pattern}/*.csv")
    paths = found_paths(pattern, named="data.source: ")
    if not paths:
        raise InputError(f"data.source: no file matches {pattern}; give a path or a pattern that does.")
    for path in paths:
        require_known_format(path)
    return paths


def require_known_format(path: str) -> None:
    """Finds out that the format of a file cannot be told by its name.

    Raises:
      InputError: it says what the file is, where its bytes tell.
    """
    try:
        format_of(path)
    except InputError:
        if os.path.isfile(path):
            require_rows(first_bytes(path), path)
        raise


def found_paths(pattern: str, *, named: str = "") -> list[str]:
    """The files that match, sorted, each once: of several paths to the same file (links), the first.

    Args:
      pattern: in Beam's notation; a path may also be meant as it stands.
      named: what messages begin with.

    Raises:
      InputError: the place cannot be asked, or a folder of it not be looked into.
    """
    pattern = absolute(pattern)
    if "://" not in pattern:
        require_listable(pattern)
        if os.path.lexists(pattern):
            return [pattern]
    if not takes_beam(pattern):
        paths = glob.glob(pattern, include_hidden=True)
        return without_links(path for path in paths if not os.path.isdir(path))
    from apache_beam.io.filesystems import FileSystems

    with _asking(pattern, named):
        # A path may be meant as it stands although it holds the characters of a pattern.
        if FileSystems.exists(pattern):
            return [pattern]
    return without_links(found.path for found in match(pattern, named=named))


def require_listable(pattern: str) -> None:
    """Finds out that a folder on the way to files on this machine cannot be looked into.

    What looks for files passes over such a folder, and its reviews would be missing without a word.

    Raises:
      InputError: the system refuses it.
    """
    parts = pattern.split("/")
    wild = [at for at, part in enumerate(parts) if glob.has_magic(part) and at]
    for at in wild:
        above = "/".join(parts[:at]) or "/"
        for folder in glob.glob(above) if at > wild[0] else [above]:
            _require_of_folder(folder, lambda path: os.scandir(path).close())
    if not wild:
        _require_of_folder(pattern, os.lstat)


def _require_of_folder(path: str, ask: Callable[[str], object]) -> None:
    try:
        ask(path)
    except PermissionError as error:
        raise InputError(
            f"{path} cannot be looked into: {error.strerror}. See that the user of this process may read it."
        ) from error
    except OSError:
        return  # it is not there, or no folder: then nothing is missed in it


_ONLY_OF_BEAM = ("**", "?", "[", "\\")
"""In Beam's patterns these match the `/` between folders, too; the last one escapes."""


def takes_beam(pattern: str) -> bool:
    """Whether Beam has to be asked which files match; Python finds the others."""
    return "://" in pattern or any(more in pattern for more in _ONLY_OF_BEAM)


def without_links(paths: Iterable[str]) -> list[str]:
    """The paths, sorted, without those of a file that an earlier one leads to."""
    known: set[tuple[int, int]] = set()
    kept = []
    for path in sorted(paths):
        if "://" not in path and (file := file_identity(path)):
            if file in known:
                continue
            known.add(file)
        kept.append(path)
    return kept


def file_identity(path: str) -> tuple[int, int] | None:
    """What all paths to one file of this machine have in common; None for a path that leads nowhere."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def match(pattern: str, *, named: str = "data.source: ") -> list[FileMetadata]:
    """The files that match, each with its size and time, in no order.

    Raises:
      InputError: the place cannot be asked.
    """
    from apache_beam.io.filesystems import FileSystems

    with _asking(pattern, named):
        return FileSystems.match([pattern])[0].metadata_list


@contextmanager
def _asking(pattern: str, named: str) -> Iterator[None]:
    try:
        yield
    except ValueError as error:  # Beam has no file system for that scheme, or lacks its package
        raise InputError(f"{named}{pattern} cannot be looked up: {error}") from error
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
