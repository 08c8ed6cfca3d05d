"""The lineage store (ML Metadata) of a workspace: its SQLite file, or a database on a MySQL server."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from components.errors import GreenlightError, InputError

if TYPE_CHECKING:
    from ml_metadata import MetadataStore
    from ml_metadata.proto import metadata_store_pb2 as mlmd

_SQLITE = b"SQLite format 3\0"


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

    def open(self) -> MetadataStore:
        """The store, to be read.

        Raises:
          InputError: nothing ever ran in this workspace.
          GreenlightError: the store cannot be reached.
        """


@dataclasses.dataclass(frozen=True)
class SqliteLineage:
    """A file."""

    path: Path

    def __str__(self) -> str:
        return str(self.path)

    def exists(self) -> bool:
        return self.path.is_file()

    def prepare(self) -> None:
        if self._is_damaged():
            raise GreenlightError(
                f"The lineage store {self.path} is no SQLite database any more. Bring it back from "
                "a backup, or move it away: the next run starts a new one, and what is served stays."
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
            raise InputError(
                f"No run is recorded at {self.path}. Start one with `greenlight run`, "
                "or name the --workspace."
            )
        from ml_metadata import MetadataStore

        return MetadataStore(self.connection_config())

    def _is_damaged(self) -> bool:
        """Whether there is something that does not begin as SQLite's files do."""
        try:
            with self.path.open("rb") as file:
                return file.read(len(_SQLITE)) not in (b"", _SQLITE)
        except FileNotFoundError:
            return False
