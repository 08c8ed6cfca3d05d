"""Errors that are the machine's fault, told by type, errno and status code, whatever their text says."""

import errno
import sqlite3

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
