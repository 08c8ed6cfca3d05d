"""Detection of compressed and unsupported files by their first bytes."""

import bz2
import gzip
import io
import lzma
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from functools import partial
from typing import IO, Any, cast

from components.errors import InputError
from components.example_gen.formats.members import Members
from components.example_gen.formats.rows import unreadable

HEAD = 512
"""The number of bytes that are needed to recognize a file."""
PARQUET_MAGIC = b"PAR1"


class Packing(StrEnum):
    """The compression of a file."""

    NONE = "not packed"
    GZIP = "gzip"
    BZIP2 = "bzip2"
    XZ = "xz"


_PACKED = ((b"\x1f\x8b\x08", Packing.GZIP), (b"\xfd7zXZ\0", Packing.XZ))
_BZIP2 = re.compile(rb"BZh[1-9](?:1AY&SY|\x17rE8P\x90)")

_UNPACK = "unpack it and name the file that is in it"
_AS_CSV = "save its sheet as CSV (UTF-8) and name that"
_AS_PARQUET = "save it as Parquet or CSV (pandas: to_parquet, to_csv) and name that"
_FOREIGN = (
    (b"\x28\xb5\x2f\xfd", "packed with zstd", "unpack it (zstd -d) and name the file that is in it"),
    (b"\x04\x22\x4d\x18", "packed with lz4", "unpack it (lz4 -d) and name the file that is in it"),
    (b"\x1f\x9d", "packed with compress", _UNPACK),
    (b"\x5d\0\0", "packed with lzma", "unpack it (unlzma) and name the file that is in it"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", _UNPACK),
    (b"Rar!\x1a\x07", "a RAR archive", _UNPACK),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "a workbook or document of old Microsoft Office", _AS_CSV),
    (b"%PDF-", "a PDF document", "name a file of labeled texts, one a row"),
    (b"\x89PNG", "a PNG image", "name a file of labeled texts, one a row"),
    (b"\xff\xd8\xff", "a JPEG image", "name a file of labeled texts, one a row"),
    (b"GIF89a", "a GIF image", "name a file of labeled texts, one a row"),
    (b"{\\rtf", "a document in Rich Text Format", "save it as CSV (UTF-8) and name that"),
    (
        b"SQLite format 3\0",
        "an SQLite database",
        "export its table as CSV (sqlite3 -csv -header) and name that",
    ),
    (b"FEA1", "a Feather file", _AS_PARQUET),
    (b"ARROW1", "an Arrow or Feather file", _AS_PARQUET),
    (b"Obj\x01", "an Avro file", _AS_PARQUET),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file", _AS_PARQUET),
    (b"\x93NUMPY", "a NumPy array", "save text and label as CSV and name that"),
    (b"\x80\x02", "a Python pickle, which is never opened: it can run any code", _AS_PARQUET),
    (b"\x80\x03", "a Python pickle, which is never opened: it can run any code", _AS_PARQUET),
    (b"\x80\x04", "a Python pickle, which is never opened: it can run any code", _AS_PARQUET),
    (b"\x80\x05", "a Python pickle, which is never opened: it can run any code", _AS_PARQUET),
    (b"version https://git-lfs", "a pointer of Git LFS, not the file itself", "fetch it with `git lfs pull`"),
)
_MARKUP = re.compile(rb"(?:\xef\xbb\xbf)?\s*<(!doctype\s+html|html|\?xml)\b", re.IGNORECASE)
_TAR_AT = 257


def packing_of(head: bytes) -> Packing:
    """The compression of a file that begins with these bytes."""
    for magic, packing in _PACKED:
        if head.startswith(magic):
            return packing
    return Packing.BZIP2 if _BZIP2.match(head) else Packing.NONE


def require_rows(head: bytes, path: str) -> None:
    """Refuses a file whose first (decompressed) bytes show a format without rows of text.

    Raises:
      InputError: the message says what the file is, and the remedy.
    """
    for magic, what, remedy in (*_FOREIGN, *_zip(head), *_markup(head)):
        if head.startswith(magic):
            raise InputError(f"{path} is {what}; {remedy}.")
    if head[_TAR_AT : _TAR_AT + 5] == b"ustar":
        raise InputError(f"{path} is a tar archive; {_UNPACK}.")
    if packing_of(head) is not Packing.NONE:
        raise InputError(f"{path} is packed twice; unpack it once and name what comes out.")


