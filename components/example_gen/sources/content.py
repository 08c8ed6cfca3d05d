"""Content hashes of files, taken while they are read, so that cache key and value agree."""

import hashlib
import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any, cast

_BLOCK = 2**20


class Content:
    """The sha256 of the bytes that a reader has read; `digest` is None until the end of the file."""

    digest: str | None = None

    @contextmanager
    def hashing(self, raw: IO[bytes]) -> Iterator[IO[bytes]]:
        """The open file `raw`, read in order; bytes that the reader leaves are hashed, too."""
        hashed = _HashedReader(raw)
        yield cast(IO[bytes], hashed)
        hashed.read_on()
        self.digest = hashed.hexdigest()

    @contextmanager
    def pinning(self, path: str) -> Iterator[str]:
        """A path of the local file at `path` for libraries that accept only paths.

        It leads to an open file, so the library reads what was hashed, even if `path` is replaced.

        Raises:
          OSError: the file cannot be opened or read.
        """
        with open(path, "rb") as file:
            before = _state(file)
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            file.seek(0)
            yield f"/dev/fd/{file.fileno()}"
            self.digest = digest if _state(file) == before else "written to while it was read"


class _HashedReader(io.RawIOBase):
    def __init__(self, raw: IO[bytes]) -> None:
        super().__init__()
        self._raw = cast(io.BufferedIOBase, raw)
        self._hash = hashlib.sha256()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        count = self._raw.readinto(buffer)
        self._hash.update(memoryview(buffer)[:count])
        return count

    def read_on(self) -> None:
        """Reads to the end: bytes after those that the format needs are content, too."""
        while self.read(_BLOCK):
            pass

    def hexdigest(self) -> str:
        return self._hash.hexdigest()


def _state(file: IO[bytes]) -> tuple[int, int, int]:
    """A state that changes with every write: no program can set the last figure."""
    found = os.fstat(file.fileno())
    return found.st_size, found.st_mtime_ns, found.st_ctime_ns
