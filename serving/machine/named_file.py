"""Small files that a person names: settings, keys, passwords."""

import errno
import os
import stat
from pathlib import Path

_OF_PROCESSES = "/proc/"
"""Where the shell's `<(command)` and /dev/stdin lead: pipes that have a writer."""


def text_of(path: Path, *, encoding: str = "utf-8") -> str:
    """The text of a file.

    Raises:
      OSError: it cannot be read, or is a named pipe, a socket or a device, of which reading may never end.
      UnicodeDecodeError: it is not text.
    """
    require_end(path)
    return path.read_text(encoding=encoding)


def require_end(path: Path) -> None:
    """Raises OSError for a path of which reading may never end, or if nothing is there."""
    mode = path.stat().st_mode
    endless = stat.S_ISFIFO(mode) and not os.path.realpath(path).startswith(_OF_PROCESSES)
    device = (stat.S_ISCHR(mode) or stat.S_ISBLK(mode)) and not path.samefile(os.devnull)
    if endless or device or stat.S_ISSOCK(mode):
        what = "a device" if device else "a pipe" if endless else "a socket"
        raise OSError(errno.EINVAL, f"it is {what}, not a file", str(path))
