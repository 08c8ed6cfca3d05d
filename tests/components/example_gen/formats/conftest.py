"""Files with given bytes."""

import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent))  # read_files is not a test


@pytest.fixture
def written(tmp_path):
    def write(name: str, content: bytes) -> str:
        path = tmp_path / name
        path.write_bytes(content)
        return str(path)

    return write
