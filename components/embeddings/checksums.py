"""Checksums of a folder: size and sha256 of every file, so that a damaged copy is detected."""

import hashlib
import json
from pathlib import Path

from serving.storage.whole_file import write_whole


def write(folder: Path, record: Path) -> None:
    """Writes the checksums of `folder` to the file `record`."""
    write_whole(record, json.dumps(_contents(folder), indent=1, sort_keys=True) + "\n")


def is_intact(folder: Path, record: Path) -> bool:
    """Whether `folder` matches the checksums in `record`; False if either cannot be read."""
    try:
        recorded = json.loads(record.read_text(encoding="utf-8"))
        return isinstance(recorded, dict) and bool(recorded) and recorded == _contents(folder)
    except (OSError, ValueError):
        return False


def _contents(folder: Path) -> dict[str, dict[str, int | str]]:
    return {
        path.relative_to(folder).as_posix(): {"bytes": path.stat().st_size, "sha256": file_sha256(path)}
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def file_sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
