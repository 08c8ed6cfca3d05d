"""The folder layout of a workspace."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from components.errors import GreenlightError, InputError, MachineFault
from pipeline.lineage.mysql import MySqlLineage, noted_uri
from pipeline.lineage.store import LineageStore, SqliteLineage
from pipeline.settings.lineage import LineageSettings
from serving.machine import faults, file_locks

if TYPE_CHECKING:
    from pipeline.config import Settings

RunState = Literal["running", "interrupted", "killed", "unsaved", "unfinished"]
"""The state of a run without a result: `unsaved` if the disk did not accept its result, `unfinished` for a
run of an older Greenlight without further information.
"""
_ALIVE, _INTERRUPTED, _ENDED = "run.lock", "interrupted", "ended"


@dataclasses.dataclass(frozen=True)
class Workspace:
    """The paths of one workspace; `root` is absolute."""

    root: Path
    lineage: LineageSettings = dataclasses.field(default_factory=LineageSettings)

    @classmethod
    def at(cls, root: Path) -> Workspace:
        """The workspace at `root`, with its lineage in its own file."""
        return cls(Path(root).expanduser().resolve())

    @classmethod
    def of(cls, settings: Settings) -> Workspace:
        """The workspace of `settings`, with its lineage in their store."""
        return dataclasses.replace(cls.at(settings.workspace), lineage=settings.metadata)

    @property
    def metadata(self) -> LineageStore:
        """The lineage store.

        Raises:
          InputError: the settings name a file, but the lineage is in a database.
        """
        note = self.root / "metadata.json"
        if self.lineage.uri:
            return MySqlLineage(self.lineage, note, self.artifacts)
        if uri := noted_uri(note):
            raise InputError(
                f"The lineage of the workspace {self.root} is in {uri}. Set metadata.uri to it, "
                "and metadata.password_variable as for the run."
            )
        return SqliteLineage(self.root / "metadata.sqlite")

    @property
    def artifacts(self) -> Path:
        """TFX's pipeline root: every artifact of every run."""
        return self.root / "artifacts"

    def serving(self, model_name: str) -> Path:
        """The folder of versions that a model server watches."""
        return self.root / "serving" / model_name

    def requests(self, model_name: str) -> Path:
        """The sampled request log of the model's server."""
        return self.root / "requests" / model_name

    def run(self, run_id: str) -> Path:
        return self.root / "runs" / run_id

    def log(self, run_id: str) -> Path:
        return self.run(run_id) / "run.log"

    def result(self, run_id: str) -> Path:
        return self.run(run_id) / "result.json"

    def settings(self, run_id: str) -> Path:
        """The settings of the run, as TOML that `config.load` reads."""
        return self.run(run_id) / "settings.toml"

    def report(self, run_id: str) -> Path:
        return self.root / "reports" / run_id / "index.html"

    def drift_report(self, name: str) -> Path:
        """The page of a comparison with the live model's training data."""
        return self.root / "reports" / "drift" / f"{name}.html"

    def model_card(self, run_id: str, kind: str) -> Path:
        """The card of the version that the run promoted; `kind` is "md" or "html"."""
        return self.root / "reports" / run_id / f"model-card.{kind}"

    def create(self) -> None:
        """Creates the folder.

        Raises:
          MachineFault: the disk is full, or this user may not write there.
          InputError: it cannot be created for another reason, or its lineage is elsewhere.
          GreenlightError: its lineage store is damaged, or out of reach.
        """
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            probe = self.root / ".writable"
            probe.touch()
            probe.unlink()
        except OSError as error:
            if remedy := faults.remedy_of(error, self.root):
                raise MachineFault(f"The workspace {self.root} cannot be written: {remedy}") from error
            obstructed = isinstance(error, FileExistsError | NotADirectoryError)
            reason = "a file is there, not a folder" if obstructed else error.strerror or error
            raise InputError(
                f"The workspace {self.root} cannot be used: {reason}. Name another with --workspace."
            ) from error
        self.metadata.prepare()

    @contextmanager
    def exclusively(self) -> Iterator[None]:
        """Locks the workspace for one run; the system releases the lock of a process that died.

        Raises:
          GreenlightError: another run holds it.
        """
        import filelock

        lock = filelock.FileLock(self.root / ".run.lock")
        try:
            with lock.acquire(timeout=0):
                yield
        except filelock.Timeout:
            raise GreenlightError(
                f"Another run is using the workspace {self.root}. "
                "Wait for it to end, or name another --workspace."
            ) from None

    @contextmanager
    def under_way(self, run_id: str) -> Iterator[None]:
        """Marks the run as running until its end or that of this process, and records how it ended.

        The record is the renamed mark, which needs neither space nor inodes.

        Raises:
          OSError: the mark cannot be created.
        """
        mark, note = self.run(run_id) / _ALIVE, _ENDED
        with file_locks.held(mark):
            try:
                yield
            except KeyboardInterrupt:
                note = _INTERRUPTED
                raise
            finally:
                with suppress(OSError):  # how it ended stays as it is
                    mark.rename(mark.with_name(note))

    def state(self, run_id: str) -> RunState:
        """The state of a run without a result."""
        if (self.run(run_id) / _INTERRUPTED).exists():
            return "interrupted"
        if (self.run(run_id) / _ENDED).exists():
            return "unsaved"
        alive = self.run(run_id) / _ALIVE
        if not alive.exists():
            return "unfinished"
        return "running" if file_locks.is_held(alive) else "killed"

    def in_use(self) -> bool:
        """Whether a run has locked the workspace."""
        try:
            with self.exclusively():
                return False
        except GreenlightError:
            return True


def new_run_id() -> str:
    """A run id as TFX makes them, from the local time: they sort by age."""
    return datetime.datetime.now().strftime("%Y%m%d-%H%M%S.%f")
