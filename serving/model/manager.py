"""The version manager: versions of the store are verified, loaded, tried and switched to."""

import asyncio
import contextlib
import dataclasses
import enum
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from serving.errors import StoreError, StoreInputError
from serving.model import loader
from serving.model.batching import Lane
from serving.model.load_attempt import LoadAttempt, in_thread
from serving.model.loader import LoadError
from serving.model.metrics import Metrics
from serving.model.predictor import DEFAULT_SIGNATURE, Predictor, Signature
from serving.model.trial import Question
from serving.status import Code, RequestError, invalid
from serving.versions import VersionStore

_LOG = logging.getLogger("greenlight.serving")
_FIRST_RETRY, _LAST_RETRY = 5.0, 60.0  # seconds between looks at a version that was refused
_REMEMBERED = 50  # versions whose end is still told
_SUSPICIOUS = 3  # requests to a version that fail in a row, until it is asked its own question
_AGAIN_SECONDS = 5.0  # between two such questions


class State(enum.IntEnum):
    """TensorFlow Serving's states of a version; the value is its number in the protocol."""

    START = 10
    LOADING = 20
    AVAILABLE = 30
    UNLOADING = 40
    END = 50


@dataclasses.dataclass(frozen=True, kw_only=True)
class VersionStatus:
    """The state of one version; `code` and `message` say why it is not served, where that is an error."""

    version: int
    state: State
    code: Code = Code.OK
    message: str = ""


def not_loaded(name: str, version: int | None) -> RequestError:
    """The error of a call to a model, or to that version of it, that is not served."""
    which = f"Latest({name})" if version is None else f"Specific({name}, {version})"
    return RequestError(Code.NOT_FOUND, f"Servable not found for request: {which}")


def unknown(name: str, version: int | None) -> RequestError:
    """The error of a question for the state of a model, or of that version of it, that is not known."""
    which = "any versions" if version is None else f"version {version}"
    return RequestError(Code.NOT_FOUND, f"Could not find {which} of model {name}")


def unknown_label(label: str) -> RequestError:
    """The error of a label that is not in force."""
    return invalid(f"Unrecognized servable version label: {label}")


class LoadedVersion:
    """A version that answers or still has to: its predictor, and a lane for each signature.

    It stays loaded as long as a request holds a lease on it. question: what it has to answer as long as it
    serves. answers: whether it did so when it was last asked.
    """

    def __init__(self, loaded: Predictor, *, store_id: str, question: Question) -> None:
        self.predictor = loaded
        self.question = question
        self.answers = True
        self.failed = 0  # requests in a row
        self.asked_at = -_AGAIN_SECONDS
        self.asking: asyncio.Task[None] | None = None
        self.version = loaded.version
        self.store_id = store_id
        self.lanes = {
            name: Lane(lambda inputs, name=name: loaded.run(name, inputs), batched=signature.batched)  # type: ignore[misc]
            for name, signature in loaded.signatures.items()
        }
        self._leases = 0
        self._released = asyncio.Event()

    @property
    def signatures(self) -> Mapping[str, Signature]:
        """The version's signatures by name."""
        return self.predictor.signatures

    def signature(self, name: str) -> Signature:
        """The signature of that name; an empty name means the default signature.

        Raises:
          RequestError: the version has no such signature.
        """
        wanted = name or DEFAULT_SIGNATURE
        if wanted not in self.signatures:
            raise invalid(f'Serving signature name: "{wanted}" not found in signature def')
        return self.signatures[wanted]

    @contextlib.contextmanager
    def leased(self) -> Iterator["LoadedVersion"]:
        """Keeps the version loaded until the block ends."""
        self._leases += 1
        try:
            yield self
        finally:
            self._leases -= 1
            self._released.set()

    async def idle(self) -> None:
        """Returns when no request holds a lease and the model is done with all calls."""
        for lane in self.lanes.values():
            lane.when_idle = self._released.set
        while self._leases or any(lane.active for lane in self.lanes.values()):
            await self._released.wait()
            self._released.clear()


@dataclasses.dataclass
class _Refusal:
    """stuck: a thread that the version still keeps busy."""

    why: str
    retry_at: float
    pause: float = _FIRST_RETRY
    stuck: "asyncio.Future[Any] | None" = None

    @property
    def due(self) -> bool:
        """Whether the version is to be looked at again."""
        return time.monotonic() >= self.retry_at and (self.stuck is None or self.stuck.done())


