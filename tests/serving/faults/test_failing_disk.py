"""A disk that is full, read-only or broken ends in a clear error or a correct result, whenever it shows."""

import pytest

FULL = (  # as the disk below has room, the real cause must be something like a quota
    "or a quota allows less (`quota`). Free space there, or choose a folder on another disk. "
    "`greenlight prune --keep 2` removes old versions."
)
READ_ONLY = "The file system is mounted read-only: mount it writable, or choose another folder."


@pytest.mark.parametrize("action", ["first push", "push", "promote"])
def test_full_disk_stops_what_needs_space_and_says_so(drive, action):
    said = drive("fault_at_each_call.py", action, "full-disk")["said"]
    errors = [text for text in said if text != "ok"]
    assert errors
    assert all(text.startswith("could not p") and text.endswith(FULL) for text in errors), errors


@pytest.mark.parametrize("action", ["rollback", "rollback past a damaged version", "prune"])
def test_full_disk_stops_neither_rollback_nor_prune(drive, action):
    assert set(drive("fault_at_each_call.py", action, "full-disk")["said"]) == {"ok"}


@pytest.mark.parametrize("action", ["push", "rollback"])
def test_read_only_file_system_is_named(drive, action):
    said = drive("fault_at_each_call.py", action, "read-only")["said"]
    errors = [text for text in said if text != "ok"]
    assert errors
    assert all("Read-only file system" in text and text.endswith(READ_ONLY) for text in errors), errors


@pytest.mark.parametrize("action", ["push", "promote", "prune"])
def test_single_failing_call_loses_nothing(drive, action):
    report = drive("fault_at_each_call.py", action, "broken-disk")
    errors = [text for text in report["said"] if text != "ok"]
    assert errors
    assert all("The disk or the network below it failed." in text for text in errors), errors


def test_folder_without_write_permission_is_named(drive):
    report = drive("real_limits.py", "no-permission")
    assert report["said"].endswith(
        "/store/.greenlight/lock). This user may not read or write there. Change its owner or mode, "
        "or choose another folder."
    )
    assert report["store"] == ["2 live", "1"]


def test_readers_need_no_permission_to_write(drive):
    assert drive("real_limits.py", "no-permission")["verified"] == []


def test_file_size_limit_of_the_system_leaves_nothing_behind(drive):
    report = drive("real_limits.py", "file-size")
    assert "File too large" in report["said"]
    assert report["store"] == ["2 live", "1"]
    assert report["left"] == []
