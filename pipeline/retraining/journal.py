"""The journal of retraining, `<workspace>/retraining/journal.jsonl`: one record per line, synced to disk."""

from __future__ import annotations

import json
import logging
from pathlib import Path

from components.errors import GreenlightError
from pipeline.retraining.policy.clock import Timestamp
from pipeline.retraining.policy.records import Content, Record
from serving.storage.local import LocalFiles

_log = logging.getLogger(__name__)


class Journal:
    """The journal at `path`, which need not exist yet.

    A line that a crash has torn counts as never written; the lines around it stay good. Whoever holds the
    workspace's retraining lock appends, and a person who releases a span.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._files = LocalFiles()
        self._complained: set[bytes] = set()

    def records(self) -> list[Record]:
        """All that is recorded, oldest first.

        Raises:
          GreenlightError: the file cannot be read.
        """
        try:
            lines = self.path.read_bytes().split(b"\n")
        except FileNotFoundError:
            return []
        except OSError as error:
            raise GreenlightError(f"The journal {self.path} cannot be read: {error.strerror}.") from error
        return [record for line in lines if line.strip() and (record := self._read(line))]

    def size(self) -> int:
        """How many bytes there are: another size than before means that something was added."""
        return self.path.stat().st_size if self.path.exists() else 0

    def append(self, moment: Timestamp, content: Content) -> Record:
        """Records `content`.

        Raises:
          GreenlightError: it cannot be written, so what it says must not be done.
        """
        record = Record(moment, content)
        # The name of a file need not be UTF-8; what of it is not goes as an escape, which JSON knows too.
        line = json.dumps(record.to_json(), ensure_ascii=False, default=str).encode(errors="backslashreplace")
        try:
            self._files.append(str(self.path), line)
        except OSError as error:
            raise GreenlightError(
                f"The journal {self.path} cannot be written: {error.strerror}. Nothing is done that it does "
                "not say: make room, or give the rights to write there."
            ) from error
        return record

    def _read(self, line: bytes) -> Record | None:
        try:
            return Record.from_json(json.loads(line))
        except (ValueError, KeyError, TypeError, AttributeError):
            if line not in self._complained:  # it is read again whenever something was added
                self._complained.add(line)
                _log.warning("%s: a line that cannot be read is passed over: %.80r", self.path, line)
            return None
