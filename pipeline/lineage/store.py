"""The lineage store (ML Metadata) of a workspace: an SQLite file, or a database on a MySQL server."""

from __future__ import annotations

import dataclasses
import logging
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from components.errors import GreenlightError, InputError, MachineFault
from serving.machine import disk, faults

if TYPE_CHECKING:
    from ml_metadata import MetadataStore
    from ml_metadata.proto import metadata_store_pb2 as mlmd

_WAIT_SECONDS = 5.0
"""How long another process may hold the file."""
_LONGEST_REASON = 120  # characters of ML Metadata's own text


class LineageStore(Protocol):
    """What keeps a workspace's lineage; `str` is how a person finds it."""

    def exists(self) -> bool:
        """Whether anything can have been recorded."""

    def prepare(self) -> None:
        """Makes sure, before a run, that the store can be used.

        Raises:
          GreenlightError: it cannot; the message says why.
        """

    def shown_config(self) -> mlmd.ConnectionConfig:
        """How to connect, without a password: TFX writes it to its log."""

    def connection_config(self) -> mlmd.ConnectionConfig:
        """How to connect."""

    def fault(self, *, thorough: bool = False) -> GreenlightError | None:
        """Why the store cannot be used at this moment; None if no fault is found.

        Args:
          thorough: also read the whole store, which takes seconds for a large one. For use after a failure.
        """

    def open(self) -> MetadataStore:
        """The store, to be read.

        Raises:
          InputError: nothing ever ran in this workspace.
          GreenlightError: the store cannot be reached.
        """

    def unreadable(self, error: Exception) -> GreenlightError:
        """The error for the user behind an error that ML Metadata raised for a query."""


def first_line(error: Exception) -> str:
    """The first line of an error's message; the name of its class if the message is empty."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


@contextmanager
def reading(lineage: LineageStore) -> Iterator[MetadataStore]:
    """The opened store for a block; an error that ML Metadata raises in it becomes one for the user.

    Raises:
      InputError: no run was ever recorded in the store.
      GreenlightError: the store cannot be opened or read, for example because it is damaged.
    """
    store = lineage.open()
    from ml_metadata.errors import StatusError

    absl = logging.getLogger("absl")  # ML Metadata also logs each error that it raises, with the whole query
    level = absl.level
    absl.setLevel(logging.ERROR)
    try:
        yield store
    except StatusError as error:
        raise lineage.unreadable(error) from error
    finally:
        absl.setLevel(level)


@dataclasses.dataclass(frozen=True)
class SqliteLineage:
    """A file."""

    path: Path

    def __str__(self) -> str:
        return str(self.path)

    def exists(self) -> bool:
        return self.path.is_file()

    def prepare(self) -> None:
        if fault := self.fault():
            raise fault

    def fault(self, *, thorough: bool = False) -> GreenlightError | None:
        if not self.exists():
            return self._fault_of_what_is_there()
        try:
            with closing(self._connect()) as database:
                database.execute("BEGIN IMMEDIATE")
                database.execute("SELECT count(*) FROM sqlite_master").fetchone()
                database.execute("ROLLBACK")
                if thorough and database.execute("PRAGMA quick_check(1)").fetchone() != ("ok",):
                    return self._damaged()
        except sqlite3.Error as error:
            return self._in_words(error)
        remedy = disk.fault_of(self.path.parent)
        return MachineFault(f"The lineage store {self.path} cannot be written: {remedy}") if remedy else None

    def _fault_of_what_is_there(self) -> GreenlightError | None:
        """None where there is nothing: the store is made then."""
        if not os.path.lexists(self.path):
            return None
        return GreenlightError(
            f"The lineage store {self.path} is not a file, but a folder, a pipe or a broken link. Move it "
            "away: the next run starts a new one."
        )

    def _connect(self) -> sqlite3.Connection:
        """To a file that is there, without a transaction."""
        address = f"{self.path.as_uri()}?mode=rw"
        return sqlite3.connect(address, uri=True, timeout=_WAIT_SECONDS, isolation_level=None)

    def _in_words(self, error: sqlite3.Error) -> GreenlightError:
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            return MachineFault(
                f"The lineage store {self.path} is locked by another process, such as a database browser or "
                f"a backup; waited {_WAIT_SECONDS:g} s. Close it (`fuser {self.path}` names it), and run "
                "again."
            )
        if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            return self._damaged()
        remedy = faults.remedy_of(error) or f"{error}. Move it away: the next run starts a new one."
        return MachineFault(f"The lineage store {self.path} cannot be used: {remedy}")

    def _damaged(self) -> GreenlightError:
        return GreenlightError(
            f"The lineage store {self.path} is damaged: it is not a whole SQLite database any more. "
            "Bring it back from a backup, or move it away: the next run starts a new one, and what is "
            "served stays."
        )

    def shown_config(self) -> mlmd.ConnectionConfig:
        return self.connection_config()

    def connection_config(self) -> mlmd.ConnectionConfig:
        from ml_metadata.proto import metadata_store_pb2 as mlmd

        config = mlmd.ConnectionConfig()
        config.sqlite.filename_uri = str(self.path)
        config.sqlite.connection_mode = mlmd.SqliteMetadataSourceConfig.READWRITE_OPENCREATE
        return config

    def open(self) -> MetadataStore:
        if not self.exists():
            if fault := self.fault():
                raise fault
            raise InputError(
                f"No run is recorded at {self.path}. Start one with `greenlight run`, "
                "or name the --workspace."
            )
        from ml_metadata import MetadataStore

        try:
            return MetadataStore(self.connection_config())
        except Exception as error:  # ML Metadata's errors have neither type nor code: SQLite itself is asked
            raise self.unreadable(error) from error

    def unreadable(self, error: Exception) -> GreenlightError:
        return self.fault(thorough=True) or self._unfit(error)

    def _unfit(self, error: Exception) -> GreenlightError:
        """The error for a whole SQLite database that ML Metadata does not take."""
        from ml_metadata import __version__ as release

        reason = first_line(error)[:_LONGEST_REASON].rstrip(".")
        return GreenlightError(
            f"The lineage store {self.path} does not fit ML Metadata {release} ({reason}). It is of a newer "
            "release, or some of its tables are damaged: use that release, bring the file back from a "
            "backup, or move it away: the next run starts a new one, and what is served stays."
        )
