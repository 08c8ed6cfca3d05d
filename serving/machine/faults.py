"""Machine faults: the errors that the machine causes, by type, errno and status code, with remedies."""

import errno
import os
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path

from serving.machine import address_space, disk
from serving.machine.remedies import NOT_ALLOWED, OF_ERRNO

OF_SQLITE = {
    sqlite3.SQLITE_FULL: OF_ERRNO[errno.ENOSPC],
    sqlite3.SQLITE_READONLY: OF_ERRNO[errno.EACCES],
    sqlite3.SQLITE_PERM: OF_ERRNO[errno.EACCES],
    sqlite3.SQLITE_CANTOPEN: "SQLite cannot make its files beside it. Check the rights, the space and the "
    "inodes of its folder (`df -i`).",
    sqlite3.SQLITE_IOERR: OF_ERRNO[errno.EIO],
    sqlite3.SQLITE_NOMEM: OF_ERRNO[errno.ENOMEM],
}
"""The same by SQLite's primary result code."""

_MEMORY = "The machine ran out of memory. Free some, or lower data.limit or trainer.batch_size."
RESOURCE_EXHAUSTED = 8
"""TensorFlow's and gRPC's RESOURCE_EXHAUSTED: ENOSPC, ENOMEM, EDQUOT, EMFILE and no memory for a tensor."""
_PERMISSION_DENIED = 7
_OF_STATUS = {
    RESOURCE_EXHAUSTED: "The disk is full, has no inodes left, or the memory is used up. Free some.",
    _PERMISSION_DENIED: f"This user may not read or write there. {NOT_ALLOWED}",
}


def remedy_of(error: BaseException, place: str | os.PathLike[str] | None = None) -> str | None:
    """What happened and how to mend it, where `error` or what it was raised from is the machine's fault.

    Args:
      error: what was raised.
      place: where it happened, for an error that names no file.

    Returns:
      One or two sentences; None for any other error.
    """
    return next((remedy for one in causes(error) if (remedy := _remedy(one, place))), None)


def remedy_of_os_error(error: OSError, place: str | os.PathLike[str] | None = None) -> str | None:
    """The same for an OSError, whatever it was raised from.

    "No space" may mean inodes or a quota: which, the disk tells, where it is known.
    """
    where = error.filename if isinstance(error.filename, (str, os.PathLike)) else place
    if error.errno == errno.ENOSPC and where is not None and "://" not in str(where):
        return disk.why_no_space(Path(where).absolute())
    return OF_ERRNO.get(error.errno or 0)


def remedy_whatever_the_input(error: BaseException) -> str | None:
    """The same for a fault that no input can bring about: all but the lack of rights."""
    if isinstance(error, PermissionError) or status_of(error) == _PERMISSION_DENIED:
        return None
    return _remedy(error, None)


def _remedy(error: BaseException, place: str | os.PathLike[str] | None) -> str | None:
    if limited := address_space.fault_of(error):
        return limited
    if isinstance(error, MemoryError):
        return _MEMORY
    if isinstance(error, OSError):
        return remedy_of_os_error(error, place)
    if isinstance(error, sqlite3.Error):
        code = getattr(error, "sqlite_errorcode", None)
        return None if code is None else OF_SQLITE.get(code & 0xFF)
    code = status_of(error)
    return None if code is None else _OF_STATUS.get(code)


def status_of(error: BaseException) -> int | None:
    """The status code of an error that TensorFlow raised; None of any other error."""
    tensorflow = sys.modules.get("tensorflow")  # an error of TensorFlow is only there where it is loaded
    if tensorflow is None or not isinstance(error, tensorflow.errors.OpError):
        return None
    return int(error.error_code)


def causes(error: BaseException) -> Iterator[BaseException]:
    """The error, what it was raised from, or in handling what, and so on."""
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        current = current.__cause__ or (None if current.__suppress_context__ else current.__context__)
