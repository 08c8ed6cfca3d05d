"""A store of small versions whose loads are recorded."""

import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent))  # live_models is not a test


@pytest.fixture
def stage(tmp_path):
    """A store of small versions, and the loads that were tried."""
    from live_models import Stage

    return Stage(tmp_path)
