"""The version store: list, verify, push, promote, roll back and prune SavedModels. Standard library only."""

import contextlib
import datetime
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from serving.errors import StoreInputError, as_store_error
from serving.storage.files import Files
from serving.storage.local import LocalFiles
from serving.storage.resolve import files_for
from serving.store.changes import prune, roll_back
from serving.store.journal import DONE, Event, Journal
from serving.store.layout import Layout
from serving.store.manifest import SIGNATURE_NAME, Facts
from serving.store.publish import from_folder, from_version, publish
from serving.store.reader import Reader
from serving.store.records import Problem, PushResult, RollbackResult, Version
from serving.store.signing import Signer, Verifier
from serving.store.writer import Clock, Writer


def _utc_now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


class VersionStore:
    """The versions of one model under `root`, a folder or a `gs://`, `s3://` path (docs/versions.md).

    Reading takes no lock and works beside any writer. Every method raises StoreError, with a message for the
    user.

    Args:
      root: the folder or address of the store.
      signer: signs what is published.
      verifier: with it, a version without a valid signature does not verify.
      files: the file operations; by default those for `root`.
      single_writer: whether to write to an object store without conditional writes; nothing else may then.
      clock: returns the current time, aware.
      wait_seconds: how long writers wait for one another.
    """

    def __init__(
        self,
        root: str | os.PathLike[str],
        *,
        signer: Signer | None = None,
        verifier: Verifier | None = None,
        files: Files | None = None,
        single_writer: bool = False,
        clock: Clock = _utc_now,
        wait_seconds: float = 60.0,
    ) -> None:
        text = os.fspath(root)
        self.root = text.rstrip("/") if "://" in text else os.path.abspath(text)
        self._files = files or files_for(self.root, single_writer=single_writer)
        self._signer = signer
        self._verifier = verifier
        self._layout = layout = Layout(self.root)
        self._journal = Journal(self._files, layout.journal)
        self._reader = Reader(self._files, layout, verifier)
        self._writer = Writer(self._files, layout, self._reader, clock=clock, wait_seconds=wait_seconds)
        with as_store_error(f"open the version store {self.root}", self.root):
            self._writer.identity()

    @property
    def store_id(self) -> str:
        """The store's random id, which a recreated store does not share; "" if there is no store."""
        with as_store_error(f"read the version store {self.root}", self.root):
            return self._writer.identity()

    def create(self) -> str:
        """Creates the store if there is none; returns its id."""
        if not self.store_id:
            with as_store_error(f"create the version store {self.root}", self.root), self._writer.locked():
                pass
        return self.store_id

    def generation(self, digest: str) -> str:
        """A string for a cache key: while it is unchanged, an earlier push of the model `digest` is valid.

        It changes when the store is deleted, or a version is rolled back, pruned, lost or damaged. For a
        model that was published and is not live any more, it contains the live version, so that the push is
        repeated after each change. With store id S and no losses, for the model of version 1:

            no version yet, or version 1 live       S-0
            version 2, another model, live          S-0-behind-2
        """
        with as_store_error(f"read the version store {self.root}", self.root):
            generation = f"{self._writer.identity()}-{self._reader.losses()}"
            versions = self._reader.versions()
            live = next((version for version in versions if version.state == "live"), None)
            is_live = live is not None and live.digest == digest
            if is_live or self._reader.published_as(digest, versions) is None:
                return generation
            return f"{generation}-behind-{live.number if live else 0}"

    def versions(self) -> list[Version]:
        """All versions, including rolled-back ones, largest number first."""
        with as_store_error(f"read the version store {self.root}", self.root):
            return self._reader.versions()

    def published(self) -> list[int]:
        """The numbers that TensorFlow Serving could load, largest first, even if damaged; cheap."""
        with as_store_error(f"read the version store {self.root}", self.root):
            return self._reader.published()

    def path(self, number: int) -> str:
        """The folder of a published version; it need not exist."""
        return self._layout.version(number)

    def live(self) -> Version | None:
        """The version that TensorFlow Serving loads: the one with the largest number, even if damaged."""
        return next((version for version in self.versions() if version.state == "live"), None)

    def history(self) -> list[Event]:
        """The completed actions on the store, oldest first."""
        with as_store_error(f"read the version store {self.root}", self.root):
            return [event for event in self._journal.events() if event.stage == DONE]

    def verify(self, number: int) -> list[Problem]:
        """All mismatches: manifest, sha256 of each file, missing or additional files, signature."""
        self._known(number)
        with as_store_error(f"verify version {number} in {self.root}", self.root):
            return self._reader.verify(number)

    @contextlib.contextmanager
    def fetched(self, number: int) -> Iterator[tuple[Path, list[Problem]]]:
        """The folder of a published version on this machine, and its mismatches; load it only without any.

        Of a store in a bucket it is a copy, which is verified itself and ends with the block.
        """
        if "://" not in self.root:
            yield Path(self.path(number)), self.verify(number)
            return
        with contextlib.ExitStack() as copies:
            with as_store_error(f"fetch version {number} of {self.root}", self.root):
                folder = copies.enter_context(self._files.local_copy(self.path(number)))
                copy = Reader(LocalFiles(), Layout(str(folder.parent)), self._verifier)
                problems = copy.verify(number)
            yield folder, problems

    def push(
        self,
        model_dir: str | os.PathLike[str],
        facts: Facts,
        *,
        why: str = "",
        force: bool = False,
        records: Mapping[str, str] | None = None,
    ) -> PushResult:
        """Publishes a SavedModel folder as the next version.

        Args:
          model_dir: the SavedModel.
          facts: the facts for the manifest.
          why: the reason, for the history.
          force: whether to publish a rejected model.
          records: names in the version's folder -> paths of files about the model.
        """
        with as_store_error(f"push to {self.root}", self.root):
            candidate = from_folder(os.fspath(model_dir), facts, why=why, force=force, records=records)
            return publish(self._writer, candidate, self._signer)

    def promote(self, number: int, why: str = "") -> PushResult:
        """Makes an older or rolled-back version live again, as a copy under the next number."""
        version = self._known(number)
        with as_store_error(f"promote version {number} in {self.root}", self.root):
            problems = self.verify(number)
            if problems:
                raise StoreInputError(f"nothing was promoted: {problems[0]}")
            if self._signer is None and SIGNATURE_NAME in self._files.tree(version.path):
                raise StoreInputError(
                    f"nothing was promoted: version {number} is signed, and its copy needs a signature of "
                    "its own. Give the private key"
                )
            return publish(self._writer, from_version(version, self._files, why=why), self._signer)

    def rollback(self, why: str = "", *, expect: int | None = None) -> RollbackResult:
        """Rolls back to the previous good version; with `expect`, only if that version is live."""
        with as_store_error(f"roll back in {self.root}", self.root):
            return roll_back(self._writer, why=why, expect=expect)

    def prune(self, keep: int, *, rolled_back: bool = False) -> list[int]:
        """Deletes all but the `keep` newest good versions, never the live one; returns the numbers."""
        with as_store_error(f"prune {self.root}", self.root):
            return prune(self._writer, keep=keep, rolled_back=rolled_back)

    def _known(self, number: int) -> Version:
        with as_store_error(f"read the version store {self.root}", self.root):
            version = self._reader.find(number)
        if version is not None:
            return version
        known = ", ".join(str(version.number) for version in self.versions()) or "none"
        raise StoreInputError(f"version {number} is not in {self.root}; there are: {known}")
