"""The output of a batch prediction: a file or a folder that appears complete or not at all. Needs no Beam."""

import contextlib
import dataclasses
import gzip
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from components.batch_prediction.formats import OutputFormat
from components.errors import GreenlightError, InputError

SHARDS = "shards"
"""The folder of the shards while the output is written."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Output:
    """The output: a file, or a folder of files if `folder` is set."""

    path: Path
    known: OutputFormat
    gzipped: bool = False
    folder: bool = False
    overwrite: bool = False

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
    def written(self) -> Iterator[Path]:
        """A temporary hidden folder beside the output, with a folder SHARDS in it.

        Raises:
          InputError: it cannot be created.
        """
        try:
            folder = Path(tempfile.mkdtemp(prefix=f".{self.path.name}.", dir=self.path.parent))
            (folder / SHARDS).mkdir()
        except OSError as error:
            raise InputError(f"{self.path.parent} cannot be written to: {error.strerror}.") from error
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def finish(self, shards: Path, *, header: bytes) -> None:
        """Moves the shards to the output; each of them begins with `header`.

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

    def _joined(self, shards: Path, header: bytes) -> Path:
        """The shards as one file."""
        files = sorted(shards.iterdir())
        if len(files) == 1 and not self.gzipped:
            return files[0]
        whole = shards.parent / "whole"
        with whole.open("wb") as raw:
            target = gzip.GzipFile(fileobj=raw, mode="wb", mtime=0) if self.gzipped else raw
            with target:
                for number, file in enumerate(files):
                    with file.open("rb") as source:
                        source.seek(len(header) if number else 0)
                        shutil.copyfileobj(source, target, 2**20)
        return whole

    def _replace_file(self, made: Path) -> None:
        with made.open("rb") as file:
            os.fsync(file.fileno())
        os.replace(made, self.path)

    def _replace_folder(self, made: Path) -> None:
        if self.path.is_dir():
            os.rename(self.path, made.parent / "before")
        os.rename(made, self.path)
