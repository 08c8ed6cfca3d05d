"""The file operations that a version store needs, for disks and object stores."""

import contextlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Protocol

CHUNK = 1 << 20
COMMIT_NAME = "saved_model.pb"
"""The file whose presence makes a folder a version."""


class Held(Protocol):
    """A lock while it is held."""

    def confirm(self) -> None:
        """Raise StoreBusy if the lock was lost meanwhile (a lease that ran out)."""


class Files(Protocol):
    """Paths are texts joined with `/`. A missing path raises FileNotFoundError, any other failure an OSError.

    A version folder is *there* from the moment its `saved_model.pb` is: `move` and `discard` keep to that.
    """

    def folders(self, path: str) -> list[str]:
        """Names of the folders directly in `path`; none when there is no such folder."""

    def tree(self, path: str) -> dict[str, int]:
        """Size of each file below `path`, by its path relative to it; empty when there is no such folder."""

    def exists(self, path: str) -> bool:
        """Whether `path` is a file or a folder."""

    def read(self, path: str) -> bytes:
        """The whole content of a small file."""

    def chunks(self, path: str) -> Iterator[bytes]:
        """The content of a file in pieces."""

    def write(self, path: str, chunks: Iterable[bytes]) -> None:
        """Write a new file, its folders too; its content is on the disk on return."""

    def prepare(self, path: str) -> None:
        """Make the folder `path` where folders have to be made."""

    def replace(self, path: str, data: bytes) -> None:
        """Put a small file in place: a reader sees the old content or the new one, never a part."""

    def append(self, path: str, line: bytes) -> None:
        """Add a line to a file, on a line of its own even where an earlier append was torn."""

    def move(self, source: str, target: str) -> None:
        """Move a version folder: `target` is there only once it is whole, and then `source` goes."""

    def discard(self, path: str, *, trash: str) -> None:
        """Make a version folder disappear at once, then free its space; `trash` is an unused path."""

    def remove(self, path: str) -> None:
        """Remove a folder and what is in it, or nothing where there is none; no reader may look at it."""

    def lock(
        self, path: str, *, wait_seconds: float, lease_seconds: float
    ) -> contextlib.AbstractContextManager[Held]:
        """Hold `path` against other writers; raises StoreBusy when it is not free within `wait_seconds`."""

    def local_copy(self, path: str) -> contextlib.AbstractContextManager[Path]:
        """The folder as a local path, for tools that can read nothing else."""


def join(*parts: str) -> str:
    """The parts as one path."""
    return "/".join([parts[0].rstrip("/"), *parts[1:]])


def commit_last(paths: Iterable[str]) -> list[str]:
    """A version's files in the order in which they may appear: `saved_model.pb` at the very end."""
    return sorted(paths, key=lambda path: (path == COMMIT_NAME, path))
