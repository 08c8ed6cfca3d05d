"""The decompressor of all members of a bzip2 or xz file.

The readers of Python's bz2 and lzma treat invalid bytes after the first member as the end of the file: rows
after damaged bytes would be missing silently.
"""

import io
from collections.abc import Callable
from typing import Any, Protocol

_BLOCK = 2**16


class Decompressor(Protocol):
    """The interface of the decompressors of bz2 and lzma."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int = -1) -> bytes: ...


class Members(io.RawIOBase):
    """The decompressed bytes of all members. Zeros after a member are padding.

    Args:
      source: the compressed bytes.
      begin: creates the decompressor of one member.

    Raises:
      EOFError: on reading, if a member is cut off.
      OSError, lzma.LZMAError: the bytes after a member are not a member.
    """

    def __init__(self, source: io.BufferedIOBase, begin: Callable[[], Decompressor]) -> None:
        super().__init__()
        self._source = source
        self._begin = begin
        self._member = begin()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while True:
            packed = b""
            if self._member.eof:
                packed = self._next_member()
                if not packed:
                    return 0
                self._member = self._begin()
            elif self._member.needs_input and not (packed := self._source.read(_BLOCK)):
                raise EOFError("cut off before its end")
            if plain := self._member.decompress(packed, len(buffer)):
                buffer[: len(plain)] = plain
                return len(plain)

    def _next_member(self) -> bytes:
        """The first bytes of the next member; empty at the end of the file."""
        packed = self._member.unused_data.lstrip(b"\0")
        while not packed and (block := self._source.read(_BLOCK)):
            packed = block.lstrip(b"\0")
        return packed
