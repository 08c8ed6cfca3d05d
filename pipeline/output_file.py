"""Output files of commands, written completely or not at all."""

from __future__ import annotations

from pathlib import Path

from components.errors import InputError
from serving.storage.whole_file import write_whole


def write(path: Path, text: str) -> None:
    """Replaces the file as a whole.

    Raises:
      InputError: it cannot be written.
    """
    try:
        write_whole(path, text)
    except (OSError, ValueError) as error:  # ValueError: no name at all, such as one with a zero byte
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"--output {path} cannot be written: {reason}. Name another file.") from None
