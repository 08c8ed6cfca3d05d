"""The spool: undelivered alerts on the disk, one file per alert and receiver, shared by processes."""

from __future__ import annotations

import dataclasses
import datetime
import fcntl
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from components.errors import GreenlightError
from serving.storage.local import LocalFiles

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


@dataclasses.dataclass(frozen=True)
class Message:
    """One alert for one receiver. `since`: when it was queued, in seconds since 1970."""

    path: Path
    channel: str
    payload: dict[str, Any]
    since: float


class Spool:
    """The folder `<workspace>/alerts`: `spool/` has pending messages, `undelivered/` those given up."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files = LocalFiles()

    @property
    def log(self) -> Path:
        return self._folder / "log.jsonl"

    def put(self, channel: str, payload: dict[str, Any], *, now: datetime.datetime) -> None:
        """Writes an alert for a receiver to the disk; the same alert replaces itself.

        Raises:
          GreenlightError: the file cannot be written.
        """
        name = _UNSAFE.sub("-", f"{payload['id']}-{channel}") + ".json"
        message = {"channel": channel, "since": now.timestamp(), "payload": payload}
        self._write(lambda: self._files.replace(str(self._pending / name), _encoded(message)))

    def write_log(self, payload: dict[str, Any]) -> None:
        """Appends an alert to the log.

        Raises:
          GreenlightError: the log cannot be written.
        """
        self._write(lambda: self._files.append(str(self.log), _encoded(payload)))

    def pending(self) -> Iterator[Message]:
        """The pending messages, by file name. A file that cannot be read moves to `undelivered/`."""
        for path in sorted(self._pending.glob("*.json")):
            try:
                data = json.loads(path.read_text(encoding="utf-8"))
                yield Message(path, data["channel"], data["payload"], float(data["since"]))
            except FileNotFoundError:
                continue  # another process has delivered it
            except (OSError, ValueError, KeyError, TypeError):
                self._move_to_undelivered(path)

    @contextmanager
    def claimed(self, message: Message) -> Iterator[bool]:
        """Locks a message; yields False if another process holds it or has delivered it."""
        try:
            handle = os.open(message.path, os.O_RDONLY)
        except OSError:
            yield False
            return
        try:
            yield _is_locked_by_us(handle) and message.path.exists()
        finally:
            os.close(handle)

    def delivered(self, message: Message) -> None:
        message.path.unlink(missing_ok=True)

    def give_up(self, message: Message) -> None:
        """Moves the message to `undelivered/`, where it is not retried."""
        self._move_to_undelivered(message.path)

    @property
    def _pending(self) -> Path:
        return self._folder / "spool"

    def _move_to_undelivered(self, path: Path) -> None:
        with suppress(OSError):  # then it stays where it is
            (self._folder / "undelivered").mkdir(parents=True, exist_ok=True)
            os.replace(path, self._folder / "undelivered" / path.name)

    def _write(self, action) -> None:
        try:
            action()
        except OSError as error:
            raise GreenlightError(f"Alerts cannot be kept in {self._folder}: {error.strerror}.") from error


def _is_locked_by_us(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _encoded(data: dict[str, Any]) -> bytes:
    # A file name need not be UTF-8; other bytes are escaped, which JSON allows.
    return json.dumps(data, ensure_ascii=False, default=str).encode(errors="backslashreplace")
