"""Faults of the machine: which errors are its own, by type, errno and status code, with remedies."""

import errno
import sqlite3
import sys
from collections.abc import Iterator

SPACE = "Free space there, or choose a folder on another disk."
_NOT_ALLOWED = "Change its owner or mode, or choose another folder."
_FILES = "Raise the limit (`ulimit -n`), or end other processes."

OF_ERRNO = {
    errno.ENOSPC: f"The disk is full, or has no inodes left. {SPACE}",
    errno.EDQUOT: f"The disk quota is used up. {SPACE}",
    errno.EFBIG: "A file would be larger than this process or file system allows (`ulimit -f`).",
    errno.EROFS: "The file system is mounted read-only: mount it writable, or choose another folder.",
    errno.EACCES: f"This user may not read or write there. {_NOT_ALLOWED}",
    errno.EPERM: f"This user may not do that there. {_NOT_ALLOWED}",
    errno.ENOMEM: "The machine ran out of memory. Free some, or run less at once.",
    errno.EMFILE: f"This process has too many open files. {_FILES}",
    errno.ENFILE: f"The machine has too many open files. {_FILES}",
    errno.EAGAIN: "The machine cannot start another process or thread (`ulimit -u`). End some.",
    errno.EIO: "The disk or the network below it failed. Check it (`dmesg`), and run again.",
    errno.ESTALE: "The network file system lost the file. Mount it again, and run again.",
    errno.ENOLCK: "The file system has no locks: choose a folder on another one.",
}
"""What each errno that is the machine's means, and how a person mends it."""
NEVER_THE_INPUT = OF_ERRNO.keys() - {errno.EACCES, errno.EPERM}
"""An input that cannot be read for one of these is not to blame; one without the rights may be."""

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
    _PERMISSION_DENIED: f"This user may not read or write there. {_NOT_ALLOWED}",
}


def remedy_of(error: BaseException) -> str | None:
    """What happened and how to mend it, where `error` or what it was raised from is the machine's fault.

    Returns:
      One or two sentences; None for any other error.
    """
    return next((remedy for one in causes(error) if (remedy := _remedy(one))), None)


def _remedy(error: BaseException) -> str | None:
    if isinstance(error, MemoryError):
        return _MEMORY
    if isinstance(error, OSError):
        return OF_ERRNO.get(error.errno or 0)
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
