"""The lineage store in a MySQL or MariaDB database that one workspace owns.

TFX numbers a workspace's artifacts by its lineage store, and takes what the store knows for cached: two
stores for one workspace, or two workspaces on one store, would mistake each other's artifacts for their own.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import re
import socket
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

from components.errors import GreenlightError, InputError
from pipeline.lineage.store import first_line

if TYPE_CHECKING:
    from ml_metadata import MetadataStore
    from ml_metadata.proto import metadata_store_pb2 as mlmd

    from pipeline.settings.lineage import LineageSettings

OWNER = "greenlight_workspace"
"""The type of the context that names the workspace a database belongs to."""
_SECONDS = 10.0  # for a server to answer
_EMPTY = re.compile(r"errno: ,")


@dataclasses.dataclass(frozen=True)
class MySqlLineage:
    """A database.

    note: the file in the workspace that says which database numbers its artifacts.
    artifacts: the folder of these.
    """

    settings: LineageSettings
    note: Path
    artifacts: Path

    def __str__(self) -> str:
        return str(self.settings.address)

    def exists(self) -> bool:
        return self.note.is_file()

    def prepare(self) -> None:
        known = _owner_noted(self.note)
        if known is None and self.artifacts.exists():
            raise InputError(
                f"The artifacts in {self.artifacts} are numbered by another lineage store. Unset "
                f"metadata.uri, or name another --workspace to keep its lineage in {self}."
            )
        store = self._connect()
        owners = [context.name for context in _contexts(store, OWNER)]
        if owners and known not in owners:
            raise InputError(
                f"{self} holds the lineage of another workspace. Give this one a database of its own with "
                "metadata.uri, or name that --workspace."
            )
        if known and not owners and _contexts(store, "pipeline_run"):
            raise InputError(f"{self} holds other lineage than that of {self.note.parent}.")
        if known is None:
            known = str(uuid.uuid4())
            self._note(known)
        if not owners:
            _own(store, known)

    def shown_config(self) -> mlmd.ConnectionConfig:
        from ml_metadata.proto import metadata_store_pb2 as mlmd

        address = self.settings.address
        config = mlmd.ConnectionConfig()
        config.mysql.host = _by_tcp(address.host)
        config.mysql.port = address.port
        config.mysql.user = address.user
        config.mysql.database = address.database
        return config

    def connection_config(self) -> mlmd.ConnectionConfig:
        config = self.shown_config()
        config.mysql.password = self.settings.password()
        return config

    def fault(self, *, thorough: bool = False) -> GreenlightError | None:
        try:
            self._connect()
        except GreenlightError as error:
            return error
        return None

    def open(self) -> MetadataStore:
        if not self.exists():
            raise InputError(
                f"No run of {self.note.parent} is recorded in {self}. Start one with `greenlight run`, "
                "or name the --workspace."
            )
        return self._connect()

    def unreadable(self, error: Exception) -> GreenlightError:
        return self.fault() or GreenlightError(
            f"The lineage store {self} did not answer a query: {first_line(error)}"
        )

    def _connect(self) -> MetadataStore:
        config = self.connection_config()
        address = self.settings.address
        _require_server(_by_tcp(address.host), address.port)
        from ml_metadata import MetadataStore

        try:
            return MetadataStore(config)
        except RuntimeError as error:
            raise GreenlightError(self._refused(str(error))) from None

    def _refused(self, error: str) -> str:
        """The meaning of the client's error, which is empty if the server rejected the user."""
        if _EMPTY.search(error):
            return (
                f"The server of metadata.uri = {self} rejected {self.settings.address.user}: the user "
                "or the password (metadata.password_variable) is wrong, or the user's authentication plugin "
                "is not mysql_native_password."
            )
        reason = error.rpartition("error: ")[2].rstrip(". ")
        if "Creating database" in error:
            return (
                f"The database of metadata.uri = {self} does not exist or is closed to this user, who cannot "
                f"create it either ({reason}). Create it and grant the user all on it."
            )
        return f"The lineage store {self} cannot be used: {reason}."

    def _note(self, owner: str) -> None:
        text = json.dumps({"workspace": owner, "uri": str(self)}, indent=1) + "\n"
        temporary = self.note.with_suffix(".tmp")
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(self.note)


def noted_uri(note: Path) -> str | None:
    """The database that a workspace's lineage was in when its first run began; None for a file's."""
    try:
        return str(json.loads(note.read_text(encoding="utf-8"))["uri"])
    except FileNotFoundError:
        return None


def _owner_noted(note: Path) -> str | None:
    try:
        return str(json.loads(note.read_text(encoding="utf-8"))["workspace"])
    except FileNotFoundError:
        return None


def _contexts(store: MetadataStore, kind: str) -> list[mlmd.Context]:
    return list(store.get_contexts_by_type(kind))


def _own(store: MetadataStore, owner: str) -> None:
    from ml_metadata.proto import metadata_store_pb2 as mlmd

    kind = store.put_context_type(mlmd.ContextType(name=OWNER))
    store.put_contexts([mlmd.Context(type_id=kind, name=owner)])


def _by_tcp(host: str) -> str:
    """MySQL's client takes `localhost` for a socket file, whose path it guesses."""
    return "127.0.0.1" if host == "localhost" else host


@functools.cache
def _require_server(host: str, port: int) -> None:
    """Tells a server that is down from one that refuses, which the client cannot; once a process.

    Raises:
      GreenlightError: there is no MySQL server.
    """
    where = f"metadata.uri: no MySQL server answers at {host}:{port}"
    try:
        with socket.create_connection((host, port), timeout=_SECONDS) as connection:
            connection.settimeout(_SECONDS)
            greeting = connection.recv(1024)
    except OSError as error:
        reason = "nothing came within 10 s" if isinstance(error, TimeoutError) else error.strerror or error
        raise GreenlightError(f"{where} ({reason}). Start it, or correct the address.") from None
    kind = greeting[4:5]
    if kind == b"\xff":
        told = greeting[7:].decode("utf-8", "replace")
        raise GreenlightError(f"The MySQL server at {host}:{port} refuses this machine: {told}")
    if kind != b"\n":
        raise GreenlightError(f"{where} (something else does). Correct the address.")
