"""The writer of a version store: exclusive, journaled, with recovery after a crash."""

import contextlib
import dataclasses
import datetime
import errno
import json
import logging
import secrets
from collections.abc import Callable, Iterator

from serving.errors import StoreBusy, StoreError
from serving.storage.files import COMMIT_NAME, Files, Held, join
from serving.store.journal import (
    BEGIN,
    DONE,
    PRUNE,
    PUBLISHING,
    ROLLBACK,
    SET_ASIDE,
    UNDONE,
    Event,
    Journal,
    pending,
    whoami,
)
from serving.store.layout import ROLLED_BACK_SHELF, SET_ASIDE_SHELF, Layout
from serving.store.reader import Reader
from serving.store.records import Version

FORMAT = 1
LEASE_SECONDS = 180.0
"""How long a writer that died on an object store still blocks others."""

SHELVES = {ROLLBACK: ROLLED_BACK_SHELF, SET_ASIDE: SET_ASIDE_SHELF}
_NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)

Clock = Callable[[], datetime.datetime]

log = logging.getLogger(__name__)


class Writer:
    """Changes the store at `layout`; every change needs `locked()`.

    Args:
      files: the file operations.
      layout: the paths of the store.
      reader: reads the same store.
      clock: returns the current time, aware.
      wait_seconds: how long to wait for other writers.
    """

    def __init__(
        self, files: Files, layout: Layout, reader: Reader, *, clock: Clock, wait_seconds: float
    ) -> None:
        self.files = files
        self.layout = layout
        self.reader = reader
        self.journal = Journal(files, layout.journal)
        self._clock = clock
        self._wait_seconds = wait_seconds

    def now(self) -> str:
        """The time in UTC, ISO 8601."""
        return self._clock().astimezone(datetime.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")

    def identity(self) -> str:
        """The store's id; "" if there is no store. StoreError for a store of a newer format."""
        try:
            record = json.loads(self.files.read(self.layout.identity))
            form, identity = int(record["format"]), str(record["id"])
        except (FileNotFoundError, NotADirectoryError, ValueError, KeyError, TypeError):
            return ""
        if form > FORMAT:
            raise StoreError(
                f"{self.layout.identity} has format {form}, and this Greenlight supports stores up to "
                f"{FORMAT}: update Greenlight"
            )
        return identity

    @contextlib.contextmanager
    def locked(self) -> Iterator[Held]:
        """Holds the store's lock, after recovering from writers that died.

        Example: a writer died between the rename of version 8 and its `done` in the journal. The next
        `locked()` finds the open `begin`, sees version 8 in the folder, and completes the entry with `done`;
        had the rename not happened, the entry would be closed as undone. Then it empties `staging/`.

        Raises:
          StoreBusy: another writer held the lock for too long.
        """
        wait, lease = self._wait_seconds, LEASE_SECONDS
        with self.files.lock(self.layout.lock, wait_seconds=wait, lease_seconds=lease) as held:
            self._put_in_order(held)
            yield held

    def _put_in_order(self, held: Held) -> None:
        """Creates the store if there is none, and recovers from dead writers and full disks.

        The order matters: open actions are settled before versions are listed, and the journal is completed
        before it is searched for rolled-back models.
        """
        self._create_unless_there()
        self._finish_what_was_begun()
        versions = self.reader.versions()
        self._record_what_is_missing(versions)
        self._shelve_copies_of_rolled_back_models(versions, held)
        self._clear_staging()

    @contextlib.contextmanager
    def staging(self) -> Iterator[str]:
        """A new folder for building a version; its lock shows others that its writer is alive."""
        own = join(self.layout.staging, secrets.token_hex(8))
        with self.files.lock(_guard(own), wait_seconds=0, lease_seconds=LEASE_SECONDS):
            try:
                yield join(own, "model")
            finally:
                with contextlib.suppress(OSError, StoreError):
                    self.files.remove(own)

    def shelve(self, version: Version, held: Held, *, action: str, digest: str | None, why: str) -> None:
        """Moves a version away from the numbered folders by one rename, keeping its files."""
        event = self.event(action, version.number, digest=digest, why=why)
        with self.recorded(event):
            held.confirm()
            shelf = self.layout.shelf(SHELVES[action], version.number)
            self.files.move(version.path, shelf, check=lambda read: held.confirm())

    def discard(self, version: Version, held: Held, *, why: str) -> None:
        """Deletes a version and frees its space."""
        event = self.event(PRUNE, version.number, digest=version.digest, why=why)
        with self.recorded(event):
            held.confirm()
            self.files.discard(version.path, trash=join(self.layout.staging, secrets.token_hex(8)))

    def event(
        self,
        action: str,
        version: int,
        *,
        digest: str | None,
        why: str,
        run_id: str | None = None,
        origin: int | None = None,
    ) -> Event:
        """The BEGIN event of an action by the current user."""
        return Event(
            at=self.now(),
            who=whoami(),
            action=action,
            stage=BEGIN,
            version=version,
            digest=digest,
            why=why,
            run_id=run_id,
            origin=origin,
        )

    @contextlib.contextmanager
    def recorded(self, event: Event) -> Iterator[None]:
        """Records that the action in the block begins and is done; `locked` settles one that fails."""
        self._note(event, needed=event.action in PUBLISHING)
        yield
        self._note(_at_stage(event, DONE, self.now()), needed=False)

    def _note(self, event: Event, *, needed: bool) -> None:
        """Appends to the journal. The folders are authoritative: a full disk fails only with `needed`."""
        try:
            self.journal.append(event)
        except OSError as error:
            if needed or error.errno not in _NO_SPACE:
                raise
            log.warning("%s %d is not in the journal: %s", event.action, event.version, error)

    def _create_unless_there(self) -> None:
        if self.identity():
            return
        for path in (self.layout.staging, *map(self.layout.shelf, SHELVES.values())):
            self.files.prepare(path)
        record = {"format": FORMAT, "id": secrets.token_hex(16), "created": self.now()}
        self.files.replace(self.layout.identity, json.dumps(record).encode() + b"\n")

    def _finish_what_was_begun(self) -> None:
        """Settles what a dead writer began: completed if its commit point was passed, else undone."""
        for event in pending(self.journal.events()):
            if event.action in PUBLISHING:
                done = self._settle_publishing(event.version)
            elif event.action == PRUNE:
                done = self._settle_prune(event.version)
            else:
                done = self._settle_shelving(event.version, SHELVES[event.action])
            self._note(_at_stage(event, DONE if done else UNDONE, self.now(), recovered=True), needed=False)

    def _settle_publishing(self, number: int) -> bool:
        if self.reader.is_there(number):
            return True
        self.files.remove(self.layout.version(number))
        return False

    def _settle_prune(self, number: int) -> bool:
        shelves = [self.layout.shelf(shelf, number) for shelf in SHELVES.values()]
        whole = False
        for path in (self.layout.version(number), *shelves):
            if self.files.exists(join(path, COMMIT_NAME)):
                whole = True
            else:
                self.files.remove(path)
        return not whole

    def _settle_shelving(self, number: int, shelf: str) -> bool:
        here, there = self.layout.version(number), self.layout.shelf(shelf, number)
        if self.reader.is_there(number):
            self.files.remove(there)
            return False
        if self.files.exists(here):
            self.files.move(here, there)
        return self.files.exists(there)

    def _record_what_is_missing(self, versions: list[Version]) -> None:
        """Records removals that are missing from the journal because the disk was full."""
        recorded = {(event.version, event.action) for event in self.journal.events()}
        for version in versions:
            action = next((action for action, shelf in SHELVES.items() if shelf == version.state), None)
            if action and (version.number, action) not in recorded:
                event = self.event(action, version.number, digest=version.digest, why="")
                self._note(_at_stage(event, DONE, self.now(), recovered=True), needed=False)

    def _shelve_copies_of_rolled_back_models(self, versions: list[Version], held: Held) -> None:
        """Moves away older copies of rolled-back models, so that no later rollback restores one."""
        rejected = self.reader.rejected(versions)
        for version in versions:
            bad = rejected.get(version.digest or "")
            if bad and version.state in ("previous", "older") and version.number < bad:
                why = f"the same model as version {bad}, which was rolled back"
                self.shelve(version, held, action=ROLLBACK, digest=version.digest, why=why)

    def _clear_staging(self) -> None:
        """Removes the staging folders of dead writers; those of living writers are locked."""
        for name in self.files.folders(self.layout.staging):
            try:
                self._clear(join(self.layout.staging, name))
            except StoreBusy:
                continue
            except OSError as error:
                log.warning("leftovers of an interrupted push cannot be removed: %s", error)

    def _clear(self, own: str) -> None:
        if not self.files.exists(_guard(own)):
            return self.files.remove(own)
        with self.files.lock(_guard(own), wait_seconds=0, lease_seconds=LEASE_SECONDS):
            return self.files.remove(own)


def _guard(staging: str) -> str:
    return join(staging, "writer.lock")


def _at_stage(event: Event, stage: str, at: str, *, recovered: bool = False) -> Event:
    return dataclasses.replace(event, stage=stage, at=at, recovered=recovered)
