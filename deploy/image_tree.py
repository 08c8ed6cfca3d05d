"""The image's /app folder without Docker, built from the COPY lines of the Dockerfile.

python deploy/image_tree.py FOLDER
"""

from __future__ import annotations

import shlex
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).parent
PROJECT = HERE.parent
NOT_COPIED = ("__pycache__", "*.pyc", "*.pyo")
"""The patterns of .dockerignore that reach into the folders that are copied."""


def copied(dockerfile: Path = HERE / "Dockerfile") -> list[tuple[str, str]]:
    """What the stage `project` copies: source and destination, relative to /app."""
    found: list[tuple[str, str]] = []
    stage = ""
    for words in _instructions(dockerfile):
        if words[0] == "FROM":
            stage = words[-1]
        elif words[0] == "COPY" and stage == "project":
            *sources, destination = words[1:]
            for source in sources:
                found.append((source, _inside(source, destination)))
    return found


def build(folder: Path, *, project: Path = PROJECT) -> Path:
    """Makes `folder` what /app is in the image; returns it."""
    for source, destination in copied(project / "deploy" / "Dockerfile"):
        origin, target = project / source, folder / destination
        target.parent.mkdir(parents=True, exist_ok=True)
        if origin.is_dir():
            ignored = shutil.ignore_patterns(*NOT_COPIED)
            shutil.copytree(origin, target, ignore=ignored, dirs_exist_ok=True)
        else:
            shutil.copyfile(origin, target)
    return folder


def _instructions(dockerfile: Path) -> Iterator[list[str]]:
    """Each instruction's words; comments are left out, continued lines put together."""
    lines = (line for line in dockerfile.read_text(encoding="utf-8").splitlines())
    text = "\n".join(line for line in lines if not line.lstrip().startswith("#"))
    for line in text.replace("\\\n", " ").splitlines():
        if words := shlex.split(line):
            yield words


def _inside(source: str, destination: str) -> str:
    """Where Docker puts a file or a folder's content: a destination that ends in / is a folder."""
    return f"{destination}{Path(source).name}" if destination.endswith("/") else destination


if __name__ == "__main__":
    build(Path(sys.argv[1]))
