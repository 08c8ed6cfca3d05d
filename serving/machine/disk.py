"""Free space of the disk of a folder, and whether its lack explains a failure."""

import errno
import os
from pathlib import Path

from serving.machine.remedies import OF_ERRNO, SPACE

FEW_BYTES = 2**20
_FEW_INODES = 8


def fault_of(folder: Path, *, least_bytes: int = FEW_BYTES) -> str | None:
    """Why almost nothing can be written below `folder`, and the remedy.

    Returns:
      One or two sentences; None if there are `least_bytes` bytes and some inodes left.
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
    """The meaning of ENOSPC at `place`, which need not exist: no space, no inodes, or a quota."""
    folder = next((each for each in (place, *place.parents) if each.exists()), Path("/"))
    if fault := fault_of(folder):
        return fault
    left = room(folder)
    if not left:
        return OF_ERRNO[errno.ENOSPC]
    return f"The disk has too little room for it ({left}), or a quota allows less (`quota`). {SPACE}"


def room(folder: Path) -> str:
    """The free space for people: `1.5 MiB and 12 inodes free`; "" if unknown."""
    try:
        found = os.statvfs(folder)
    except OSError:
        return ""
    free = f"{found.f_bavail * found.f_frsize / 2**20:,.1f} MiB"
    return f"{free} and {found.f_favail:,} inodes free" if found.f_files else f"{free} free"
