"""Text files of this machine that are written completely or not at all."""

import contextlib
import os
from pathlib import Path


def write_whole(path: Path, text: str) -> None:
    """Writes `text` as UTF-8 under `path`, in place of an older file. The folder has to be there.

    The text is written beside the file and renamed: a reader finds the old file or the new one, also after a
    full disk or a kill.

    Raises:
      OSError: it cannot be written; an older file is as it was.
      ValueError: the path is not a name of a file, such as one with a zero byte.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        draft.write_text(text, encoding="utf-8")
        draft.replace(path)
    except BaseException:
        with contextlib.suppress(OSError, ValueError):
            draft.unlink()
        raise
