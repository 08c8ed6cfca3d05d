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
"""SQLite's primary result code -> remedy."""

_MEMORY = "The machine ran out of memory. Free some, or lower data.limit or trainer.batch_size."
RESOURCE_EXHAUSTED = 8
"""TensorFlow's and gRPC's RESOURCE_EXHAUSTED: ENOSPC, ENOMEM, EDQUOT, EMFILE and no memory for a tensor."""
_PERMISSION_DENIED = 7
_OF_STATUS = {
    RESOURCE_EXHAUSTED: "The disk is full, has no inodes left, or the memory is used up. Free some.",
    _PERMISSION_DENIED: f"This user may not read or write there. {NOT_ALLOWED}",
}


def remedy_of(error: BaseException, place: str | os.PathLike[str] | None = None) -> str | None:
    """The description and remedy of a machine fault that is the error or one of its causes.

    Args:
      error: the error.
      place: where it happened, for an error that names no file.

    Returns:
      One or two sentences; None if the machine is not at fault.
    """
    return next((remedy for one in causes(error) if (remedy := _remedy(one, place))), None)


def remedy_of_os_error(error: OSError, place: str | os.PathLike[str] | None = None) -> str | None:
    """The remedy of an OSError, without its causes.

    "No space" may mean inodes or a quota; the disk shows which, if it is known.
    """
    where = error.filename if isinstance(error.filename, (str, os.PathLike)) else place
    if error.errno == errno.ENOSPC and where is not None and "://" not in str(where):
        return disk.why_no_space(Path(where).absolute())
    return OF_ERRNO.get(error.errno or 0)


def remedy_whatever_the_input(error: BaseException) -> str | None:
    """The remedy of a fault that no input can cause: all but missing permissions."""
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
    """The status code of a TensorFlow error; None for other errors."""
    tensorflow = sys.modules.get("tensorflow")  # TensorFlow errors exist only if TensorFlow is loaded
    if tensorflow is None or not isinstance(error, tensorflow.errors.OpError):
        return None
    return int(error.error_code)


def causes(error: BaseException) -> Iterator[BaseException]:
    """The error, its cause or context, and so on."""
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        current = current.__cause__ or (None if current.__suppress_context__ else current.__context__)
