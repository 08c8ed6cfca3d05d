"""The file operations that a version store needs, for disks and object stores."""

import contextlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Protocol

CHUNK = 1 << 20
COMMIT_NAME = "saved_model.pb"
"""The file whose presence makes a folder a version."""


Check = Callable[[Callable[[str], Iterator[bytes]]], None]
"""Called with what reads a file of a version by its name, in chunks; raises an error if a file is wrong."""


class Held(Protocol):
    """A lock while it is held."""

    def confirm(self) -> None:
        """Raises StoreBusy if the lock was lost (a lease that expired)."""


class Files(Protocol):
    """File operations on paths, which are strings joined with `/`.

    A version folder exists, for every reader, exactly if its `saved_model.pb` does; `move` and `discard`
    guarantee that.

    Raises:
      FileNotFoundError: a path does not exist.
      OSError: any other failure.
    """

    def folders(self, path: str) -> list[str]:
        """The names of the folders directly in `path`; empty if `path` does not exist."""

    def tree(self, path: str) -> dict[str, int]:
        """Relative path -> size in bytes of each file below `path`; empty if `path` does not exist."""

    def exists(self, path: str) -> bool:
        """Whether `path` is a file or a folder."""

    def read(self, path: str) -> bytes:
        """The whole content of a small file."""

    def chunks(self, path: str) -> Iterator[bytes]:
        """The content of a file in chunks of at most CHUNK bytes."""

    def write(self, path: str, chunks: Iterable[bytes]) -> None:
        """Writes a new file and its folders, and syncs the content to the disk."""

    def prepare(self, path: str) -> None:
        """Creates the folder `path`, on file systems that have folders."""

    def replace(self, path: str, data: bytes) -> None:
        """Writes a small file atomically: a reader sees the old or the new content."""

    def append(self, path: str, line: bytes) -> None:
        """Appends a line to a file; starts a new line if an earlier append was cut short."""

    def move(self, source: str, target: str, *, check: Check | None = None) -> None:
        """Moves a version folder: `target` exists only once it is complete, and then `source` is removed.

        Args:
          source, target: the folders.
          check: where a move copies the files, is called before `target` exists, with what reads the copies.
        """

    def discard(self, path: str, *, trash: str) -> None:
        """Removes a version folder atomically, then frees its space; `trash` is an unused path."""

    def remove(self, path: str) -> None:
        """Removes a folder with its content, if it exists. Not atomic: no reader may use the folder."""

    def lock(
        self, path: str, *, wait_seconds: float, lease_seconds: float
    ) -> contextlib.AbstractContextManager[Held]:
        """Locks `path` against other writers.

        Args:
          path: the lock file or object.
          wait_seconds: how long to wait for the lock.
          lease_seconds: when the lock of a dead holder ends, on storage where that cannot be known.

        Raises:
          StoreBusy: another writer held it for `wait_seconds`.
          StoreInputError: the storage cannot keep two writers apart.
        """

    def local_copy(self, path: str) -> contextlib.AbstractContextManager[Path]:
        """The folder as a local one of the same name, for tools that read only local files."""


def join(*parts: str) -> str:
    """The parts as one path."""
    return "/".join([parts[0].rstrip("/"), *parts[1:]])


def commit_last(paths: Iterable[str]) -> list[str]:
    """The files of a version in the order of copying: `saved_model.pb` last."""
    return sorted(paths, key=lambda path: (path == COMMIT_NAME, path))
