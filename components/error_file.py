"""An error on its way from one process to another: a file with its kind and its message."""

import json
from collections.abc import Iterator
from pathlib import Path

from components.errors import GreenlightError


def write(path: Path, error: GreenlightError) -> None:
    """Leaves the error in `path`."""
    path.write_text(json.dumps({"kind": type(error).__name__, "message": str(error)}), encoding="utf-8")


def read(path: Path) -> GreenlightError | None:
    """The error that another process left in `path`; None where it left none, or was killed as it wrote."""
    try:
        left = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    kinds = {kind.__name__: kind for kind in _kinds(GreenlightError)}
    return kinds.get(left["kind"], GreenlightError)(left["message"])


def _kinds(kind: type[GreenlightError]) -> Iterator[type[GreenlightError]]:
    yield kind
    for below in kind.__subclasses__():
        yield from _kinds(below)
