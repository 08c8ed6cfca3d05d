"""Free space of the disk below a folder, and whether it explains a failure."""

import errno
import os
from pathlib import Path

from serving.machine.remedies import OF_ERRNO, SPACE

FEW_BYTES = 2**20
_FEW_INODES = 8


def fault_of(folder: Path, *, least_bytes: int = FEW_BYTES) -> str | None:
    """Why hardly anything can be written below `folder`, and how to mend it.

    Returns:
      A sentence or two; None where there are `least_bytes` and some inodes.
    """
    try:
        found = os.statvfs(folder)
    except OSError as error:
        return OF_ERRNO.get(error.errno or 0)
    if found.f_flag & os.ST_RDONLY:
        return OF_ERRNO[errno.EROFS]
    if found.f_bavail * found.f_frsize < least_bytes:
        return f"The disk is full. {SPACE}"
    if found.f_files and found.f_favail < _FEW_INODES:
        return f"The disk has no inodes left (`df -i`): too many files. {SPACE}"
    return None


def why_no_space(place: Path) -> str:
    """What ENOSPC means at `place`, which need not exist: space, inodes, or a quota that is reported so."""
    folder = next((each for each in (place, *place.parents) if each.exists()), Path("/"))
    if fault := fault_of(folder):
        return fault
    left = room(folder)
    if not left:
        return OF_ERRNO[errno.ENOSPC]
    return f"The disk has too little room for it ({left}), or a quota allows less (`quota`). {SPACE}"


def room(folder: Path) -> str:
    """What is left there, as a person reads it: `1.5 MiB and 12 inodes free`; "" where it cannot be told."""
    try:
        found = os.statvfs(folder)
    except OSError:
        return ""
    free = f"{found.f_bavail * found.f_frsize / 2**20:,.1f} MiB"
    return f"{free} and {found.f_favail:,} inodes free" if found.f_files else f"{free} free"
