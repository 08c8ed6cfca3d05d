"""The files of a version store in a bucket: s3:// and gs://, through obstore.

Object stores have neither an atomic rename nor flock. Instead of the rename, `saved_model.pb` is written
last and deleted first, so that a version exists exactly if that object does; it is written on the condition
that it does not exist. Instead of flock, there is a lease, which rests on conditional writes, too.
"""

import contextlib
import datetime
import itertools
import logging
import secrets
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import obstore
from obstore.store import ObjectStore

from serving.errors import StoreBusy, StoreError, StoreInputError
from serving.storage.bucket_errors import NotConditional, WriteConflict, translated
from serving.storage.buckets import SLOWEST_WRITE_SECONDS, split
from serving.storage.files import COMMIT_NAME, Check, commit_last, join
from serving.storage.lease import Lease, wait_for

PART = 4 << 20
"""Bytes of one request for the content of a file: what a slow network carries within a request's time."""

log = logging.getLogger(__name__)


class ObjectFiles:
    """`Files` (see serving/storage/files.py) in a bucket.

    Args:
      bucket: the client of the bucket.
      single_writer: whether to write to a store without conditional writes; only the user then keeps two
        writers apart.
      clock: seconds of a clock that only moves forward.
      pause: seconds between two attempts to take a lease.
    """

    def __init__(
        self,
        bucket: ObjectStore,
        *,
        single_writer: bool = False,
        clock: Callable[[], float] = time.monotonic,
        pause: float = 0.5,
    ) -> None:
        self._bucket = bucket
        self._single_writer = single_writer
        self._clock = clock
        self._pause = pause
        self._trial = threading.Lock()
        self._conditional: bool | None = None

    def folders(self, path: str) -> list[str]:
        with translated(path):
            found = obstore.list_with_delimiter(self._bucket, self._key(path))["common_prefixes"]
        return sorted(prefix.rstrip("/").rpartition("/")[2] for prefix in found)

    def tree(self, path: str) -> dict[str, int]:
        return {name: size for name, size in self._objects(path)}

    def exists(self, path: str) -> bool:
        try:
            self._size(path)
        except FileNotFoundError:
            return any(True for _ in self._objects(path))
        return True

    def read(self, path: str) -> bytes:
        with translated(path):
            return bytes(obstore.get(self._bucket, self._key(path)).bytes())

    def chunks(self, path: str) -> Iterator[bytes]:
        size = self._size(path)
        for start in range(0, size, PART):
            with translated(path):
                part = obstore.get_range(
                    self._bucket, self._key(path), start=start, end=min(start + PART, size)
                )
            yield bytes(part)

    def write(self, path: str, chunks: Iterable[bytes]) -> None:
        """Uploads in parts, so that a large file needs no memory."""
        content = iter(chunks)
        first = list(itertools.islice(content, 1))
        with translated(path):
            if not first:
                obstore.put(self._bucket, self._key(path), b"")
                return
            obstore.put(self._bucket, self._key(path), itertools.chain(first, content))

    def prepare(self, path: str) -> None:
        """Does nothing: on an object store a folder is a prefix of names."""

    def replace(self, path: str, data: bytes) -> None:
        with translated(path):
            obstore.put(self._bucket, self._key(path), data)

    def append(self, path: str, line: bytes) -> None:
        """Writes the whole file again with one more line, if it is still the one that was read."""
        before, expected = self._tagged(path) or (b"", None)
        torn = b"\n" if before and not before.endswith(b"\n") else b""
        try:
            self._swap(path, before + torn + line + b"\n", expected=expected)
        except WriteConflict:
            raise StoreBusy(f"another writer changed {path} at the same time. Try again.") from None

    def move(self, source: str, target: str, *, check: Check | None = None) -> None:
        names = self.tree(source)
        for name in names:
            if name != COMMIT_NAME:
                with translated(join(source, name)):
                    obstore.copy(self._bucket, self._key(join(source, name)), self._key(join(target, name)))
        if check is not None:
            check(lambda name: self.chunks(join(source if name == COMMIT_NAME else target, name)))
        if COMMIT_NAME in names:
            self._commit(join(source, COMMIT_NAME), join(target, COMMIT_NAME))
        self.discard(source, trash="")

    def discard(self, path: str, *, trash: str) -> None:
        self.remove(path)

    def remove(self, path: str) -> None:
        for name in reversed(commit_last(self.tree(path))):
            self._delete(join(path, name))

    @contextlib.contextmanager
    def lock(self, path: str, *, wait_seconds: float, lease_seconds: float) -> Iterator[Lease]:
        """A lease: an object with its holder. It is renewed while its holder lives."""
        self._require_one_writer(path)
        leased = _LeaseObject(self, path)
        lease = Lease(leased, seconds=lease_seconds, slowest_write=SLOWEST_WRITE_SECONDS, clock=self._clock)
        wait_for(
            lease.take,
            seconds=wait_seconds,
            pause=self._pause,
            busy=lambda: StoreBusy(
                f"{path} is held by {lease.beaten_by}; waited {wait_seconds:g} s. Try again when it is done; "
                f"if it died, its lease ends {lease_seconds:g} s after its last renewal."
            ),
        )
        with lease.kept():
            yield lease

    @contextlib.contextmanager
    def local_copy(self, path: str) -> Iterator[Path]:
        with tempfile.TemporaryDirectory(prefix="greenlight-version-") as scratch:
            folder = Path(scratch, path.rpartition("/")[2])
            folder.mkdir()
            for name in self.tree(path):
                local = folder / name
                local.parent.mkdir(parents=True, exist_ok=True)
                with local.open("wb") as file:
                    file.writelines(self.chunks(join(path, name)))
            yield folder

    def conditional(self, path: str) -> bool:
        """Whether the store obeys the conditions of writes; the first call tries it out beside `path`."""
        with self._trial:
            if self._conditional is None:
                self._conditional = self._try_conditions(f"{path}.trial-{secrets.token_hex(8)}")
            return self._conditional

    def _try_conditions(self, path: str) -> bool:
        """Writes an object, and tries to create it again and to change it under a wrong and the right tag."""
        try:
            stale = self._put_recognized(path, b"1", mode="create")
            tag = self._put_recognized(path, b"2", mode=stale)
            for mode in ("create", stale):
                with contextlib.suppress(WriteConflict):
                    self._put(path, b"3", mode=mode)
                    return False
            self._put_recognized(path, b"4", mode=tag)
        except (NotConditional, WriteConflict):
            return False
        finally:
            self._delete(path)
        return True

    def _require_one_writer(self, path: str) -> None:
        if self.conditional(path):
            return
        if not self._single_writer:
            raise StoreInputError(
                f"the object store of {path} does not obey conditional writes (If-None-Match, If-Match), so "
                "that two writers cannot be kept apart. Nothing was changed. If never more than one process "
                "writes to it at a time, say so: --set push.single_writer=true"
            )
        log.warning("%s: no conditional writes; push.single_writer says that there is one writer", path)

    def _commit(self, source: str, target: str) -> None:
        data = self.read(source)
        try:
            self._swap(target, data, expected=None)
        except WriteConflict:
            raise StoreError(f"{target} exists, with other content. Nothing was changed there.") from None

    def _swap(self, path: str, data: bytes, *, expected: str | None) -> str:
        """Writes on a condition, where the store has these; else it just writes. Returns the new tag."""
        if not self.conditional(path):
            return self._swap_unconditionally(path, data, expected=expected)
        return self._put_recognized(path, data, mode="create" if expected is None else expected)

    def _put_recognized(self, path: str, data: bytes, *, mode: str) -> str:
        """`_put` that recognizes its own write.

        A write whose answer was lost counts as done if its content is there: the client may have sent it
        again and got a conflict with itself, or no answer at all.
        """
        try:
            return self._put(path, data, mode=mode)
        except StoreInputError:
            raise
        except (WriteConflict, StoreError) as error:
            with contextlib.suppress(StoreError):
                there = self._tagged(path)
                if there is not None and there[0] == data:
                    return there[1]
            raise error from None

    def _swap_unconditionally(self, path: str, data: bytes, *, expected: str | None) -> str:
        """Notices another writer, if it wrote before this one looked."""
        there = self._tagged(path)
        if (there[1] if there else None) != expected:
            raise WriteConflict(path)
        return self._put(path, data, mode="overwrite")

    def _put(self, path: str, data: bytes, *, mode: str) -> str:
        """Writes under the mode `create` or `overwrite`, or over the object with the tag `mode`."""
        with translated(path):
            condition = mode if mode in ("create", "overwrite") else _version(mode)
            result = obstore.put(self._bucket, self._key(path), data, mode=condition)  # type: ignore[arg-type]
        return _tag(result["e_tag"], result["version"])

    def _tagged(self, path: str) -> tuple[bytes, str] | None:
        """Content and tag of an object; None if it does not exist."""
        try:
            with translated(path):
                found = obstore.get(self._bucket, self._key(path))
                meta = found.meta
                return bytes(found.bytes()), _tag(meta["e_tag"], meta["version"])
        except FileNotFoundError:
            return None

    def _delete(self, path: str) -> None:
        """Deletes an object; Google Cloud Storage, unlike S3, says so if it was deleted already."""
        with contextlib.suppress(FileNotFoundError), translated(path):
            obstore.delete(self._bucket, self._key(path))

    def _written(self, path: str) -> datetime.datetime:
        with translated(path):
            return obstore.head(self._bucket, self._key(path))["last_modified"]

    def _size(self, path: str) -> int:
        with translated(path):
            return obstore.head(self._bucket, self._key(path))["size"]

    def _key(self, address: str) -> str:
        return split(address)[2]

    def _objects(self, path: str) -> list[tuple[str, int]]:
        """Relative names and sizes of the objects below `path`, without empty ones that stand for folders."""
        key = self._key(path)
        with translated(path):
            found = obstore.list(self._bucket, key).collect()
        skipped = len(key) + 1 if key else 0
        sizes = {one["path"][skipped:]: one["size"] for one in found}
        folders = {name.rpartition("/")[0] for name in sizes}
        return sorted(
            (name, size) for name, size in sizes.items() if name and not (size == 0 and name in folders)
        )


class _LeaseObject:
    def __init__(self, files: ObjectFiles, address: str) -> None:
        self._files = files
        self.address = address

    def read(self) -> tuple[bytes, str] | None:
        return self._files._tagged(self.address)

    def swap(self, data: bytes, *, expected: str | None) -> str:
        return self._files._swap(self.address, data, expected=expected)

    def age(self) -> float:
        """The store's own time is that of an object written just now."""
        clock = f"{self.address}.clock"
        self._files.replace(clock, b"")
        try:
            return (self._files._written(clock) - self._files._written(self.address)).total_seconds()
        except FileNotFoundError:
            return 0.0


def _tag(e_tag: str | None, version: str | None) -> str:
    """One string for what a store identifies a content by: ETag and generation, as far as it has them."""
    return f"{e_tag or ''} {version or ''}"


def _version(tag: str) -> dict[str, str]:
    e_tag, _, version = tag.partition(" ")
    return {name: value for name, value in (("e_tag", e_tag), ("version", version)) if value}