class Models:
    """The versions of one model that are loaded, newest first, kept to what `store` publishes.

    versions: how many of the newest good ones. pin: only this one, whatever comes or goes. load_seconds: how
    long a version may take to load and to answer. answer_seconds: how long a loaded one may take to answer.
    """

    def __init__(
        self,
        store: VersionStore,
        *,
        name: str,
        versions: int = 1,
        pin: int | None = None,
        poll_seconds: float = 1.0,
        load_seconds: float = 120.0,
        answer_seconds: float = 30.0,
        metrics: Metrics | None = None,
        load: Callable[[str, int], Predictor] = loader.load,
    ) -> None:
        self.name = name
        self._store = store
        self._versions = 1 if pin is not None else versions
        self._pin = pin
        self._poll_seconds = poll_seconds
        self._load_seconds = load_seconds
        self._answer_seconds = answer_seconds
        self._load = load
        self._metrics = metrics or Metrics(name)
        self._loaded: list[LoadedVersion] = []
        self._states: dict[int, VersionStatus] = {}
        self._refused: dict[tuple[str, int], _Refusal] = {}
        self._stuck: dict[tuple[str, int], asyncio.Future[Any]] = {}
        self._leaving: set[asyncio.Task[None]] = set()
        self._complaint = ""
        self._listeners: list[Callable[[], None]] = []

    def on_change(self, listener: Callable[[], None]) -> None:
        """Calls `listener` whenever other versions answer than before, or one no longer or again."""
        self._listeners.append(listener)

    def ready(self) -> bool:
        """Whether a version is loaded, and the newest one answers."""
        return bool(self._loaded) and self._loaded[0].answers

    def find(self, *, version: int | None = None, label: str | None = None) -> LoadedVersion:
        """The version that answers: the newest, or the one of that number or label.

        Raises:
          RequestError: it is not loaded, or the label unknown.
        """
        if version is None and label is None:
            if not self._loaded:
                raise not_loaded(self.name, None)
            return self._loaded[0]
        if version is None:
            version = self._labeled(label or "")
        for loaded in self._loaded:
            if loaded.version == version:
                return loaded
        raise not_loaded(self.name, version)

    def labels(self) -> dict[str, int]:
        """The labels in force: `stable` is the newest version loaded, `previous` the one before it."""
        return {
            label: loaded.version for label, loaded in zip(("stable", "previous"), self._loaded, strict=False)
        }

    def statuses(self, *, version: int | None = None, label: str | None = None) -> list[VersionStatus]:
        """The states of all versions known, newest first, or of one.

        Raises:
          RequestError: there is none.
        """
        if label is not None:
            version = self._labeled(label)
        found = [
            self._states[number] for number in sorted(self._states, reverse=True) if version in (None, number)
        ]
        if not found:
            raise unknown(self.name, version)
        return found

    def refusals(self) -> list[VersionStatus]:
        """Those that should answer and are refused, newest first."""
        return [
            status
            for _, status in sorted(self._states.items(), reverse=True)
            if status.code is not Code.OK and status.state is State.END
        ]

    def _labeled(self, label: str) -> int:
        labels = self.labels()
        if label not in labels:
            raise unknown_label(label)
        return labels[label]

    async def check_pin(self) -> None:
        """Raises StoreInputError where a version is pinned that is not published."""
        published = await in_thread(self._store.published)
        if self._pin is not None and self._pin not in published:
            known = ", ".join(map(str, published)) or "none"
            raise StoreInputError(
                f"version {self._pin} is not published in {self._store.root}; there are: {known}"
            )

    async def start(self) -> None:
        """The first look. A store without a good version may get one later; a pinned version must do now.

        Raises:
          StoreError: the pinned version is refused.
        """
        await self.refresh()
        if self._pin is not None and not self._loaded:
            status = self._states.get(self._pin)
            why = (status.message if status else self._complaint) or "it is not published any more"
            raise StoreError(f"version {self._pin} is not served: {why}")

    async def watch(self) -> None:
        """Keeps to the store until cancelled."""
        while True:
            await asyncio.sleep(self._poll_seconds)
            try:
                await self.refresh()
            except Exception as error:  # what answers now goes on answering, whatever is wrong with the next
                self._complain(f"{type(error).__name__}: {error}")

    async def refresh(self) -> None:
        """One look at the store, and all that follows from it."""
        try:
            store_id, published = await in_thread(self._look)
        except StoreError as error:
            self._complain(str(error))
            return
        for status in self.refusals():
            if status.version not in published:  # rolled back or pruned: nothing is wrong any more
                del self._states[status.version]
        good: list[LoadedVersion] = []
        for number in published:
            if len(good) == self._versions:
                break
            if one := await self._usable(store_id, number):
                good.append(one)
        if good:
            self._complain("")
            self._switch(good)
        elif self._loaded:
            self._complain("no version in the store can be served: the last good one stays")

    def _look(self) -> tuple[str, list[int]]:
        published = self._store.published()
        wanted = published if self._pin is None else [number for number in published if number == self._pin]
        return self._store.store_id, wanted

    def _complain(self, text: str) -> None:
        """Logs what is wrong with the store, once."""
        if text and text != self._complaint:
            _LOG.warning("the store cannot be followed", extra={"error": text})
        self._complaint = text

    async def _usable(self, store_id: str, number: int) -> LoadedVersion | None:
        """The version, loaded before or now; None where it is refused."""
        for loaded in self._loaded:
            if (loaded.store_id, loaded.version) == (store_id, number):
                return loaded
        refusal = self._refused.get((store_id, number))
        if refusal and not refusal.due:
            return None
        if refusal is None:
            self._tell(number, State.LOADING)
        started = time.perf_counter()
        path = self._store.path(number)
        try:
            predictor, question = await self._load_in_time(store_id, number)
        except Exception as error:  # whatever it is, the version does not replace one that answers
            if await self._is_gone(number):  # rolled back or pruned meanwhile
                self._states.pop(number, None)
                self._stuck.pop((store_id, number), None)
                return None
            self._metrics.load(path, Code.DATA_LOSS, time.perf_counter() - started)
            known = isinstance(error, (LoadError, StoreError))
            self._refuse(store_id, number, str(error) if known else f"{type(error).__name__}: {error}")
            return None
        self._metrics.load(path, Code.OK, time.perf_counter() - started)
        self._refused.pop((store_id, number), None)
        return LoadedVersion(predictor, store_id=store_id, question=question)

    async def _load_in_time(self, store_id: str, number: int) -> tuple[Predictor, Question]:
        """The version; LoadError if it is not there in time, or is taken out of the store meanwhile."""
        live = self._loaded[0].predictor if self._loaded else None
        attempt = LoadAttempt(self._store, number, live=live, load=self._load)
        running = in_thread(attempt.run)
        running.add_done_callback(_forget)
        try:
            why = await self._waited_for(running, number)
        except BaseException:  # such as the end of the server: otherwise the loaded model would stay open
            attempt.give_up()
            raise
        if not why:
            return running.result()
        attempt.give_up()
        self._stuck[store_id, number] = running
        raise LoadError(why)

    async def _waited_for(self, running: "asyncio.Future[Any]", number: int) -> str:
        """Why it is not worth waiting for any longer; empty once it has ended."""
        until = time.monotonic() + self._load_seconds
        while not running.done():
            left = until - time.monotonic()
            if left <= 0:
                return (
                    f"it did not load and answer within {self._load_seconds:g} seconds (serve.load_seconds)"
                )
            await asyncio.wait({running}, timeout=min(left, self._poll_seconds))
            if not running.done() and await self._is_gone(number):
                return "it was rolled back or pruned while it was loaded"
        return ""

    async def _is_gone(self, number: int) -> bool:
        """Whether the store publishes the version no more; False while the store cannot be read."""
        try:
            return number not in await in_thread(self._store.published)
        except StoreError:
            return False

    def _refuse(self, store_id: str, number: int, why: str) -> None:
        before = self._refused.get((store_id, number))
        pause = min(before.pause * 2, _LAST_RETRY) if before else _FIRST_RETRY
        stuck = self._stuck.pop((store_id, number), None)
        self._refused[store_id, number] = _Refusal(why, time.monotonic() + pause, pause, stuck)
        self._tell(number, State.END, Code.DATA_LOSS, why)
        if before is None or before.why != why:
            self._metrics.refused()
            _LOG.error("version refused", extra={"version": number, "error": why})

    def _switch(self, good: list[LoadedVersion]) -> None:
        before, self._loaded = self._loaded, good
        for one in good:
            if one not in before:
                self._tell(one.version, State.AVAILABLE)
                _LOG.info("version loaded", extra={"version": one.version})
        for one in before:
            if one not in good:
                self._tell(one.version, State.UNLOADING, unless_loaded=True)
                task = asyncio.create_task(self._retire(one))
                self._leaving.add(task)
                task.add_done_callback(self._leaving.discard)
        if before != good:
            self._metrics.versions([one.version for one in good])
            self._answering_changed()

    def note(self, one: LoadedVersion, *, failed: bool) -> None:
        """A request to a version has ended. After some that failed in a row it is asked its own question."""
        one.failed = one.failed + 1 if failed else 0
        due = one.failed >= _SUSPICIOUS and time.monotonic() >= one.asked_at + _AGAIN_SECONDS
        if due and one.asking is None and one in self._loaded:
            one.asking = asyncio.create_task(self._ask(one))

    async def _ask(self, one: LoadedVersion) -> None:
        """Asks a version its question until it answers."""
        answer: asyncio.Future[None] | None = None
        while one in self._loaded:
            if answer is None or answer.done():
                answer = in_thread(lambda: one.question.ask(one.predictor))
                answer.add_done_callback(_forget)
            with one.leased():
                await asyncio.wait({answer}, timeout=self._answer_seconds)
            one.asked_at = time.monotonic()
            self._judge(one, self._failure(answer))
            if one.answers:
                break
            await asyncio.sleep(_AGAIN_SECONDS)
        one.asking = None
        one.failed = 0

    def _failure(self, answer: "asyncio.Future[None]") -> str:
        """Why the question was not answered; empty where it was."""
        if not answer.done():
            return f"no answer within {self._answer_seconds:g} seconds"
        error = answer.exception()
        return "" if error is None else getattr(error, "message", str(error))

    def _judge(self, one: LoadedVersion, failure: str) -> None:
        """Takes a version that does not answer back from what is ready, or gives it back."""
        if one not in self._loaded or one.answers == (not failure):
            return
        one.answers = not failure
        if failure:
            self._tell(one.version, State.AVAILABLE, Code.UNAVAILABLE, f"does not answer any more: {failure}")
            _LOG.error("version does not answer", extra={"version": one.version, "error": failure})
        else:
            self._tell(one.version, State.AVAILABLE)
            _LOG.info("version answers again", extra={"version": one.version})
        self._answering_changed()

    def _answering_changed(self) -> None:
        self._metrics.answering(self.ready())
        for listener in self._listeners:
            listener()

    async def _retire(self, one: LoadedVersion) -> None:
        """Lets a version go when it has answered what it was asked."""
        await one.idle()
        await in_thread(one.predictor.close)
        await in_thread(loader.collect)
        self._tell(one.version, State.END, unless_loaded=True)
        _LOG.info("version unloaded", extra={"version": one.version})

    def _tell(
        self,
        number: int,
        state: State,
        code: Code = Code.OK,
        message: str = "",
        *,
        unless_loaded: bool = False,
    ) -> None:
        if unless_loaded and any(one.version == number for one in self._loaded):
            return
        self._states[number] = VersionStatus(version=number, state=state, code=code, message=message)
        for old in sorted(self._states)[:-_REMEMBERED]:
            del self._states[old]

    async def close(self) -> None:
        """Lets all versions go."""
        before, self._loaded = self._loaded, []
        for task in [*self._leaving, *(one.asking for one in before if one.asking)]:
            task.cancel()
        for one in before:
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(one.idle(), 1)
            with contextlib.suppress(asyncio.TimeoutError):  # a model may hang
                await asyncio.wait_for(in_thread(one.predictor.close), 1)


def _forget(future: "asyncio.Future[Any]") -> None:
    """Retrieves the exception of an abandoned task, so that asyncio does not log it."""
    if not future.cancelled():
        future.exception()
