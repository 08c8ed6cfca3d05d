"""Delivery channels of alerts: webhook, Slack and command, each with a deadline."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from components.errors import InputError
from pipeline.settings.alerts import AlertSettings, resolve

if TYPE_CHECKING:
    from pydantic import SecretStr

WEBHOOK, SLACK, COMMAND = "webhook", "slack", "command"
_QUIET = ("httpx", "httpcore")
"""Libraries whose log records contain addresses."""


class Undelivered(Exception):
    """The receiver did not accept an alert. The text never contains an address."""


def configured(settings: AlertSettings) -> list[str]:
    """The channels that have a receiver."""
    receivers = {WEBHOOK: settings.webhook, SLACK: settings.slack, COMMAND: settings.command}
    return [name for name, receiver in receivers.items() if receiver]


async def deliver(channel: str, payload: Mapping[str, Any], settings: AlertSettings) -> None:
    """Sends one alert.

    Raises:
      Undelivered: it was not accepted within alerts.timeout_seconds; it may be retried.
    """
    try:
        await _deliver(channel, payload, settings)
    except TimeoutError:
        raise Undelivered(f"no answer within {settings.timeout_seconds:g} s") from None
    except InputError as error:
        raise Undelivered(str(error)) from None


async def _deliver(channel: str, payload: Mapping[str, Any], settings: AlertSettings) -> None:
    key, deadline = str(payload["id"]), settings.timeout_seconds
    if channel == WEBHOOK and settings.webhook is not None:
        await _post(settings.webhook, payload, key=key, deadline=deadline)
    elif channel == SLACK and settings.slack is not None:
        await _post(settings.slack, {"text": payload["text"]}, key=key, deadline=deadline)
    elif channel == COMMAND and settings.command:
        await _call(settings.command, payload, deadline=deadline)
    else:
        raise Undelivered(f"alerts.{channel} is no longer set")


async def _post(address: SecretStr, body: Mapping[str, Any], *, key: str, deadline: float) -> None:
    import httpx

    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    headers = {"Content-Type": "application/json", "Idempotency-Key": key, "User-Agent": "greenlight"}
    content = _encoded(body)
    try:
        # The deadline is for the whole request: httpx's timeouts are for single steps, which a server that
        # sends a byte now and then never exceeds. Importing httpx and loading certificates, which can take
        # seconds on a busy machine, are not the receiver's time.
        async with (
            httpx.AsyncClient(timeout=None) as client,
            asyncio.timeout(deadline),
            client.stream("POST", resolve(address), content=content, headers=headers) as answer,
        ):
            code = answer.status_code
    except TimeoutError:  # one of the OSErrors
        raise
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
        raise Undelivered(type(error).__name__) from None
    if 300 <= code < 400:
        raise Undelivered(f"HTTP {code}, a redirect, which is not followed: set the address that it leads to")
    if not 200 <= code < 300:
        raise Undelivered(f"HTTP {code}")


async def _call(command: Sequence[str], payload: Mapping[str, Any], *, deadline: float) -> None:
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise Undelivered(f"{command[0]} cannot be started: {reason}") from None
    try:
        async with asyncio.timeout(deadline):
            _, complaint = await process.communicate(_encoded(payload) + b"\n")
    except (TimeoutError, asyncio.CancelledError):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
        raise
    if process.returncode:
        words = complaint.decode("utf-8", "replace").strip().splitlines()[-1:] or ["no message"]
        raise Undelivered(f"{command[0]} ended with {process.returncode}: {words[0][:200]}")


def _encoded(body: Mapping[str, Any]) -> bytes:
    """The JSON document; bytes of a file name that are not UTF-8 are escaped."""
    return json.dumps(body, ensure_ascii=False).encode(errors="backslashreplace")
