"""The spool: alerts on their way, a file for each receiver, so that nothing is lost between processes."""

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
class Letter:
    """One alert for one receiver. `since` is when it was written, in seconds since 1970."""

    path: Path
    channel: str
    payload: dict[str, Any]
    since: float


class Spool:
    """The folder `<workspace>/alerts`: `spool/` has what is on its way, `undelivered/` what was given up."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files = LocalFiles()

    @property
    def log(self) -> Path:
        return self._folder / "log.jsonl"

    def put(self, channel: str, payload: dict[str, Any], *, now: datetime.datetime) -> None:
        """Keeps an alert for a receiver; it is on the disk on return. The same one twice is one.

        Raises:
          GreenlightError: it cannot be written.
        """
        name = _UNSAFE.sub("-", f"{payload['id']}-{channel}") + ".json"
        letter = {"channel": channel, "since": now.timestamp(), "payload": payload}
        self._write(lambda: self._files.replace(str(self._waiting / name), _encoded(letter)))

    def note(self, payload: dict[str, Any]) -> None:
        """Adds an alert to the log.

        Raises:
          GreenlightError: it cannot be written.
        """
        self._write(lambda: self._files.append(str(self.log), _encoded(payload)))

    def waiting(self) -> Iterator[Letter]:
        """What is on its way, oldest first. What cannot be read is put with what was given up."""
        for path in sorted(self._waiting.glob("*.json")):
            try:
                data = json.loads(path.read_text(encoding="utf-8"))
                yield Letter(path, data["channel"], data["payload"], float(data["since"]))
            except FileNotFoundError:
                continue  # another process has delivered it
            except (OSError, ValueError, KeyError, TypeError):
                self._set_aside(path)

    @contextmanager
    def claimed(self, letter: Letter) -> Iterator[bool]:
        """Whether the letter is ours to deliver meanwhile: not if another process is at it, or was faster."""
        try:
            handle = os.open(letter.path, os.O_RDONLY)
        except OSError:
            yield False
            return
        try:
            yield _is_locked_by_us(handle) and letter.path.exists()
        finally:
            os.close(handle)

    def delivered(self, letter: Letter) -> None:
        letter.path.unlink(missing_ok=True)

    def give_up(self, letter: Letter) -> None:
        """Keeps the letter where nobody tries it again."""
        self._set_aside(letter.path)

    @property
    def _waiting(self) -> Path:
        return self._folder / "spool"

    def _set_aside(self, path: Path) -> None:
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
    # The name of a file need not be UTF-8; what of it is not goes as an escape, which JSON knows too.
    return json.dumps(data, ensure_ascii=False, default=str).encode(errors="backslashreplace")
