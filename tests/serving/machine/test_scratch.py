"""Temporary folders vanish with their process, at the latest when the next one makes one."""

import errno
import fcntl
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from serving.machine import scratch

ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def temporary(tmp_path, monkeypatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_a_folder_lives_as_long_as_its_context(temporary):
    with scratch.folder("canary") as folder:
        (folder / "content").write_text("x")
        assert folder.parent == temporary
        assert folder.name.startswith("greenlight-canary-")
    assert list(temporary.iterdir()) == []


def test_what_a_killed_process_left_is_removed_by_the_next_one(temporary):
    program = (
        "import os, signal\nfrom serving.machine import scratch\n"
        "with scratch.folder('canary') as folder:\n"
        "    (folder / 'content').mkdir()\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT), "TMPDIR": str(temporary)}
    subprocess.run([sys.executable, "-c", program], env=environment)
    (left,) = temporary.iterdir()

    with scratch.folder("training") as folder:
        assert list(temporary.iterdir()) == [folder]
    assert not left.exists()


def test_what_libraries_leave_in_a_killed_process_and_its_children_is_removed_too(temporary):
    child = "import tempfile; tempfile.mkdtemp(prefix='of-a-child-')"
    program = (
        "import os, signal, subprocess, sys, tempfile\nfrom serving.machine import scratch\n"
        "with scratch.holding_temporary_files('run'):\n"
        "    tempfile.mkdtemp(prefix='of-a-library-')\n"
        "    with scratch.folder('canary'):\n"
        f"        subprocess.run([sys.executable, '-c', {child!r}])\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT), "TMPDIR": str(temporary)}
    subprocess.run([sys.executable, "-c", program], env=environment)
    (left,) = temporary.iterdir()
    found = sorted(path.name.rpartition("-")[0] for path in left.iterdir() if path.is_dir())
    assert found == ["greenlight-canary", "of-a-child", "of-a-library"]
    scratch.sweep()
    assert list(temporary.iterdir()) == []


def test_temporary_files_go_where_they_went_before_afterwards(temporary, monkeypatch):
    monkeypatch.setenv("TMPDIR", "/elsewhere")
    with scratch.holding_temporary_files("run") as folder:
        assert tempfile.gettempdir() == os.environ["TMPDIR"] == str(folder)
        with tempfile.NamedTemporaryFile() as file:
            assert Path(file.name).parent == folder
    assert (tempfile.gettempdir(), os.environ["TMPDIR"]) == (str(temporary), "/elsewhere")
    assert not folder.exists()


def test_a_folder_in_use_or_not_ours_stays(temporary, monkeypatch):
    foreign = temporary / "greenlight-of-somebody"
    foreign.mkdir()
    (foreign / "notes").touch()
    with scratch.folder("canary") as held, scratch.folder("canary"):
        assert held.is_dir()
    assert list(temporary.iterdir()) == [foreign]

    (foreign / ".owner").touch()
    monkeypatch.setattr(os, "getuid", lambda: os.geteuid() + 1)
    scratch.sweep()
    assert foreign.is_dir()


def test_a_file_system_without_locks_leaves_nothing_behind(temporary, monkeypatch):
    def no_locks(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", no_locks)
    with pytest.raises(OSError, match="No locks available"), scratch.folder("canary"):
        pass
    assert list(temporary.iterdir()) == []
