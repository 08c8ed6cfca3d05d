"""A lease: the lock of an object store, an object that its holder created, renews and gives back.

Every change of the object is a conditional write, so that of several writers exactly one gets it. Its age
is measured by the store's clock alone, and its holder stops on its own clock before others may take it over:
clocks of different machines are never compared.
"""

import contextlib
import json
import os
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Protocol

from serving.errors import StoreBusy, StoreError
from serving.storage.bucket_errors import WriteConflict


class LeaseObject(Protocol):
    """The object of a lease."""

    address: str

    def read(self) -> tuple[bytes, str] | None:
        """Its content and the tag of that content; None if it does not exist."""

    def swap(self, data: bytes, *, expected: str | None) -> str:
        """Writes it if its tag is still `expected` (None: if it does not exist); returns the new tag.

        Raises:
          WriteConflict: another writer was first.
        """

    def age(self) -> float:
        """Seconds since it was written, by the store's clock."""


class Lease:
    """The lease of one holder, from when it is taken.

    Args:
      place: its object.
      seconds: how long after its last renewal others may take it over.
      slowest_write: how many seconds a write may take to reach the store; the holder begins none later than
        that before the lease ends.
      clock: seconds of a clock that only moves forward.
    """

    def __init__(
        self, place: LeaseObject, *, seconds: float, slowest_write: float, clock: Callable[[], float]
    ) -> None:
        self._place = place
        self._seconds = seconds
        self._slowest_write = slowest_write
        self._clock = clock
        self._changing = threading.Lock()
        self._tag = ""
        self._unanswered: list[bytes] = []
        self._renewed_at = 0.0
        self._over = threading.Event()
        self.beaten_by = ""

    def take(self) -> bool:
        """Takes the lease if it is free, given back or has ended; else names its holder in `beaten_by`."""
        self._renewed_at = self._clock()
        found = self._place.read()
        if found is not None:
            self.beaten_by, seconds = _holder(found[0])
            if self.beaten_by and self._place.age() <= seconds:
                return False
        try:
            self._tag = self._place.swap(self._content(), expected=found[1] if found else None)
        except WriteConflict:
            self.beaten_by = self.beaten_by or "another writer"
            return False
        return True

    @contextlib.contextmanager
    def kept(self) -> Iterator[None]:
        """Renews the lease in the background, and gives it back at the end."""
        renewing = threading.Thread(target=self._renew_until_over, name="lease", daemon=True)
        renewing.start()
        try:
            yield
        finally:
            self._over.set()
            renewing.join()
            self._give_back()

    def confirm(self) -> None:
        """Raises StoreBusy if a write that begins now could end after the lease."""
        with self._changing:
            left = self._renewed_at + self._seconds - self._clock()
            lost = not self._tag
        if lost or left < self._slowest_write:
            raise StoreBusy(f"the lease {self._place.address} ran out before the work was done. Try again.")

    def renew(self) -> None:
        """Starts the lease's time again; without effect if it was lost or the store does not answer."""
        with self._changing:
            began = self._clock()
            if not self._tag:
                return
            try:
                self._write(self._content())
                self._renewed_at = began
            except WriteConflict:
                self._tag = ""
            except (StoreError, OSError):
                return

    def _renew_until_over(self) -> None:
        while not self._over.wait(self._seconds / 6):
            self.renew()

    def _give_back(self) -> None:
        """Marks the lease as free, unless it was lost meanwhile; one that is left behind ends by itself."""
        with self._changing, contextlib.suppress(WriteConflict, StoreError, OSError):
            if self._tag:
                self._write(_record("", 0.0))

    def _write(self, data: bytes) -> None:
        """Writes over the lease's own content, also over one whose answer did not arrive.

        Raises:
          WriteConflict: the lease was lost to another holder.
          StoreError: no answer; the content may be there or still arrive.
        """
        self._unanswered.append(data)
        try:
            self._tag = self._place.swap(data, expected=self._tag)
        except WriteConflict:
            found = self._place.read()
            if found is None or found[0] not in self._unanswered:
                raise
            self._tag = found[1]
            if found[0] != data:
                self._unanswered.clear()
                self._write(data)
        self._unanswered.clear()

    def _content(self) -> bytes:
        return _record(f"process {os.getpid()} on {socket.gethostname()}", self._seconds)


def wait_for(
    take: Callable[[], bool], *, seconds: float, pause: float, busy: Callable[[], StoreBusy]
) -> None:
    """Calls `take` until it is True; raises `busy()` after `seconds`."""
    deadline = time.monotonic() + seconds
    while not take():
        if time.monotonic() >= deadline:
            raise busy()
        time.sleep(pause)


def _record(holder: str, seconds: float) -> bytes:
    """The content of a lease; the token makes each one unique, and with it its tag."""
    return json.dumps({"token": secrets.token_hex(16), "holder": holder, "seconds": seconds}).encode()


def _holder(content: bytes) -> tuple[str, float]:
    """The holder of a lease and its length; "" if it was given back."""
    try:
        record = json.loads(content)
        return str(record["holder"]), float(record["seconds"])
    except (ValueError, KeyError, TypeError):
        return "another process", 900.0
