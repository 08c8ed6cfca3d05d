"""The files of a version store on an object store that `tf.io.gfile` supports: gs://, s3://.

Object stores have neither an atomic rename nor flock. Instead of the rename, `saved_model.pb` is copied last
and deleted first, so that a version exists exactly if that object does. Instead of flock, there is a lease.
This module imports TensorFlow.
"""

import contextlib
import dataclasses
import errno
import json
import os
import secrets
import socket
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import tensorflow as tf

from serving.errors import StoreBusy
from serving.storage.files import CHUNK, commit_last, join

_ERRORS: tuple[tuple[type[Exception], type[OSError], int], ...] = (
    (tf.errors.NotFoundError, FileNotFoundError, errno.ENOENT),
    (tf.errors.PermissionDeniedError, PermissionError, errno.EACCES),
    (tf.errors.UnauthenticatedError, PermissionError, errno.EACCES),
    (tf.errors.ResourceExhaustedError, OSError, errno.ENOSPC),
    (tf.errors.OpError, OSError, errno.EIO),
)


class GfileFiles:
    """`Files` (see serving/storage/files.py) through tf.io.gfile.

    Args:
      settle_seconds: how long a writer waits after writing its lease before it reads it back. Two writers
        that both saw no lease can both get it only if one takes longer than that from reading to writing.
      clock: returns seconds since the epoch; leases expire by it.
    """

    def __init__(self, *, settle_seconds: float = 1.0, clock: Callable[[], float] = time.time) -> None:
        self._settle_seconds = settle_seconds
        self._clock = clock

    def folders(self, path: str) -> list[str]:
        with _as_os_errors():
            if not tf.io.gfile.isdir(path):
                return []
            names = {name.rstrip("/") for name in tf.io.gfile.listdir(path)}
            return sorted(name for name in names if name and tf.io.gfile.isdir(join(path, name)))

    def tree(self, path: str) -> dict[str, int]:
        with _as_os_errors():
            return {name: tf.io.gfile.stat(join(path, name)).length for name in self._names(path)}

    def exists(self, path: str) -> bool:
        with _as_os_errors():
            return bool(tf.io.gfile.exists(path))

    def read(self, path: str) -> bytes:
        return b"".join(self.chunks(path))

    def chunks(self, path: str) -> Iterator[bytes]:
        with _as_os_errors(), tf.io.gfile.GFile(path, "rb") as file:
            while chunk := file.read(CHUNK):
                yield chunk

    def write(self, path: str, chunks: Iterable[bytes]) -> None:
        with _as_os_errors():
            tf.io.gfile.makedirs(os.path.dirname(path))
            with tf.io.gfile.GFile(path, "wb") as file:
                for chunk in chunks:
                    file.write(chunk)

    def prepare(self, path: str) -> None:
        """Does nothing: on an object store a folder is a prefix of names."""

    def replace(self, path: str, data: bytes) -> None:
        self.write(path, [data])

    def append(self, path: str, line: bytes) -> None:
        """Writes the whole file again with one more line: objects cannot grow."""
        before = self.read(path) if self.exists(path) else b""
        torn = b"\n" if before and not before.endswith(b"\n") else b""
        self.replace(path, before + torn + line + b"\n")

    def move(self, source: str, target: str) -> None:
        with _as_os_errors():
            for name in commit_last(self._names(source)):
                tf.io.gfile.makedirs(os.path.dirname(join(target, name)))
                tf.io.gfile.copy(join(source, name), join(target, name), overwrite=True)
        self.discard(source, trash="")

    def discard(self, path: str, *, trash: str) -> None:
        with _as_os_errors():
            for name in reversed(commit_last(self._names(path))):
                tf.io.gfile.remove(join(path, name))
        self.remove(path)

    def remove(self, path: str) -> None:
        with _as_os_errors():
            if tf.io.gfile.isdir(path):
                tf.io.gfile.rmtree(path)

    @contextlib.contextmanager
    def lock(self, path: str, *, wait_seconds: float, lease_seconds: float) -> Iterator["_Lease"]:
        """A lease: an object with its holder and its end. A dead holder blocks others until then."""
        deadline = time.monotonic() + wait_seconds
        while (lease := self._take(path, lease_seconds)) is None:
            if time.monotonic() >= deadline:
                holder = _holder(self._lease_text(path))
                raise StoreBusy(
                    f"{path} is held by {holder}; waited {wait_seconds:g} s. Try again when it is done; "
                    "if it died, delete that object or wait until its lease ends"
                )
            time.sleep(self._settle_seconds)
        try:
            yield lease
        finally:
            if lease.held():
                with _as_os_errors():
                    tf.io.gfile.remove(path)

    @contextlib.contextmanager
    def local_copy(self, path: str) -> Iterator[Path]:
        with tempfile.TemporaryDirectory() as scratch, _as_os_errors():
            for name in self._names(path):
                local = Path(scratch, name)
                local.parent.mkdir(parents=True, exist_ok=True)
                tf.io.gfile.copy(join(path, name), str(local), overwrite=True)
            yield Path(scratch)

    def _names(self, path: str) -> list[str]:
        found = []
        for folder, _, names in tf.io.gfile.walk(path):
            inside = folder[len(path) :].strip("/")
            found += [f"{inside}/{name}" if inside else name for name in names]
        return sorted(found)

    def _take(self, path: str, lease_seconds: float) -> "_Lease | None":
        if _ends(self._lease_text(path)) > self._clock():
            return None
        ends = self._clock() + lease_seconds
        holder = f"process {os.getpid()} on {socket.gethostname()}"
        text = json.dumps({"token": secrets.token_hex(16), "holder": holder, "ends": ends}).encode()
        self.replace(path, text)
        time.sleep(self._settle_seconds)
        lease = _Lease(self, path, text, ends)
        return lease if lease.held() else None

    def _lease_text(self, path: str) -> bytes:
        try:
            return self.read(path)
        except FileNotFoundError:
            return b""


@dataclasses.dataclass(frozen=True)
class _Lease:
    files: GfileFiles
    path: str
    text: bytes
    ends: float

    def held(self) -> bool:
        return self.files._clock() < self.ends and self.files._lease_text(self.path) == self.text

    def confirm(self) -> None:
        if not self.held():
            raise StoreBusy(f"the lease {self.path} ran out before the work was done. Try again.")


def _ends(text: bytes) -> float:
    try:
        return float(json.loads(text)["ends"])
    except (ValueError, KeyError, TypeError):
        return 0.0


def _holder(text: bytes) -> str:
    try:
        return str(json.loads(text)["holder"])
    except (ValueError, KeyError, TypeError):
        return "another process"


@contextlib.contextmanager
def _as_os_errors() -> Iterator[None]:
    try:
        yield
    except tf.errors.OpError as error:
        for kind, os_error, number in _ERRORS:
            if isinstance(error, kind):
                raise os_error(number, str(error)) from error
        raise
