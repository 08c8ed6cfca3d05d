"""An attempt to load a version: verify, load and try it, in a thread with a timeout."""

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from serving.model.loader import LoadError
from serving.model.predictor import Predictor
from serving.model.trial import Question, Reference, try_out
from serving.model.warmup_requests import own_requests
from serving.versions import VersionStore

Result = TypeVar("Result")


def in_thread(function: Callable[[], Result]) -> "asyncio.Future[Result]":
    """Runs `function` in its own daemon thread; the future gets its result or exception.

    Unlike an executor's thread, it does not delay the end of the process: a model may never answer.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Result] = loop.create_future()

    def work() -> None:
        try:
            result = function()
        except BaseException as error:
            _deliver(loop, future, lambda error=error: future.set_exception(error))  # type: ignore[misc]
        else:
            _deliver(loop, future, lambda: future.set_result(result))

    threading.Thread(target=work, name="loader", daemon=True).start()
    return future


def _deliver(
    loop: asyncio.AbstractEventLoop, future: "asyncio.Future[Result]", settle: Callable[[], None]
) -> None:
    def unless_cancelled() -> None:
        if not future.done():
            settle()

    try:
        loop.call_soon_threadsafe(unless_cancelled)
    except RuntimeError:  # the event loop is closed: there is no waiter left
        return


def retrieve_exception(future: "asyncio.Future[Any]") -> None:
    """A done callback: retrieves the exception of an abandoned future, so that asyncio does not log it."""
    if not future.cancelled():
        future.exception()


class LoadAttempt:
    """One attempt to load version `number`, which is compared with `reference`."""

    def __init__(
        self,
        store: VersionStore,
        number: int,
        *,
        reference: Reference,
        load: Callable[[str, int], Predictor],
    ) -> None:
        self._store = store
        self._number = number
        self._reference = reference
        self._load = load
        self._given_up = threading.Event()
        self._predictor: Predictor | None = None

    def run(self) -> tuple[Predictor, Question]:
        """The version, verified before and after it is loaded, and tried.

        Raises:
          LoadError: it does not verify or does not answer.
          StoreError: the store cannot be read.
        """
        path = self._store.path(self._number)
        before = _file_facts(path)
        with self._store.fetched(self._number) as (folder, problems):
            if problems:
                raise LoadError(str(problems[0]))
            loaded = self._predictor = self._load(str(folder), self._number)
            try:
                if self._given_up.is_set():
                    raise LoadError("it was given up")
                question = try_out(loaded, own=own_requests(str(folder)), reference=self._reference)
                if _file_facts(path) != before:
                    raise LoadError(f"version {self._number}: its files changed while it was loaded")
            except BaseException:
                loaded.close()
                raise
            finally:
                self._reference.close()
            return loaded, question

    def give_up(self) -> None:
        """Ends the attempt: TensorFlow stops a call of a closed session at its next operation."""
        self._given_up.set()
        if self._predictor is not None:
            self._predictor.close()


def _file_facts(path: str) -> list[tuple[str, int, int]] | None:
    """A state that changes when a file of the version changes; None for a bucket, whose copy is verified."""
    if "://" in path:
        return None
    folder = Path(path)
    try:
        facts = [(file, file.stat()) for file in sorted(folder.rglob("*"))]
    except FileNotFoundError:
        return []
    return [(str(file), fact.st_size, fact.st_mtime_ns) for file, fact in facts]
