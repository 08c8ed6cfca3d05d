"""The files of a version store on a local disk: atomic by rename, durable by fsync, locked by flock."""

import contextlib
import errno
import fcntl
import os
import socket
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from serving.errors import StoreBusy
from serving.storage.files import CHUNK, Check

POLL_SECONDS = 0.02


class LocalFiles:
    """`Files` on local folders.

    Args:
      system: provides the system calls: the os module, or a replacement in tests.
    """

    def __init__(self, system: Any = os) -> None:
        self._system = system

    def folders(self, path: str) -> list[str]:
        try:
            with os.scandir(path) as entries:
                return sorted(entry.name for entry in entries if entry.is_dir())
        except FileNotFoundError:
            return []

    def tree(self, path: str) -> dict[str, int]:
        return dict(_walk(path, ""))

    def exists(self, path: str) -> bool:
        return os.path.exists(path)

    def read(self, path: str) -> bytes:
        return Path(path).read_bytes()

    def chunks(self, path: str) -> Iterator[bytes]:
        with open(path, "rb") as file:
            while chunk := file.read(CHUNK):
                yield chunk

    def write(self, path: str, chunks: Iterable[bytes]) -> None:
        self._make_folder(os.path.dirname(path))
        handle = self._system.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
        try:
            for chunk in chunks:
                self._write_all(handle, chunk)
            self._system.fsync(handle)
        finally:
            self._system.close(handle)

    def prepare(self, path: str) -> None:
        self._make_folder(path)

    def replace(self, path: str, data: bytes) -> None:
        fresh = f"{path}.new"
        with contextlib.suppress(FileNotFoundError):
            self._system.unlink(fresh)
        self.write(fresh, [data])
        self._system.rename(fresh, path)
        self._sync_folder(os.path.dirname(path))

    def append(self, path: str, line: bytes) -> None:
        self._make_folder(os.path.dirname(path))
        new = not os.path.exists(path)
        handle = self._system.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o666)
        try:
            end = os.fstat(handle).st_size
            torn = end > 0 and os.pread(handle, 1, end - 1) != b"\n"
            self._write_all(handle, (b"\n" if torn else b"") + line + b"\n")
            self._system.fsync(handle)
        finally:
            self._system.close(handle)
        if new:
            self._sync_folder(os.path.dirname(path))

    def move(self, source: str, target: str, *, check: Check | None = None) -> None:
        """One rename; `check` is not called, because nothing is copied."""
        del check
        self._make_folder(os.path.dirname(target))
        for folder, _, _ in os.walk(source, topdown=False):
            self._sync_folder(folder)
        self._system.rename(source, target)
        self._sync_folder(os.path.dirname(target))
        self._sync_folder(os.path.dirname(source))

    def discard(self, path: str, *, trash: str) -> None:
        self.move(path, trash)
        self.remove(trash)

    def remove(self, path: str) -> None:
        for folder, subfolders, names in os.walk(path, topdown=False):
            for name in [*names, *subfolders]:
                there = os.path.join(folder, name)
                if os.path.isdir(there) and not os.path.islink(there):
                    self._system.rmdir(there)
                else:
                    self._system.unlink(there)
        with contextlib.suppress(FileNotFoundError):
            self._system.rmdir(path)

    @contextlib.contextmanager
    def lock(self, path: str, *, wait_seconds: float, lease_seconds: float) -> Iterator["_Flock"]:
        """An flock, which the system releases when its holder dies; `lease_seconds` is unused."""
        del lease_seconds
        self._make_folder(os.path.dirname(path))
        handle = self._system.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            _wait_for(handle, path, wait_seconds)
            # On a full disk the holder's name is not written, but the lock is valid: prune and rollback work.
            with contextlib.suppress(OSError):
                self._system.ftruncate(handle, 0)
                self._write_all(handle, f"process {os.getpid()} on {socket.gethostname()}\n".encode())
            yield _Flock()
        finally:
            self._system.close(handle)

    @contextlib.contextmanager
    def local_copy(self, path: str) -> Iterator[Path]:
        yield Path(path)

    def _write_all(self, handle: int, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            rest = rest[self._system.write(handle, rest) :]

    def _make_folder(self, path: str) -> None:
        """Creates a folder that survives a power cut: each new level is synced to its parent."""
        if os.path.isdir(path):
            return
        above = os.path.dirname(os.path.abspath(path))
        self._make_folder(above)
        with contextlib.suppress(FileExistsError):
            self._system.mkdir(path)
        self._sync_folder(above)

    def _sync_folder(self, path: str) -> None:
        handle = self._system.open(path or ".", os.O_RDONLY | os.O_DIRECTORY)
        try:
            self._system.fsync(handle)
        finally:
            self._system.close(handle)


class _Flock:
    def confirm(self) -> None:
        """An flock is never lost while its holder lives."""


def _wait_for(handle: int, path: str, wait_seconds: float) -> None:
    deadline = time.monotonic() + wait_seconds
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except OSError as error:
            if error.errno not in (errno.EWOULDBLOCK, errno.EACCES):
                raise
        if time.monotonic() >= deadline:
            holder = os.pread(handle, 200, 0).decode(errors="replace").strip() or "another process"
            raise StoreBusy(
                f"{path} is held by {holder}; waited {wait_seconds:g} s. Try again when it is done."
            ) from None
        time.sleep(POLL_SECONDS)


def _walk(folder: str, prefix: str) -> Iterator[tuple[str, int]]:
    """Path and size of each file below `folder`; links are followed, so that their targets are pushed."""
    try:
        entries = list(os.scandir(folder))
    except FileNotFoundError:
        return
    for entry in entries:
        if entry.is_dir():
            yield from _walk(entry.path, f"{prefix}{entry.name}/")
        else:
            yield prefix + entry.name, entry.stat().st_size
