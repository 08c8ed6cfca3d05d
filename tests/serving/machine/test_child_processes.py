"""A child process ends when the process that started it does, however that one ends."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from serving.machine import child_processes

ROOT = Path(__file__).parents[3]
CHILD = "from serving.machine import child_processes as c; c.end_with_parent(); print('up', flush=True); "
FOREVER = "import time; time.sleep(120)"
PARENT = f"""
import subprocess, sys, threading
from serving.machine import child_processes
started = []
def start():
    started.append(child_processes.start([sys.executable, "-c", {CHILD + FOREVER!r}], stdout=subprocess.PIPE))
thread = threading.Thread(target=start)  # Linux would take the end of this thread for that of the parent
thread.start()
thread.join()
started[0].stdout.readline()
print(started[0].pid, flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def parent():
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        [sys.executable, "-c", PARENT],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment,
        start_new_session=True,
    )
    yield process
    process.kill()
    process.wait()


def end_of(pid: int) -> threading.Event:
    """Set once the process, which need not be ours, has ended."""
    ended = threading.Event()

    def wait() -> None:
        while Path("/proc", str(pid)).exists() and b"Z" not in _state(pid):
            ended.wait(0.02)
        ended.set()

    threading.Thread(target=wait, daemon=True).start()
    return ended


def _state(pid: int) -> bytes:
    try:
        return Path("/proc", str(pid), "stat").read_bytes().rpartition(b")")[2].split()[0]
    except FileNotFoundError:
        return b"Z"


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc to see a process that is not ours")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_child_ends_with_its_parent_though_the_thread_that_started_it_is_long_gone(parent, number):
    child = int(parent.stdout.readline())
    assert not end_of(child).wait(0.2)
    os.kill(parent.pid, number)
    assert end_of(child).wait(30)


def test_the_polling_way_ends_a_child_too(monkeypatch):
    program = (
        "import os\nfrom serving.machine import child_processes\n"
        "child_processes._kernel_ends_this_process = lambda: False\n"
        "read, write = os.pipe()\n"
        "if os.fork():\n    os.read(read, 1); os._exit(0)\n"
        "os.environ['GREENLIGHT_PARENT_PROCESS'] = str(os.getppid())\n"
        "child_processes.end_with_parent()\nos.write(write, b'x')\n" + FOREVER
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, timeout=60
    )  # returns only once the grandchild has closed the pipes
    assert done.returncode == 0


def test_a_parent_that_was_gone_before_the_child_looked():
    program = CHILD + "print('lives on')"
    environment = os.environ | {"PYTHONPATH": str(ROOT), "GREENLIGHT_PARENT_PROCESS": "1"}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True)
    assert (done.returncode, done.stdout) == (1, b"")


def test_a_process_that_nobody_started_so_goes_on():
    child_processes.end_with_parent()


def test_what_cannot_be_started_is_said_where_it_was_asked_for():
    with pytest.raises(FileNotFoundError):
        child_processes.start(["/nowhere/program"])


def test_the_exit_code_reaches_who_waits():
    process = child_processes.start([sys.executable, "-c", "raise SystemExit(7)"])
    assert process.wait(60) == 7
