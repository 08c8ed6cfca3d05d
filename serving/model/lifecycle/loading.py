"""The loading of published versions: in time, and again with growing pauses after a refusal."""

import asyncio
import contextlib
import dataclasses
import logging
import time
from collections.abc import Callable
from typing import Any

from serving.errors import StoreError
from serving.model.lifecycle.states import State, VersionStates
from serving.model.load_attempt import LoadAttempt, in_thread, retrieve_exception
from serving.model.loader import LoadError
from serving.model.metrics import Metrics
from serving.model.predictor import Predictor
from serving.model.trial import Question, Reference
from serving.status import Code
from serving.versions import VersionStore

_LOG = logging.getLogger("greenlight.serving")
_FIRST_RETRY, _LAST_RETRY = 5.0, 60.0  # seconds between attempts to load a refused version


@dataclasses.dataclass
class Refusal:
    """A refused version. `stuck`: the thread that its last attempt still keeps busy."""

    why: str
    retry_at: float
    pause: float = _FIRST_RETRY
    stuck: "asyncio.Future[Any] | None" = None

    @property
    def due(self) -> bool:
        """Whether it is time for another attempt."""
        return time.monotonic() >= self.retry_at and (self.stuck is None or self.stuck.done())


class VersionLoading:
    """Loads versions of `store`, and remembers which ones were refused.

    Attributes:
      load_seconds: how long a version may take to be verified, loaded and tried.
      refused: the refused versions, by the id of their store and their number.
    """

    def __init__(
        self,
        store: VersionStore,
        *,
        states: VersionStates,
        metrics: Metrics,
        load: Callable[[str, int], Predictor],
        load_seconds: float,
        poll_seconds: float,
    ) -> None:
        self._store = store
        self._states = states
        self._metrics = metrics
        self._load = load
        self._poll_seconds = poll_seconds
        self._stuck: dict[tuple[str, int], asyncio.Future[Any]] = {}
        self.load_seconds = load_seconds
        self.refused: dict[tuple[str, int], Refusal] = {}

    async def load(
        self, store_id: str, number: int, *, reference: Reference
    ) -> tuple[Predictor, Question] | None:
        """Loads and tries a version.

        Args:
          store_id: the id of the store, which a recreated store does not share.
          number: the version.
          reference: the version that its trial compares with.

        Returns:
          The loaded version and the question that it has to answer while it serves; None if it is refused,
          was removed from the store meanwhile, or was refused before and is not due again.
        """
        key = store_id, number
        refusal = self.refused.get(key)
        if refusal and not refusal.due:
            return None
        if refusal is None:
            self._states.set(number, State.LOADING)
        started = time.perf_counter()
        path = self._store.path(number)
        try:
            loaded = await self._load_in_time(key, reference)
        except Exception as error:  # whatever it is, the version does not replace one that answers
            if await self._is_gone(number):  # rolled back or pruned meanwhile
                self._states.forget(number)
                self._stuck.pop(key, None)
                return None
            self._metrics.load(path, Code.DATA_LOSS, time.perf_counter() - started)
            known = isinstance(error, (LoadError, StoreError))
            self._refuse(key, str(error) if known else f"{type(error).__name__}: {error}")
            return None
        self._metrics.load(path, Code.OK, time.perf_counter() - started)
        self.refused.pop(key, None)
        return loaded

    def first_that_loads(self, numbers: list[int]) -> Predictor | None:
        """The first of these versions that loads, for a comparison; None if none does. Blocks."""
        for number in numbers:
            with (
                contextlib.suppress(LoadError, StoreError),
                self._store.fetched(number) as (folder, problems),
            ):
                if not problems:
                    return self._load(str(folder), number)
        return None

    async def _load_in_time(self, key: tuple[str, int], reference: Reference) -> tuple[Predictor, Question]:
        """Raises LoadError if the version is not loaded in time, or leaves the store meanwhile."""
        _, number = key
        attempt = LoadAttempt(self._store, number, reference=reference, load=self._load)
        running = in_thread(attempt.run)
        running.add_done_callback(retrieve_exception)
        try:
            why = await self._reason_to_give_up(running, number)
        except BaseException:  # such as the end of the server: otherwise the loaded model would stay open
            attempt.give_up()
            raise
        if not why:
            return running.result()
        attempt.give_up()
        self._stuck[key] = running
        raise LoadError(why)

    async def _reason_to_give_up(self, running: "asyncio.Future[Any]", number: int) -> str:
        """Waits for an attempt; the reason to stop waiting, or "" if it has ended."""
        until = time.monotonic() + self.load_seconds
        while not running.done():
            left = until - time.monotonic()
            if left <= 0:
                return f"it did not load and answer within {self.load_seconds:g} seconds (serve.load_seconds)"
            await asyncio.wait({running}, timeout=min(left, self._poll_seconds))
            if not running.done() and await self._is_gone(number):
                return "it was rolled back or pruned while it was loaded"
        return ""

    async def _is_gone(self, number: int) -> bool:
        """Whether the store no longer publishes the version; False while the store cannot be read."""
        try:
            return number not in await in_thread(self._store.published)
        except StoreError:
            return False

    def _refuse(self, key: tuple[str, int], why: str) -> None:
        before = self.refused.get(key)
        pause = min(before.pause * 2, _LAST_RETRY) if before else _FIRST_RETRY
        self.refused[key] = Refusal(why, time.monotonic() + pause, pause, self._stuck.pop(key, None))
        self._states.set(key[1], State.END, Code.DATA_LOSS, why)
        if before is None or before.why != why:
            self._metrics.refused()
            _LOG.error("version refused", extra={"version": key[1], "error": why})
