"""The version manager: versions of the store are verified, loaded, tried and switched to."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterator, Mapping

from serving.errors import StoreError, StoreInputError
from serving.model import loader
from serving.model.batching import Lane
from serving.model.lifecycle.loading import VersionLoading
from serving.model.lifecycle.probe import SUSPICIOUS, Probe
from serving.model.lifecycle.states import (
    State,
    VersionStates,
    VersionStatus,
    not_loaded,
    unknown,
    unknown_label,
)
from serving.model.load_attempt import in_thread
from serving.model.metrics import Metrics
from serving.model.predictor import DEFAULT_SIGNATURE, Predictor, Signature
from serving.model.trial import Question, Reference
from serving.status import Code, invalid
from serving.versions import VersionStore

_LOG = logging.getLogger("greenlight.serving")


class LoadedVersion:
    """A version in memory: its predictor, a batching lane for each signature, and its probe.

    It stays loaded as long as a request holds a lease on it.
    """

    def __init__(self, loaded: Predictor, *, store_id: str, question: Question) -> None:
        self.predictor = loaded
        self.probe = Probe(loaded, question)
        self.version = loaded.version
        self.store_id = store_id
        self.lanes = {
            name: Lane(lambda inputs, name=name: loaded.run(name, inputs), batched=signature.batched)  # type: ignore[misc]
            for name, signature in loaded.signatures.items()
        }
        self._leases = 0
        self._released = asyncio.Event()

    @property
    def answers(self) -> bool:
        """Whether the version answered its question when it was last asked."""
        return self.probe.answers

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
        """Waits until no request holds a lease and no call is running."""
        for lane in self.lanes.values():
            lane.when_idle = self._released.set
        while self._leases or any(lane.active for lane in self.lanes.values()):
            await self._released.wait()
            self._released.clear()


class Models:
    """The loaded versions of one model, newest first, in step with the versions that `store` publishes.

    Args:
      store: the version store.
      name: the model's name.
      versions: how many of the newest good versions are loaded.
      pin: serve only this version.
      poll_seconds: the interval between scans of the store.
      load_seconds: how long a version may take to be verified, loaded and tried.
      answer_seconds: how long a loaded version may take to answer its probe.
      metrics: counts loads, refusals and versions.
      load: loads the SavedModel at a path, with its version number.
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
        self._answer_seconds = answer_seconds
        self._metrics = metrics or Metrics(name)
        self._loaded: list[LoadedVersion] = []
        self._states = VersionStates()
        self.loading = VersionLoading(
            store,
            states=self._states,
            metrics=self._metrics,
            load=load,
            load_seconds=load_seconds,
            poll_seconds=poll_seconds,
        )
        self._leaving: set[asyncio.Task[None]] = set()
        self._complaint = ""
        self._listeners: list[Callable[[], None]] = []

    def on_change(self, listener: Callable[[], None]) -> None:
        """Calls `listener` whenever the set of answering versions changes."""
        self._listeners.append(listener)

    def ready(self) -> bool:
        """Whether a version is loaded, and the newest one answers."""
        return bool(self._loaded) and self._loaded[0].answers

    def find(self, *, version: int | None = None, label: str | None = None) -> LoadedVersion:
        """The loaded version: the newest, or the one with that number or label.

        Raises:
          RequestError: the version is not loaded, or the label is unknown.
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
        """The states of all known versions, newest first, or of one.

        Raises:
          RequestError: no such version is known.
        """
        if label is not None:
            version = self._labeled(label)
        found = [status for status in self._states.all() if version in (None, status.version)]
        if not found:
            raise unknown(self.name, version)
        return found

    def refusals(self) -> list[VersionStatus]:
        """The refused versions, newest first."""
        return self._states.refused()

    def _labeled(self, label: str) -> int:
        labels = self.labels()
        if label not in labels:
            raise unknown_label(label)
        return labels[label]

    async def check_pin(self) -> None:
        """Raises StoreInputError if the pinned version is not published."""
        published = await in_thread(self._store.published)
        if self._pin is not None and self._pin not in published:
            known = ", ".join(map(str, published)) or "none"
            raise StoreInputError(
                f"version {self._pin} is not published in {self._store.root}; there are: {known}"
            )

    async def start(self) -> None:
        """Scans the store for the first time. Only a pinned version has to be there.

        Raises:
          StoreError: the pinned version is refused.
        """
        await self.refresh()
        if self._pin is not None and not self._loaded:
            status = self._states.of(self._pin)
            why = (status.message if status else self._complaint) or "it is no longer published"
            raise StoreError(f"version {self._pin} is not served: {why}")

    async def watch(self) -> None:
        """Follows the store until cancelled."""
        while True:
            await asyncio.sleep(self._poll_seconds)
            try:
                await self.refresh()
            except Exception as error:  # the loaded versions keep serving
                self._complain(f"{type(error).__name__}: {error}")

    async def refresh(self) -> None:
        """Scans the store once, loads new versions and switches to them."""
        try:
            store_id, published = await in_thread(self._look)
        except StoreError as error:
            self._complain(str(error))
            return
        for status in self.refusals():
            if status.version not in published:  # rolled back or pruned: nothing is wrong any more
                self._states.forget(status.version)
        good: list[LoadedVersion] = []
        for number in published:
            if len(good) == self._versions:
                break
            if one := await self._loaded_version(store_id, number, published):
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
        """Logs a problem with the store, once."""
        if text and text != self._complaint:
            _LOG.warning("the store cannot be followed", extra={"error": text})
        self._complaint = text

    async def _loaded_version(self, store_id: str, number: int, published: list[int]) -> LoadedVersion | None:
        """The version, which is loaded if it is not; None if it cannot serve."""
        for loaded in self._loaded:
            if (loaded.store_id, loaded.version) == (store_id, number):
                return loaded
        reference = self._reference(store_id, number, published)
        found = await self.loading.load(store_id, number, reference=reference)
        if found is None:
            return None
        predictor, question = found
        return LoadedVersion(predictor, store_id=store_id, question=question)

    def _reference(self, store_id: str, number: int, published: list[int]) -> Reference:
        """The version to compare with; never one that was rolled back, whose successor may differ at will."""
        for one in self._loaded:
            if one.store_id != store_id or one.version in published:
                return Reference(one.predictor)
        older = [each for each in published if each < number]
        return Reference(older=lambda: self.loading.first_that_loads(older))

    def _switch(self, good: list[LoadedVersion]) -> None:
        before, self._loaded = self._loaded, good
        for one in good:
            if one not in before:
                self._states.set(one.version, State.AVAILABLE)
                _LOG.info("version loaded", extra={"version": one.version})
        for one in before:
            if one not in good:
                self._leave(one, State.UNLOADING)
                task = asyncio.create_task(self._retire(one))
                self._leaving.add(task)
                task.add_done_callback(self._leaving.discard)
        if before != good:
            self._metrics.versions([one.version for one in good])
            self._answering_changed()

    def note(self, one: LoadedVersion, *, failed: bool) -> None:
        """Counts failed requests to a version; several in a row start its probe."""
        one.probe.failed = one.probe.failed + 1 if failed else 0
        if one.probe.failed >= SUSPICIOUS and one in self._loaded:
            one.probe.start(
                seconds=self._answer_seconds,
                serves=lambda: one in self._loaded,
                lease=one.leased,
                judge=lambda failure: self._judge(one, failure),
            )

    def _judge(self, one: LoadedVersion, failure: str) -> None:
        """Records that a version has stopped answering, or answers again."""
        if one not in self._loaded or one.answers == (not failure):
            return
        one.probe.answers = not failure
        if failure:
            self._states.set(one.version, State.AVAILABLE, Code.UNAVAILABLE, f"does not answer: {failure}")
            _LOG.error("version does not answer", extra={"version": one.version, "error": failure})
        else:
            self._states.set(one.version, State.AVAILABLE)
            _LOG.info("version answers again", extra={"version": one.version})
        self._answering_changed()

    def _answering_changed(self) -> None:
        self._metrics.answering(self.ready())
        for listener in self._listeners:
            listener()

    async def _retire(self, one: LoadedVersion) -> None:
        """Unloads a version after its last request."""
        await one.idle()
        await in_thread(one.predictor.close)
        await in_thread(loader.collect)
        self._leave(one, State.END)
        _LOG.info("version unloaded", extra={"version": one.version})

    def _leave(self, one: LoadedVersion, state: State) -> None:
        """Records the state of a version that leaves, unless its number is loaded again."""
        if all(each.version != one.version for each in self._loaded):
            self._states.set(one.version, state)

    async def close(self) -> None:
        """Unloads all versions."""
        before, self._loaded = self._loaded, []
        for task in [*self._leaving, *(one.probe.task for one in before if one.probe.task)]:
            task.cancel()
        for one in before:
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(one.idle(), 1)
            with contextlib.suppress(asyncio.TimeoutError):  # a model can hang
                await asyncio.wait_for(in_thread(one.predictor.close), 1)
