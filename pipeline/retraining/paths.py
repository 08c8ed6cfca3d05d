"""The paths of retraining below the folder `retraining` of a workspace, and the lock there."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from components.errors import GreenlightError
from pipeline.workspace.layout import Workspace


@dataclasses.dataclass(frozen=True)
class Paths:
    """The paths of one workspace's retraining."""

    workspace: Workspace

    @property
    def folder(self) -> Path:
        return self.workspace.root / "retraining"

    @property
    def journal(self) -> Path:
        return self.folder / "journal.jsonl"

    def run(self, run_id: str) -> Path:
        """The folder of a run's settings and output."""
        return self.folder / "runs" / run_id

    def settings(self, run_id: str) -> Path:
        return self.run(run_id) / "settings.toml"

    @contextmanager
    def exclusively(self, *, dry_run: bool = False) -> Iterator[None]:
        """Holds the workspace's lock for retraining; the system frees the lock of a process that died.

        Args:
          dry_run: whether nothing is written; then the lock is taken only if its file exists.

        Raises:
          GreenlightError: another process holds the lock, or the folder cannot be used.
        """
        import filelock

        lock = self.folder / ".lock"
        if dry_run and not lock.exists():
            yield
            return
        held = filelock.FileLock(lock)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            held.acquire(timeout=0)
        except filelock.Timeout:
            raise GreenlightError(
                f"Another `greenlight retrain` is running in {self.workspace.root}. Only one at a time "
                "can decide: wait for it to end, or stop it first."
            ) from None
        except OSError as error:
            raise GreenlightError(f"{self.folder} cannot be used: {error.strerror or error}.") from error
        try:
            yield
        finally:
            held.release()
