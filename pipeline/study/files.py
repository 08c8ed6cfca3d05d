"""The files of a study: its page, and its picture as PNG and SVG."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path


def write(folder: Path, *, picture: str, page: str, draw: Callable[[str], bytes]) -> dict[str, str]:
    """Writes index.html and the picture into `folder`; returns the paths by kind: page, png, svg.

    Args:
      picture: the file name of the picture, without its ending.
      page: the HTML.
      draw: makes the picture of a kind, png or svg.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files = {"page": folder / "index.html"}
    files["page"].write_text(page, encoding="utf-8")
    for kind in ("png", "svg"):
        files[kind] = folder / f"{picture}.{kind}"
        files[kind].write_bytes(draw(kind))
    return {name: str(path) for name, path in files.items()}
