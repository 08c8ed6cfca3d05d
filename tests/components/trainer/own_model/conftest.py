import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from components.trainer.own_model.module_file import ModuleFile


@pytest.fixture
def own(tmp_path, monkeypatch) -> Callable[..., ModuleFile]:
    """Writes a file of the user's, and names a function of it as `trainer.module` does."""
    monkeypatch.chdir(tmp_path)

    def write(text: str, function: str = "build") -> ModuleFile:
        Path("own.py").write_text(textwrap.dedent(text), encoding="utf-8")
        return ModuleFile.read(f"own.py:{function}")

    return write
