"""The outbox: a queue of alerts on the disk, delivered with retries by a background thread."""

from __future__ import annotations

import asyncio
import datetime
import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline.alerts import channels
from pipeline.alerts.alert import Alert
from pipeline.alerts.spool import Message, Spool
from pipeline.settings.alerts import AlertSettings

_log = logging.getLogger(__name__)

LONGEST_WAIT_SECONDS = 3600.0
LOOK_SECONDS = 1.0
MOST_AT_ONCE = 16


class Outbox:
    """The alerts of one workspace. `send` is thread-safe and does not wait for a receiver."""

    def __init__(self, settings: AlertSettings, folder: Path) -> None:
        self._settings = settings
        self._spool = Spool(folder)
        self._failures: dict[str, int] = {}
        self._next_try: dict[str, float] = {}
        self._news, self._end = threading.Event(), threading.Event()

    def send(self, alert: Alert) -> None:
        """Queues the alert for every configured receiver, if `alerts.events` has its event.

        Raises:
          GreenlightError: the alert cannot be written to the disk.
        """
        if alert.event not in self._settings.events:
            return
        payload = alert.to_json() | {"text": alert.as_text()}
        if self._settings.log:
            self._spool.write_log(payload)
        for channel in channels.configured(self._settings):
            self._spool.put(channel, payload, now=datetime.datetime.now(datetime.UTC))
        self._news.set()

    @contextmanager
    def delivering(self) -> Iterator[None]:
        """Delivers in a thread during the `with` block, and for up to alerts.linger_seconds after it."""
        if not channels.configured(self._settings):
            yield
            return
        deliver = threading.Thread(target=self._work, name="alerts", daemon=True)
        deliver.start()
        try:
            yield
        finally:
            self._end.set()
            self._news.set()
            deliver.join(self._settings.linger_seconds)

    def undelivered(self) -> list[str]:
        """The channels with messages that no receiver has accepted yet."""
        return sorted({message.channel for message in self._spool.pending()})

    def _work(self) -> None:
        asyncio.run(self._deliver_all())

    async def _deliver_all(self) -> None:
        """Delivers until the block ends, then what is due once more; the rest stays for the next process."""
        ending = False
        while True:
            self._news.clear()
            due = [message for message in self._spool.pending() if self._is_due(message)]
            await asyncio.gather(*map(self._deliver, due[:MOST_AT_ONCE]))
            if ending:
                return
            ending = self._end.is_set()
            if not ending:
                await asyncio.to_thread(self._news.wait, self._pause_seconds())

    def _pause_seconds(self) -> float:
        """Seconds until the next retry, at most LOOK_SECONDS: other processes may queue messages, too."""
        now = time.monotonic()
        return min([LOOK_SECONDS, *(at - now for at in self._next_try.values() if at > now)])

    def _is_due(self, message: Message) -> bool:
        return self._next_try.get(message.path.name, 0.0) <= time.monotonic()

    async def _deliver(self, message: Message) -> None:
        with self._spool.claimed(message) as ours:
            if ours:
                await self._send(message)

    async def _send(self, message: Message) -> None:
        name = message.path.name
        try:
            await channels.deliver(message.channel, message.payload, self._settings)
            self._spool.delivered(message)
        except channels.Undelivered as error:
            self._failed(message, str(error))
        except OSError as error:  # accepted, but still in the spool: do not send it again every second
            self._failed(message, f"delivered, but it cannot be removed: {error.strerror or error}")
        else:
            self._failures.pop(name, None)
            self._next_try.pop(name, None)

    def _failed(self, message: Message, why: str) -> None:
        name = message.path.name
        count = self._failures[name] = self._failures.get(name, 0) + 1
        wait = min(self._settings.retry_seconds * 2.0 ** min(count - 1, 32), LONGEST_WAIT_SECONDS)
        self._next_try[name] = time.monotonic() + wait
        age = datetime.datetime.now(datetime.UTC).timestamp() - message.since
        _log.warning("alert %s by %s: %s", message.payload.get("id"), message.channel, why)
        if age > 3600 * self._settings.keep_hours:
            _log.error("alert %s by %s is not retried any more", message.payload.get("id"), message.channel)
            self._spool.give_up(message)
