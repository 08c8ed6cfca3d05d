"""Files opened for reading, local or in an object store, with the hash of what is read.

Beam, which takes a second to import, is imported only for files that are not local.
"""

from __future__ import annotations

import hashlib
import io
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import IO

from components.errors import InputError
from components.example_gen.formats.packing import HEAD, unpacked, unpacked_head
from components.example_gen.formats.rows import unreadable
from components.example_gen.sources.content import Content


@contextmanager
def opened(path: str, content: Content | None = None) -> Iterator[io.BufferedReader]:
    """Opens a file and decompresses it if needed.

    Args:
      content: gets the hash of the bytes in the file.

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
def place_of(path: str, content: Content | None) -> Iterator[str]:
    """The path from which a library reads the file that `content` hashes."""
    if content is None:
        yield path
        return
    if "://" in path:
        before = sha256(path)
        yield path
        content.digest = before if sha256(path) == before else "written to while it was read"
        return
    try:
        with content.pinning(path) as place:
            yield place
    except OSError as error:
        raise unreadable(path, error) from error


def first_bytes(path: str) -> bytes:
    """The first HEAD bytes of a file, not decompressed; fewer if the file is shorter.

    Raises:
      InputError: it cannot be read; and as `raw_bytes`.
    """
    try:
        with raw_bytes(path) as raw:
            return raw.read(HEAD)
    except OSError as error:
        raise unreadable(path, error) from error


def first_unpacked_bytes(path: str) -> bytes:
    """The first HEAD bytes of a file, decompressed if needed.

    Raises:
      InputError: it cannot be read, or its packed bytes are damaged; and as `raw_bytes`.
    """
    try:
        with raw_bytes(path) as raw:
            return unpacked_head(raw, path)
    except OSError as error:
        raise unreadable(path, error) from error


def raw_bytes(path: str) -> IO[bytes]:
    """Opens a file without decompression. Every reader opens its files here.

    Raises:
      InputError: it is a folder, or a pipe, a socket or a device, of which reading may never end.
      OSError: it cannot be opened.
    """
    if "://" not in path:
        return open(path, "rb", opener=_opener(path))
    from apache_beam.io.filesystem import CompressionTypes
    from apache_beam.io.filesystems import FileSystems

    return FileSystems.open(path, compression_type=CompressionTypes.UNCOMPRESSED)


_AS_FILE = "save what it gives as a file and name that"
_KINDS = (
    (stat.S_ISDIR, "a folder", "name a file in it"),
    (stat.S_ISFIFO, "a pipe", _AS_FILE),
    (stat.S_ISSOCK, "a socket", _AS_FILE),
    (stat.S_ISCHR, "a device", _AS_FILE),
    (stat.S_ISBLK, "a device", _AS_FILE),
)


def _opener(path: str) -> Callable[[str, int], int]:
    def opener(name: str, flags: int) -> int:
        _require_file(path, os.stat(name).st_mode)
        # The file may be replaced by a pipe: opening must not wait for a writer.
        descriptor = os.open(name, flags | os.O_NONBLOCK)
        try:
            _require_file(path, os.fstat(descriptor).st_mode)
        except InputError:
            os.close(descriptor)
            raise
        return descriptor

    return opener


def _require_file(path: str, mode: int) -> None:
    for is_kind, kind, remedy in _KINDS:
        if is_kind(mode):
            raise InputError(f"{path} is {kind}, not a file; {remedy}.")


def sha256(path: str) -> str:
    """Hex sha256 of a file's bytes, not decompressed.

    Raises:
      InputError: it cannot be read.
    """
    hashed = hashlib.sha256()
    try:
        with raw_bytes(path) as stream:
            while block := stream.read(2**20):
                hashed.update(block)
    except OSError as error:
        raise unreadable(path, error) from error
    return hashed.hexdigest()
