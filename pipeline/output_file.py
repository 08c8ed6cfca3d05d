"""A file that a command writes where its user said: whole, or not at all."""

from __future__ import annotations

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
    except OSError as error:
        beside.unlink(missing_ok=True)
        message = f"--output {path} cannot be written: {error.strerror or error}. Name another file."
        raise InputError(message) from None
