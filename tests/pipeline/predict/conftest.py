"""The command in a process of its own, as a person calls it."""

import contextlib
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


@pytest.fixture
def greenlight(tmp_path, small_workspace):
    """Call `greenlight` over the small workspace; with `terminal`, its output is a terminal."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "XDG_CACHE_HOME": str(tmp_path / "cache")}

    def call(*arguments: str, given: bytes = b"", terminal: bool = False, **environ: str):
        command = [sys.executable, "-m", "pipeline.cli", *arguments, "--workspace", str(small_workspace)]
        options = {"cwd": tmp_path, "env": {**environment, **environ}, "check": False}
        if not terminal:
            return subprocess.run(command, input=given, capture_output=True, **options)
        ours, theirs = pty.openpty()
        ended = subprocess.run(command, input=given, stdout=theirs, stderr=subprocess.PIPE, **options)
        os.close(theirs)
        shown = b""
        with contextlib.suppress(OSError):  # how Linux tells that the other end is closed
            while part := os.read(ours, 65536):
                shown += part
        os.close(ours)
        return subprocess.CompletedProcess(command, ended.returncode, shown, ended.stderr)

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
        return (ended.value.code, *capfd.readouterr())

    return call
