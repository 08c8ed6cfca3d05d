"""A span is there whole or not at all, whenever its landing ends; and no two have one number."""

import json
from pathlib import Path

import processes


def seen(folder: Path, what: str) -> dict:
    script = Path(__file__).with_name("landing_faults.py")
    done = processes.python(str(script), str(folder), what)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


def test_a_crash_at_any_system_call_leaves_a_whole_span_or_none(tmp_path):
    found = seen(tmp_path, "crash")
    assert found["calls"] > 20
    assert found["nothing"] > found["all"] > 0
    assert found["nothing"] + found["all"] == 2 * found["calls"]


def test_kill_9_at_any_moment_leaves_whole_spans_only(tmp_path):
    found = seen(tmp_path, "kill")
    assert found["killed"] > 0 and found["spans"] > 0


def test_files_landed_at_once_get_numbers_of_their_own_and_one_content_one_number(tmp_path):
    found = seen(tmp_path, "crowd")
    assert found["exits"] == [0] * 6
    assert found["spans"] == list(range(1, 6 * 3 + 2))
