"""Fault tests run in small processes of their own, which fork and die without TensorFlow in their memory."""

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import processes
import pytest

HERE = Path(__file__).parent
MEMORY = Path("/dev/shm")


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder in memory where there is such a thing: what is killed is the process, and fsync is quick."""
    above = MEMORY if MEMORY.is_dir() and os.access(MEMORY, os.W_OK) else None
    path = Path(tempfile.mkdtemp(prefix="greenlight-faults-", dir=above))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


@pytest.fixture
def drive(folder) -> Callable[..., dict[str, Any]]:
    """Run a script of this folder as `script.py FOLDER arguments...`; returns the JSON object it prints."""

    def run(script: str, *arguments: str) -> dict[str, Any]:
        done = processes.python(str(HERE / script), str(folder), *arguments, timeout=120)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run
