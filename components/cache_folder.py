"""Locks in the cache folder: one process at a time fills a place in it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import filelock

from components.errors import InputError


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Locks a file or folder of the cache, which need not exist yet; waits for a process that has locked it.

    Raises:
      InputError: the cache folder cannot be written.
    """
    lock = filelock.FileLock(path.with_name(f".{path.name}.lock"))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except OSError as error:
        raise InputError(
            f"The cache folder {path.parent} cannot be written: {error}. Set cache_dir to one that can."
        ) from error
    try:
        yield
    finally:
        lock.release()
