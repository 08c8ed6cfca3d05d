"""The limit on a process's address space: said as the cause of what fails for it, and of nothing else."""

import json
import subprocess
import sys

import processes
import pytest

from serving.machine import address_space

FAILING = """
import json, resource, sys, threading
import components.errors, pipeline.failure  # before the limit
from pathlib import Path

END = threading.Event()

def probe():
    exec(sys.argv[2])

limit = int(sys.argv[1]) * 2**20
if limit:
    resource.setrlimit(resource.RLIMIT_AS, (limit, resource.RLIM_INFINITY))
try:
    probe()
except Exception as error:
    failure = pipeline.failure.explain(error, place=Path("/"))
    resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY,) * 2)  # the answer needs some, too
    print(json.dumps([type(error).__name__, failure.message, failure.machine]))
END.set()
"""
LIBRARY = "import ctypes, tensorflow.python"
THREADS = "threading.stack_size(2**25)\nfor _ in range(999): threading.Thread(target=END.wait).start()"
TOLD = (
    "The memory of a process is limited to 0.9 GiB here (`ulimit -v 921600`), which is too little. Raise the "
)


@pytest.mark.parametrize(
    ("doing", "kinds"),
    [
        (LIBRARY, ("ImportError", "SystemError", "MemoryError")),
        (THREADS, ("RuntimeError",)),
        ("bytearray(2**31)", ("MemoryError",)),
    ],
)
def test_what_fails_for_the_limit_is_said_to_be_its_doing(doing, kinds):
    found, message, machine = failed(doing, limit=900)
    assert found in kinds and machine is True
    assert message == f"/: {TOLD}limit (`ulimit -v unlimited`)."


def test_other_errors_are_not():
    assert failed("raise RuntimeError('no')", limit=900)[2] is False
    assert failed("import no_such_module", limit=900)[2] is False
    assert failed("from json import nothing", limit=0)[2] is False


def failed(doing: str, *, limit: int) -> list:
    done = subprocess.run(
        [sys.executable, "-c", FAILING, str(limit), doing],
        env=processes.environment(),
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.stdout, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("kind", [MemoryError, SystemError])
def test_where_not_even_the_use_of_memory_can_be_read_the_limit_is_the_cause(monkeypatch, kind):
    class Unreadable:
        def read_text(self, **_: object) -> str:
            raise kind

    monkeypatch.setattr(address_space, "_STATM", Unreadable())
    monkeypatch.setattr(address_space, "limit", lambda: 900 * 2**20)
    assert "ulimit -v 921600" in (address_space.fault_of(SystemError("half loaded")) or "")
