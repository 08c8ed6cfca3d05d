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
    """The journal at `path`, which need not exist.

    A line that was cut short by a crash is ignored; the lines around it stay valid. Only the holder of the
    workspace's retraining lock and `greenlight retrain --release` append to it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._files = LocalFiles()
        self._complained: set[bytes] = set()

    def records(self) -> list[Record]:
        """All records, oldest first.

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
        """The size in bytes; it changes whenever a record is added."""
        return self.path.stat().st_size if self.path.exists() else 0

    def append(self, moment: Timestamp, content: Content) -> Record:
        """Appends a record of `content` and syncs it to the disk.

        Raises:
          GreenlightError: it cannot be written; the caller must not do what it says.
        """
        record = Record(moment, content)
        # A file name need not be UTF-8; other bytes are escaped, which JSON allows.
        line = json.dumps(record.to_json(), ensure_ascii=False, default=str).encode(errors="backslashreplace")
        try:
            self._files.append(str(self.path), line)
        except OSError as error:
            raise GreenlightError(
                f"The journal {self.path} cannot be written: {error.strerror}. No action is taken "
                "without a record: free disk space, or grant write access."
            ) from error
        return record

    def _read(self, line: bytes) -> Record | None:
        try:
            return Record.from_json(json.loads(line))
        except (ValueError, KeyError, TypeError, AttributeError):
            if line not in self._complained:  # it is read again whenever something was added
                self._complained.add(line)
                _log.warning("%s: an unreadable line is ignored: %.80r", self.path, line)
            return None
