"""Where retraining keeps what, in the workspace's folder `retraining`."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from components.errors import GreenlightError
from pipeline.workspace.layout import Workspace


@dataclasses.dataclass(frozen=True)
class Places:
    """The paths of one workspace's retraining."""

    workspace: Workspace

    @property
    def folder(self) -> Path:
        return self.workspace.root / "retraining"

    @property
    def journal(self) -> Path:
        return self.folder / "journal.jsonl"

    def run(self, run_id: str) -> Path:
        """What a run was handed, and what it answered."""
        return self.folder / "runs" / run_id

    def settings(self, run_id: str) -> Path:
        return self.run(run_id) / "settings.toml"

    @property
    def measuring(self) -> Path:
        """The same for the process that measures."""
        return self.folder / "measuring"

    @contextmanager
    def exclusively(self, *, rehearsal: bool = False) -> Iterator[None]:
        """One that decides per workspace; the system frees the lock of a process that died.

        Args:
          rehearsal: nothing is to be written, so where nobody ever decided there is nobody to exclude.

        Raises:
          GreenlightError: another one is at work.
        """
        import filelock

        lock = self.folder / ".lock"
        if rehearsal and not lock.exists():
            yield
            return
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with filelock.FileLock(lock).acquire(timeout=0):
                yield
        except filelock.Timeout:
            raise GreenlightError(
                f"Another `greenlight retrain` is at work in {self.workspace.root}; one at a time decides. "
                "Leave it to that one, or end it first."
            ) from None
        except OSError as error:
            raise GreenlightError(f"{self.folder} cannot be used: {error.strerror or error}.") from error
