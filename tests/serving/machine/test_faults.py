"""Errors that are the machine's fault, told by type, errno and status code, whatever their text says."""

import errno
import os
import sqlite3
from types import SimpleNamespace

import pytest

from serving.machine import faults


def sqlite_error(code: int) -> sqlite3.Error:
    error = sqlite3.OperationalError("whatever it says")
    error.sqlite_errorcode = code
    return error


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.ENOSPC, "x"), "The disk is full, or has no inodes left."),
        (OSError(errno.EROFS, "x"), "mounted read-only"),
        (PermissionError(errno.EACCES, "x"), "may not read or write there"),
        (MemoryError(), "ran out of memory"),
        (sqlite_error(sqlite3.SQLITE_FULL), "The disk is full"),
        (sqlite_error(sqlite3.SQLITE_IOERR_WRITE), "failed"),
    ],
)
def test_a_fault_of_the_machine_comes_with_its_remedy(error, said):
    assert said in faults.remedy_of(error)


@pytest.mark.parametrize(
    "error",
    [FileNotFoundError(errno.ENOENT, "x"), ValueError("No space left on device"), sqlite3.Error("disk full")],
)
def test_other_errors_are_not_the_machine_s_whatever_they_say(error):
    assert faults.remedy_of(error) is None


def disk_with(monkeypatch, *, blocks: int, inodes: int) -> None:
    left = SimpleNamespace(f_flag=0, f_bavail=blocks, f_frsize=4096, f_files=100, f_favail=inodes)
    monkeypatch.setattr(os, "statvfs", lambda path: left)


@pytest.mark.parametrize(
    ("blocks", "inodes", "said"),
    [
        (0, 50, "The disk is full. Free space there"),
        (100_000, 0, "The disk has no inodes left (`df -i`): too many files."),
        (100_000, 50, "The disk has too little room for it (390.6 MiB and 50 inodes free), or a quota"),
    ],
)
@pytest.mark.parametrize("named", [True, False])
def test_no_space_is_said_as_what_it_is(monkeypatch, tmp_path, blocks, inodes, said, named):
    """Of a disk with room must not read that it is full."""
    disk_with(monkeypatch, blocks=blocks, inodes=inodes)
    file = tmp_path / "not" / "there yet"
    error = OSError(errno.ENOSPC, "No space left on device", *([str(file)] if named else []))
    assert faults.remedy_of(error, file).startswith(said)


def test_without_a_place_no_space_is_said_as_both():
    assert faults.remedy_of(OSError(errno.ENOSPC, "x")).startswith("The disk is full, or has no inodes left.")
    remote = OSError(errno.ENOSPC, "x", "gs://bucket/file")
    assert faults.remedy_of(remote).startswith("The disk is full, or has no inodes left.")


@pytest.mark.parametrize(
    ("error", "is_the_machine_s"),
    [
        (OSError(errno.EIO, "x"), True),
        (OSError(errno.EDQUOT, "x"), True),
        (MemoryError(), True),
        (PermissionError(errno.EACCES, "x"), False),
        (FileNotFoundError(errno.ENOENT, "x"), False),
        (ValueError("x"), False),
    ],
)
def test_no_input_is_to_blame_for_what_no_input_can_bring_about(error, is_the_machine_s):
    assert (faults.remedy_whatever_the_input(error) is not None) == is_the_machine_s


def test_it_is_found_behind_what_was_made_of_it():
    try:
        try:
            raise OSError(errno.ENOSPC, "x")
        except OSError as error:
            raise RuntimeError("a stage failed") from error
    except RuntimeError as wrapped:
        assert "disk is full" in faults.remedy_of(wrapped)


def test_tensorflow_s_errors_are_told_by_their_code():
    tensorflow = pytest.importorskip("tensorflow")
    exhausted = tensorflow.errors.ResourceExhaustedError(None, None, "x; [Op:SaveV2]")
    assert "The disk is full" in faults.remedy_of(exhausted)
    assert faults.status_of(exhausted) == 8
    assert faults.remedy_of(tensorflow.errors.InvalidArgumentError(None, None, "disk full")) is None