def _zip(head: bytes) -> list[tuple[bytes, str, str]]:
    magic = b"PK\x03\x04"
    if b"xl/" in head or b"[Content_Types].xml" in head or b"_rels/" in head or b"docProps/" in head:
        return [(magic, "an Excel workbook or another document of Microsoft Office", _AS_CSV)]
    if b"opendocument" in head:
        return [(magic, "an OpenDocument file", _AS_CSV)]
    return [
        (magic, "a zip archive", "unpack it (unzip) and name the file that is in it"),
        (b"PK\x05\x06", "an empty zip archive", _UNPACK),
    ]


def _markup(head: bytes) -> list[tuple[bytes, str, str]]:
    found = _MARKUP.match(head)
    if not found:
        return []
    if found[1].lower() == b"?xml" and b"<html" not in head.lower():
        return [(found[0], "an XML document", "save its rows as CSV and name that")]
    return [(found[0], "a web page (HTML)", "download the data itself, not the page about it")]


@contextmanager
def unpacked(raw: IO[bytes], path: str) -> Iterator[io.BufferedReader]:
    """The bytes of the open file `raw`, decompressed from gzip, bzip2 or xz.

    Raises:
      InputError: the file cannot be read on, its packed bytes are damaged or cut off, or it is of a kind that
        holds no rows of text.
    """
    stream, packing = _plain(raw, path)
    head = stream.peek(HEAD)[:HEAD]
    require_rows(head, path)
    if packing is not Packing.NONE and head.startswith(PARQUET_MAGIC):
        raise InputError(f"{path} is Parquet packed with {packing}; {_UNPACK}.")
    yield stream


def unpacked_head(raw: IO[bytes], path: str) -> bytes:
    """The first HEAD decompressed bytes of the open file `raw`, of any format.

    Raises:
      InputError: as `unpacked_size`.
    """
    return _plain(raw, path)[0].peek(HEAD)[:HEAD]


def unpacked_size(raw: IO[bytes], path: str) -> int:
    """The number of decompressed bytes of the open file `raw`, of any format.

    Raises:
      InputError: the file cannot be read on, or its packed bytes are damaged or cut off.
    """
    stream, _ = _plain(raw, path)
    return sum(map(len, iter(partial(stream.read, 2**20), b"")))


def _plain(raw: IO[bytes], path: str) -> tuple[io.BufferedReader, Packing]:
    source = io.BufferedReader(_Told(raw, path), buffer_size=2**16)
    packing = packing_of(source.peek(HEAD)[:HEAD])
    match packing:
        case Packing.GZIP:
            plain: Any = gzip.GzipFile(fileobj=source)
        case Packing.BZIP2:
            plain = Members(source, bz2.BZ2Decompressor)
        case Packing.XZ:
            plain = Members(source, partial(lzma.LZMADecompressor, format=lzma.FORMAT_XZ))
        case Packing.NONE:
            plain = source
    return cast(io.BufferedReader, io.BufferedReader(_Told(plain, path), buffer_size=2**20)), packing


class _Told(io.RawIOBase):
    """The bytes of `source`, with errors that name `path`."""

    def __init__(self, source: IO[bytes], path: str) -> None:
        super().__init__()
        self._source = cast(io.BufferedIOBase, source)
        self._path = path

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            return self._source.readinto(buffer)
        except (EOFError, zlib.error, gzip.BadGzipFile, lzma.LZMAError) as error:
            raise InputError(f"{self._path} is damaged ({error}); write or copy it again.") from error
        except OSError as error:
            if error.errno is None:  # bz2's error for invalid bytes
                raise InputError(f"{self._path} is damaged ({error}); write or copy it again.") from error
            raise unreadable(self._path, error) from error
