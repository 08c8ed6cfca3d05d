"""Atomic writes of local text files."""

import contextlib
import os
from pathlib import Path


def write_whole(path: Path, text: str) -> None:
    """Writes `text` as UTF-8 to `path` atomically; its folder must exist.

    The text is written beside the file and renamed: a reader sees the old or the new file, even after a full
    disk or a kill.

    Raises:
      OSError: it cannot be written; an existing file is unchanged.
      ValueError: the path is not a valid file name, for example because of a zero byte.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        draft.write_text(text, encoding="utf-8")
        draft.replace(path)
    except BaseException:
        with contextlib.suppress(OSError, ValueError):
            draft.unlink()
        raise
