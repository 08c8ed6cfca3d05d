"""A file that carries an error from one process to another."""

import json
from pathlib import Path

from components.errors import GreenlightError, from_json, to_json


def write(path: Path, error: GreenlightError) -> None:
    """Leaves the error in `path`."""
    path.write_text(json.dumps(to_json(error)), encoding="utf-8")


def read(path: Path) -> GreenlightError | None:
    """The error that another process left in `path`; None where it left none, or was killed as it wrote."""
    try:
        return from_json(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError):
        return None
