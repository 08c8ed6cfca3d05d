"""The post: takes alerts, keeps them on the disk, and delivers them in the background until that succeeds."""

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
from pipeline.alerts.spool import Letter, Spool
from pipeline.settings.alerts import AlertSettings

_log = logging.getLogger(__name__)

LONGEST_WAIT_SECONDS = 3600.0
LOOK_SECONDS = 1.0
MOST_AT_ONCE = 16


class Post:
    """The alerts of one workspace. `send` may be called from any thread and takes no longer than a write."""

    def __init__(self, settings: AlertSettings, folder: Path) -> None:
        self._settings = settings
        self._spool = Spool(folder)
        self._failures: dict[str, int] = {}
        self._next_try: dict[str, float] = {}
        self._news, self._end = threading.Event(), threading.Event()

    def send(self, alert: Alert) -> None:
        """Keeps the alert for every receiver that is configured, if its event is to be told.

        Raises:
          GreenlightError: it cannot be kept.
        """
        if alert.event not in self._settings.events:
            return
        payload = alert.to_json() | {"text": alert.as_text()}
        if self._settings.log:
            self._spool.note(payload)
        for channel in channels.configured(self._settings):
            self._spool.put(channel, payload, now=datetime.datetime.now(datetime.UTC))
        self._news.set()

    @contextmanager
    def delivering(self) -> Iterator[None]:
        """Delivers in a thread of its own meanwhile, and at the end for up to alerts.linger_seconds more."""
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

    def _work(self) -> None:
        asyncio.run(self._deliver_all())

    async def _deliver_all(self) -> None:
        """Delivers until the end is asked for, and what is due then; the rest stays for the next process."""
        ending = False
        while True:
            self._news.clear()
            due = [letter for letter in self._spool.waiting() if self._is_due(letter)]
            await asyncio.gather(*map(self._deliver, due[:MOST_AT_ONCE]))
            if ending:
                return
            ending = self._end.is_set()
            if not ending:
                await asyncio.to_thread(self._news.wait, self._pause_seconds())

    def _pause_seconds(self) -> float:
        """Until the next try; other processes may leave letters, too, so never long."""
        now = time.monotonic()
        return min([LOOK_SECONDS, *(at - now for at in self._next_try.values() if at > now)])

    def _is_due(self, letter: Letter) -> bool:
        return self._next_try.get(letter.path.name, 0.0) <= time.monotonic()

    async def _deliver(self, letter: Letter) -> None:
        with self._spool.claimed(letter) as ours:
            if ours:
                await self._hand_over(letter)

    async def _hand_over(self, letter: Letter) -> None:
        name = letter.path.name
        try:
            await channels.deliver(letter.channel, letter.payload, self._settings)
            self._spool.delivered(letter)
        except channels.Undelivered as error:
            self._failed(letter, str(error))
        except OSError as error:  # taken, but it is still in the spool: not told again every second
            self._failed(letter, f"delivered, but it cannot be removed: {error.strerror or error}")
        else:
            self._failures.pop(name, None)
            self._next_try.pop(name, None)

    def _failed(self, letter: Letter, why: str) -> None:
        name = letter.path.name
        count = self._failures[name] = self._failures.get(name, 0) + 1
        wait = min(self._settings.retry_seconds * 2.0 ** min(count - 1, 32), LONGEST_WAIT_SECONDS)
        self._next_try[name] = time.monotonic() + wait
        age = datetime.datetime.now(datetime.UTC).timestamp() - letter.since
        _log.warning("alert %s by %s: %s", letter.payload.get("id"), letter.channel, why)
        if age > 3600 * self._settings.keep_hours:
            _log.error("alert %s by %s is given up", letter.payload.get("id"), letter.channel)
            self._spool.give_up(letter)
