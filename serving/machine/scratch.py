"""Temporary folders that are removed even after a kill, by the next process."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from serving.machine import file_locks

PREFIX = "greenlight-"
_UNLOCKED = ".greenlight-"
_OWNER = ".owner"
_VARIABLE = "TMPDIR"


@contextmanager
def folder(kind: str) -> Iterator[Path]:
    """A folder in the system's temporary folder, for the duration of the context.

    Its owner locks it, and the system releases the lock when the process ends. Unlocked folders of this user
    are removed first.

    Args:
      kind: part of the folder's name, such as "canary".

    Raises:
      OSError: it cannot be created.
    """
    sweep()
    # It must be locked before it has its final name: otherwise another process would remove it.
    made = Path(tempfile.mkdtemp(prefix=f"{_UNLOCKED}{kind}-"))
    path = made.with_name(made.name.removeprefix("."))
    try:
        with file_locks.held(made / _OWNER):
            made.rename(path)
            yield path
            shutil.rmtree(path, ignore_errors=True)  # the lock is held: no other process removes it
    finally:
        for left in (made, path):
            shutil.rmtree(left, ignore_errors=True)


@contextmanager
def holding_temporary_files(kind: str) -> Iterator[Path]:
    """A `folder` that takes all temporary files of this process and its children inside the context.

    Libraries (Beam, TensorFlow's AutoGraph) remove theirs at the end of a process, which a kill leaves out.

    Raises:
      OSError: it cannot be made.
    """
    with folder(kind) as path:
        default, variable = tempfile.tempdir, os.environ.get(_VARIABLE)
        tempfile.tempdir = os.environ[_VARIABLE] = str(path)
        try:
            yield path
        finally:
            tempfile.tempdir = default
            os.environ.pop(_VARIABLE)
            if variable is not None:
                os.environ[_VARIABLE] = variable


def sweep() -> None:
    """Removes the folders of this user whose processes have ended."""
    for path in Path(tempfile.gettempdir()).glob(f"{PREFIX}*/{_OWNER}"):
        with suppress(OSError):
            if path.stat().st_uid == os.getuid() and not file_locks.is_held(path):
                shutil.rmtree(path.parent, ignore_errors=True)
