"""The limit on a process's address space (`ulimit -v`), and whether it explains a failure.

Under it, a library that does not fit fails as an ImportError or SystemError, and a thread whose stack does
not as a RuntimeError: none has a code.
"""

import errno
import resource
from pathlib import Path

_STATM = Path("/proc/self/statm")
_LARGEST_LIBRARY = 2**31
"""Bytes; TensorFlow's takes 1.2 GB."""
_STACK = 64 * 2**20
"""Bytes; a thread's stack and what the allocator takes beside it."""


def limit() -> int | None:
    """The limit in bytes; None where there is none."""
    soft, _ = resource.getrlimit(resource.RLIMIT_AS)
    return None if soft == resource.RLIM_INFINITY else soft


def fault_of(error: BaseException) -> str | None:
    """Why `error` may be the limit's doing, and how to mend it.

    Returns:
      None where there is no limit, or room enough below it.
    """
    most = limit()
    if most is None or not _lacks(error, _left(most)):
        return None
    return (
        f"The memory of a process is limited to {most / 2**30:.1f} GiB here (`ulimit -v {most // 1024}`), "
        "which is too little. Raise the limit (`ulimit -v unlimited`)."
    )


def _lacks(error: BaseException, left: int) -> bool:
    if isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno == errno.ENOMEM):
        return True
    # A module that is not there has a type of its own. SystemError: newer TensorFlow, half loaded.
    if type(error) in (ImportError, SystemError):
        return left < _LARGEST_LIBRARY
    return type(error) is RuntimeError and left < _STACK


def _left(most: int) -> int:
    try:
        pages = int(_STATM.read_text(encoding="ascii").split()[0])
    except (OSError, ValueError, IndexError):  # not Linux
        return most
    except (MemoryError, SystemError):  # not even enough to read the file; an extension may misreport that
        return 0
    return most - pages * resource.getpagesize()
