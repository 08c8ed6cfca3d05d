"""The command in a process of its own, as a person calls it."""

import subprocess
from pathlib import Path

import processes
import pytest

LOG_LINE = '{"time":'  # of a server in this process: written by a thread of its own, at any moment


@pytest.fixture
def greenlight(tmp_path, small_workspace):
    """Call `greenlight` over the small workspace."""
    environment = processes.environment(XDG_CACHE_HOME=str(tmp_path / "cache"))

    def call(*arguments: str, given: bytes = b"", stdout=subprocess.PIPE):
        return subprocess.run(
            [*processes.GREENLIGHT, *arguments, "--workspace", str(small_workspace)],
            input=given,
            stdout=stdout,
            stderr=subprocess.PIPE,
            cwd=tmp_path,
            env=environment,
            check=False,
        )

    return call


@pytest.fixture
def predict(small_workspace, monkeypatch, tmp_path, capfd):
    """Call `greenlight predict` in this process; gives exit code, standard output and standard error."""
    from pipeline.cli import cli

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str, command: str = "predict", workspace: Path = small_workspace):
        with pytest.raises(SystemExit) as ended:
            cli.main([command, *arguments, "--workspace", str(workspace)])
        out, err = capfd.readouterr()
        own = [line for line in err.splitlines(keepends=True) if not line.startswith(LOG_LINE)]
        return ended.value.code, out, "".join(own)

    return call
