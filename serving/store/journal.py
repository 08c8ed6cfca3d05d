"""The journal of a version store: actions, times, users and reasons. The folders are authoritative."""

import dataclasses
import getpass
import json
import os
import socket
from collections.abc import Iterator

from serving.storage.files import Files

PUSH, PROMOTE, ROLLBACK, SET_ASIDE, PRUNE = "push", "promote", "rollback", "set-aside", "prune"
BEGIN, DONE, UNDONE = "begin", "done", "undone"
PUBLISHING = frozenset({PUSH, PROMOTE})


@dataclasses.dataclass(frozen=True, kw_only=True)
class Event:
    """A stage of an action on a version: BEGIN, then DONE or UNDONE. `at` is UTC in ISO 8601."""

    at: str
    who: str
    action: str
    stage: str
    version: int
    digest: str | None = None
    why: str = ""
    run_id: str | None = None
    origin: int | None = None
    recovered: bool = False


_FIELDS = frozenset(field.name for field in dataclasses.fields(Event))


class Journal:
    """The journal at `path`. A line that was cut short is ignored; the lines around it stay valid."""

    def __init__(self, files: Files, path: str) -> None:
        self._files = files
        self._path = path

    def events(self) -> list[Event]:
        """All events, oldest first."""
        try:
            data = self._files.read(self._path)
        except FileNotFoundError:
            return []
        return [event for line in data.split(b"\n") for event in _parse(line)]

    def append(self, event: Event) -> None:
        """Appends an event and syncs it to the disk."""
        self._files.append(self._path, json.dumps(dataclasses.asdict(event)).encode())


def pending(events: list[Event]) -> list[Event]:
    """The actions that were begun and neither done nor undone, because their writer died."""
    waiting: dict[tuple[str, int], Event] = {}
    for event in events:
        waiting.pop((event.action, event.version), None)
        if event.stage == BEGIN:
            waiting[event.action, event.version] = event
    return list(waiting.values())


def whoami() -> str:
    """The current user, as user@host."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()}"


def _parse(line: bytes) -> Iterator[Event]:
    try:
        record = json.loads(line)
        event = Event(**{key: value for key, value in record.items() if key in _FIELDS})
        if isinstance(event.version, int):
            yield event
    except (ValueError, TypeError, AttributeError):
        return
