"""Settings of the lineage store (`metadata.*`). Light imports only."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated
from urllib.parse import unquote, urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PlainSerializer, SecretStr, model_validator

from components.errors import InputError
from serving.machine.named_file import text_of

MYSQL_PORT = 3306
_EXPECTED = "expected mysql://USER@HOST:3306/DATABASE"


def _usable(uri: SecretStr) -> SecretStr:
    """Raises ValueError, without the text and its password, for what is not an address of a database."""
    try:
        parts = urlsplit(uri.get_secret_value())
        known = parts.scheme == "mysql" and parts.hostname and parts.username and parts.port != 0
    except ValueError:
        known = False
    if (
        not known
        or not parts.path.strip("/")
        or "/" in parts.path.strip("/")
        or parts.query
        or parts.fragment
    ):
        raise ValueError(_EXPECTED)
    if parts.password is not None:
        raise ValueError(
            f"a password does not belong here: {_EXPECTED}, and the password in the environment variable "
            "that metadata.password_variable names, or in metadata.password_file"
        )
    return uri


def _shown(uri: SecretStr | None) -> str | None:
    """What was accepted holds no password."""
    return uri.get_secret_value() if uri else None


DatabaseUri = Annotated[SecretStr, AfterValidator(_usable), PlainSerializer(_shown, when_used="json")]


class LineageSettings(BaseModel):
    """Which database the lineage of runs is kept in, and where its password is."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    uri: DatabaseUri | None = Field(
        None,
        description="A MySQL or MariaDB database, mysql://USER@HOST:3306/DATABASE, that this workspace alone "
        "uses. Unset means the file `metadata.sqlite` in the workspace.",
    )
    password_variable: str | None = Field(
        None,
        pattern=r"^[A-Za-z_]\w*$",
        description="Name of the environment variable that holds the database user's password.",
    )
    password_file: Path | None = Field(
        None, description="File that holds the password, as Kubernetes and Docker mount secrets."
    )

    @model_validator(mode="after")
    def _one_password(self) -> LineageSettings:
        if self.password_variable and self.password_file:
            raise ValueError("set password_variable or password_file, not both")
        return self

    @property
    def address(self) -> Address:
        """The parts of `uri`, which is set."""
        parts = urlsplit(_shown(self.uri) or "")
        return Address(
            host=parts.hostname or "",
            port=parts.port or MYSQL_PORT,
            user=unquote(parts.username or ""),
            database=unquote(parts.path.strip("/")),
        )

    def password(self) -> str:
        """The password, read now from where it is kept; empty where none is set.

        Raises:
          InputError: it is not there.
        """
        if self.password_variable:
            if (found := os.environ.get(self.password_variable)) is None:
                raise InputError(
                    f"metadata.password_variable names {self.password_variable}, which is not set. Export it "
                    "with the database user's password."
                )
            return found
        if self.password_file:
            try:
                return text_of(self.password_file).rstrip("\r\n")
            except (OSError, UnicodeDecodeError) as error:
                reason = getattr(error, "strerror", None) or "it is not text"
                raise InputError(
                    f"metadata.password_file {self.password_file} cannot be read: {reason}."
                ) from None
        return ""


class Address(BaseModel):
    """A database on a MySQL server, and who asks."""

    model_config = ConfigDict(frozen=True)

    host: str
    port: int
    user: str
    database: str

    def __str__(self) -> str:
        return f"mysql://{self.user}@{self.host}:{self.port}/{self.database}"
