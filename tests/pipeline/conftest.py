"""What the tests of the command line share."""

import pytest
from click.testing import CliRunner

from pipeline import cli


@pytest.fixture
def greenlight(tmp_path, monkeypatch):
    """Calls a command in an empty folder: `greenlight("run", "--json")`."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return lambda *arguments: CliRunner().invoke(cli.cli, arguments, prog_name="greenlight")
