"""A program of another language ends with the process that started it, and does not get its Ctrl-C."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import waiting

ROOT = Path(__file__).parents[3]
PARENT = """
import os, subprocess, sys
from serving.machine.bound_command import bound
started = subprocess.Popen(bound(["sleep", "300"]))
while open(f"/proc/{started.pid}/comm").read() != "sleep\\n":
    pass
print(started.pid, os.getsid(started.pid), flush=True)
sys.stdin.readline()
"""

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the kernel ends children on Linux only")


def _ended(pid: int) -> bool:
    """Whether the process is gone, or waits for its exit code to be read."""
    try:
        return "Z" in Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return True


def test_a_program_ends_when_its_parent_is_killed_and_has_a_session_of_its_own():
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", PARENT]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment) as parent:
        pid, session = map(int, parent.stdout.readline().split())
        assert session == pid != os.getsid(parent.pid)
        parent.kill()
    waiting.until(lambda: _ended(pid))
