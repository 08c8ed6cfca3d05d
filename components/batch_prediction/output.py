"""The output of a batch prediction: a file or a folder that appears complete or not at all. Needs no Beam."""

import contextlib
import dataclasses
import gzip
import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import filelock

from components.batch_prediction.formats import OutputFormat
from components.batch_prediction.shards import finished_rows
from components.errors import DataStopped, GreenlightError, InputError

_LOCK = "lock"
_PREFIX = "predictions"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Output:
    """The output: a file, or a folder of files if `folder` is set."""

    path: Path
    known: OutputFormat
    gzipped: bool = False
    folder: bool = False
    overwrite: bool = False

    @property
    def unfinished(self) -> Path:
        """The hidden folder beside the output with the finished shards of an output that is not complete."""
        return self.path.with_name(f".{self.path.name}.unfinished")

    def require_free(self) -> None:
        """Raises InputError if the output exists already, or if its parent folder does not exist."""
        if not self.path.parent.is_dir():
            raise InputError(f"{self.path.parent} is not a folder; create it first.")
        if not self.path.exists():
            return
        if self.path.is_dir() != self.folder:
            kind = "a folder; end it with / to write into it" if self.path.is_dir() else "a file"
            raise InputError(f"{self.path} is {kind}.")
        if not (self.overwrite or (self.folder and not any(self.path.iterdir()))):
            raise InputError(f"{self.path} already exists. Name another, or give --overwrite.")

    @contextlib.contextmanager
    def written(self, job: str) -> Iterator[Path]:
        """The folder for the shards of a job, with those of an earlier attempt at the same job.

        Shards of other jobs for this output are deleted. After an error the folder stays if it has finished
        shards, unless the input as a whole was refused.

        Args:
          job: a digest of what the shards depend on.

        Raises:
          InputError: it cannot be created, or another process writes this output.
        """
        with self._locked():
            folder = self.unfinished / job
            try:
                for other in self.unfinished.iterdir():
                    if other.is_dir() and other != folder:
                        shutil.rmtree(other)
                folder.mkdir(exist_ok=True)
            except OSError as error:
                raise self._not_writable(error) from error
            try:
                yield folder
            except DataStopped:
                self._discard()
                raise
            except BaseException:
                if not finished_rows(folder):
                    self._discard()
                raise
            self._discard()

    def unfinished_rows(self) -> int:
        """The number of rows in finished shards of an output that is not complete."""
        return sum(finished_rows(folder) for folder in self.unfinished.glob("*/"))

    def finish(self, shards: Sequence[Path], *, header: bytes) -> None:
        """Moves the shards, in this order, to the output; each of them begins with `header`.

        Raises:
          GreenlightError: the disk cannot be written.
        """
        try:
            if self.folder:
                self._replace_folder(shards)
            else:
                self._replace_file(self._joined(shards, header))
        except OSError as error:
            raise GreenlightError(f"{self.path} cannot be written: {error.strerror}.") from error

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        try:
            self.unfinished.mkdir(exist_ok=True)
            lock = filelock.FileLock(self.unfinished / _LOCK, timeout=0)
            lock.acquire()
        except filelock.Timeout:
            raise InputError(
                f"{self.path}: another batch-predict writes it now. Wait for its end, or name another output."
            ) from None
        except OSError as error:
            raise self._not_writable(error) from error
        try:
            yield
        finally:
            lock.release()

    def _not_writable(self, error: OSError) -> InputError:
        return InputError(f"{self.path.parent} cannot be written to: {error.strerror}.")

    def _discard(self) -> None:
        shutil.rmtree(self.unfinished, ignore_errors=True)

    def _joined(self, shards: Sequence[Path], header: bytes) -> Path:
        """The shards as one file. They stay as they are, should the disk be full meanwhile."""
        whole = self.unfinished / "whole"
        with whole.open("wb") as raw:
            target = gzip.GzipFile(fileobj=raw, mode="wb", mtime=0) if self.gzipped else raw
            with target:
                for number, file in enumerate(shards):
                    with file.open("rb") as source:
                        source.seek(len(header) if number else 0)
                        shutil.copyfileobj(source, target, 2**20)
        return whole

    def _replace_file(self, made: Path) -> None:
        with made.open("rb") as file:
            os.fsync(file.fileno())
        os.replace(made, self.path)

    def _replace_folder(self, shards: Sequence[Path]) -> None:
        made = self.unfinished / "folder"
        made.mkdir()
        for number, file in enumerate(shards):
            name = f"{_PREFIX}-{number:05}-of-{len(shards):05}{self.known.value}"
            os.rename(file, made / name)
        if self.path.is_dir():
            os.rename(self.path, self.unfinished / "before")
        os.rename(made, self.path)
