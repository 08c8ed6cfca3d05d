"""Settings of alerts (`alerts.*`). Light imports only."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PlainSerializer, SecretStr

from components.errors import InputError
from serving.machine.named_file import text_of

EventName = Literal["promoted", "refused", "stopped", "failed", "drift", "rolled_back"]
EVENTS: tuple[EventName, ...] = ("promoted", "refused", "stopped", "failed", "drift", "rolled_back")
HIDDEN = "***"
_FROM_VARIABLE, FROM_FILE = "env:", "file:"
_VARIABLE = re.compile(r"[A-Za-z_]\w*\Z")


def masked(address: SecretStr | None) -> str | None:
    """The address as it may be shown: where it is read from, or its host. The rest of it is a password."""
    if address is None:
        return None
    text = address.get_secret_value()
    if text.startswith((_FROM_VARIABLE, FROM_FILE)):
        return text
    parts = urlsplit(text)
    return f"{parts.scheme}://{parts.hostname}/{HIDDEN}"


def from_file(address: SecretStr | None) -> str | None:
    """The setting, file:PATH, of an address that is read from a file; None for another one, and for none."""
    text = address.get_secret_value() if address is not None else ""
    return text if text.startswith(FROM_FILE) else None


def _usable(address: SecretStr) -> SecretStr:
    text = address.get_secret_value()
    if text.startswith(_FROM_VARIABLE) and not _VARIABLE.match(text.removeprefix(_FROM_VARIABLE)):
        raise ValueError("after env: comes the name of an environment variable, such as env:ALERTS_URL")
    if text.startswith(FROM_FILE) and not text.removeprefix(FROM_FILE):
        raise ValueError("after file: comes a path, such as file:/run/secrets/alerts_url")
    if not text.startswith((_FROM_VARIABLE, FROM_FILE)):
        _refuse_no_url(text)
    return address


def _refuse_no_url(text: str) -> None:
    """Raises ValueError, without the text, for what is not a web address."""
    try:
        parts = urlsplit(text)
        known = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        known = False
    if not known or any(sign.isspace() for sign in text):
        raise ValueError("expected http://..., https://..., env:VARIABLE or file:PATH")
    if text.endswith(f"/{HIDDEN}"):
        raise ValueError("`greenlight config show` has hidden this address; give env:VARIABLE or file:PATH")


Address = Annotated[SecretStr, AfterValidator(_usable), PlainSerializer(masked, when_used="json")]


class AlertSettings(BaseModel):
    """The receivers of alerts, and the events that they get. A run itself needs none of it."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    events: tuple[EventName, ...] = Field(EVENTS, description="The events to send; all by default.")
    log: bool = Field(
        True, description="Whether alerts are also written to `<workspace>/alerts/log.jsonl`, one per line."
    )
    webhook: Address | None = Field(
        None,
        description="Address that gets each alert as JSON by POST. Addresses are passwords: env:VARIABLE or "
        "file:PATH say where to read it; one that is written out is never shown again.",
    )
    slack: Address | None = Field(
        None,
        description="Address of a Slack-compatible webhook (Slack, Mattermost, Rocket.Chat, Discord with "
        "/slack), given as alerts.webhook is.",
    )
    command: tuple[Annotated[str, Field(min_length=1)], ...] = Field(
        (),
        description="Program and arguments that get each alert as JSON on standard input, without a shell: "
        '["/usr/local/bin/page-me", "--urgent"].',
    )
    plain_runs: bool = Field(
        False,
        description="Whether `greenlight run` sends them, too; `greenlight retrain` always does.",
    )
    timeout_seconds: float = Field(
        10, gt=0, le=600, description="The time limit of one delivery, in seconds."
    )
    retry_seconds: float = Field(
        5,
        gt=0,
        le=3600,
        description="The wait after a failed delivery, in seconds; doubled each time, up to an hour.",
    )
    keep_hours: float = Field(72, gt=0, le=8760, description="How long an alert is retried, in hours.")
    linger_seconds: float = Field(
        10,
        ge=0,
        le=600,
        description="How long a command waits at its end for deliveries, in seconds. The next command "
        "delivers the rest.",
    )


def resolve(address: SecretStr) -> str:
    """The address itself, read now from where it is kept.

    Raises:
      InputError: the variable or file is not there, or holds no address. The address itself is never named.
    """
    text = address.get_secret_value()
    if text.startswith(_FROM_VARIABLE):
        name = text.removeprefix(_FROM_VARIABLE)
        found, where = os.environ.get(name, ""), f"the environment variable {name}"
    elif text.startswith(FROM_FILE):
        path = Path(text.removeprefix(FROM_FILE)).expanduser()
        try:
            found, where = text_of(path), f"the file {path}"
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or "it is not text"
            raise InputError(f"The address of alerts in {path} cannot be read: {reason}.") from None
    else:
        found, where = text, "the setting"
    try:
        _refuse_no_url(found.strip())
    except ValueError:
        raise InputError(f"What {where} holds is not an address for alerts (http:// or https://).") from None
    return found.strip()
