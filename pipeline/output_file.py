"""Output files of commands, written completely or not at all."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from components.errors import InputError


def write(path: Path, text: str) -> None:
    """Replaces the file as a whole.

    Raises:
      InputError: it cannot be written.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        beside.write_text(text, encoding="utf-8")
        beside.replace(path)
    except (OSError, ValueError) as error:  # ValueError: no name at all, such as one with a zero byte
        with contextlib.suppress(OSError, ValueError):
            beside.unlink()
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"--output {path} cannot be written: {reason}. Name another file.") from None
