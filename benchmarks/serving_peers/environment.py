"""The environment of the other model servers, apart from Greenlight's own, made by uv."""

import os
import subprocess
import sys
from pathlib import Path

LOCK = Path(__file__).parent / "requirements.txt"
UV = Path(sys.executable).with_name("uv")


def cache_folder() -> Path:
    """The folder where the environment stays from one measurement to the next; 2 GB."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "greenlight" / "serving-peers"


def make(folder: Path) -> Path:
    """Installs the locked packages into `folder`, unless they are there; returns its Python.

    Raises:
      SystemExit: uv cannot make it; its output says why.
    """
    python = folder / "bin" / "python"
    commands = [[str(UV), "pip", "sync", "--quiet", "--python", str(python), str(LOCK)]]
    if not python.exists():
        commands.insert(0, [str(UV), "venv", "--quiet", "--python", sys.executable, str(folder)])
    variables = os.environ | {"UV_PYTHON_DOWNLOADS": "never"}
    for command in commands:
        if subprocess.run(command, check=False, env=variables).returncode:
            failed = " ".join(command)
            raise SystemExit(f"The environment of the other servers cannot be made: {failed} failed.")
    return python
