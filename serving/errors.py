"""Errors of the serving side; each carries the exit code the command line ends with."""

import contextlib
import errno
from collections.abc import Iterator


class StoreError(Exception):
    """A version store cannot do what was asked. The message says what is wrong, where, and how to mend it."""

    exit_code = 1


class StoreBusy(StoreError):
    """Another writer held the store's lock for longer than this one was ready to wait."""


class StoreInputError(StoreError):
    """What was asked for does not fit the store: an unknown version, a folder that is not a SavedModel."""

    exit_code = 2


_FREE_SPACE = "free space there, or remove old versions with `greenlight prune --keep 2`."
_NOT_ALLOWED = (
    "This user may not write there: change the folder's owner or mode, or choose another workspace."
)
_REMEDIES = {
    errno.ENOSPC: f"The disk is full: {_FREE_SPACE}",
    errno.EDQUOT: f"The disk quota is used up: {_FREE_SPACE}",
    errno.EFBIG: "A file would be larger than this process or file system allows (`ulimit -f`).",
    errno.EROFS: "The file system is mounted read-only: mount it writable, or choose another workspace.",
    errno.EACCES: _NOT_ALLOWED,
    errno.EPERM: _NOT_ALLOWED,
    errno.ENOTDIR: "Part of that path is a file, not a folder: choose another workspace.",
    errno.ENOLCK: "The file system has no locks: choose a workspace on another one.",
}


@contextlib.contextmanager
def as_store_error(action: str) -> Iterator[None]:
    """Converts an OSError into a StoreError with the reason and the remedy.

    Args:
      action: what failed, such as `push to ROOT`.
    """
    try:
        yield
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        remedy = _REMEDIES.get(error.errno or 0, "Nothing half-done can be loaded; try again.")
        raise StoreError(f"could not {action}: {error.strerror or error}{where}. {remedy}") from error
