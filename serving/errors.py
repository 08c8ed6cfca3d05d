"""Errors of the version store; each class has its exit code."""

import contextlib
import errno
from collections.abc import Iterator

from serving.machine import faults


class StoreError(Exception):
    """A version store cannot do what was asked. The message says what is wrong, where, and how to mend it."""

    exit_code = 1


class StoreBusy(StoreError):
    """Another writer held the store's lock for longer than this one was ready to wait."""


class StoreInputError(StoreError):
    """What was asked for does not fit the store: an unknown version, a folder that is not a SavedModel."""

    exit_code = 2


_PRUNE = "`greenlight prune --keep 2` removes old versions."
_NOT_THE_MACHINE = {errno.ENOTDIR: "Part of that path is a file, not a folder: choose another workspace."}
"""Of an errno that is not the machine's fault."""


@contextlib.contextmanager
def as_store_error(action: str, place: str | None = None) -> Iterator[None]:
    """Converts an OSError into a StoreError with the reason and the remedy.

    Args:
      action: what failed, such as `push to ROOT`.
      place: where it is done, for an error that names no file.
    """
    try:
        yield
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        reason = error.strerror or error
        raise StoreError(f"could not {action}: {reason}{where}. {_remedy(error, place)}") from error


def _remedy(error: OSError, place: str | None) -> str:
    remedy = faults.remedy_of_os_error(error, place)
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"{remedy} {_PRUNE}"
    return remedy or _NOT_THE_MACHINE.get(error.errno or 0, "Nothing half-done can be loaded; try again.")
