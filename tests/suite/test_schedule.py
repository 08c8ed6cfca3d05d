"""The longest test files come first, in the order of a recorded table."""

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from suite import schedule

ROOT = Path(__file__).parents[2]
TABLE = {"fast": {"tests/long.py": 60, "tests/longer.py": 90}, "proofs": {"tests/long.py": 40}}


@pytest.fixture
def ordered(monkeypatch):
    """The tests, of which some are proofs, in the order in which they are started."""
    monkeypatch.setattr(schedule, "_recorded", TABLE)

    def order(*nodeids: str, proofs: tuple[str, ...] = (), shuffled: bool = False) -> list[str]:
        config = SimpleNamespace(pluginmanager=SimpleNamespace(hasplugin=lambda name: shuffled))
        items = [
            SimpleNamespace(nodeid=nodeid, keywords={"proof"} if nodeid in proofs else set())
            for nodeid in nodeids
        ]
        schedule.Schedule(config).pytest_collection_modifyitems(items)
        return [item.nodeid for item in items]

    return order


GIVEN = (
    "tests/a.py::one",
    "tests/long.py::two",
    "tests/long.py::one",
    "tests/b.py::one",
    "tests/longer.py::one",
)


def test_the_longest_file_is_first_and_the_order_within_a_file_stays(ordered):
    assert ordered(*GIVEN) == [GIVEN[4], GIVEN[1], GIVEN[2], GIVEN[0], GIVEN[3]]


def test_proofs_count_where_they_are_run(ordered):
    assert ordered(*GIVEN, proofs=("tests/long.py::one",))[:3] == [GIVEN[1], GIVEN[2], GIVEN[4]]


def test_a_random_order_is_left_alone(ordered):
    assert ordered(*GIVEN, shuffled=True) == list(GIVEN)


def test_the_table_names_files_that_exist():
    files = {file for recorded in schedule._recorded.values() for file in recorded}
    assert [file for file in files if not (ROOT / file).exists()] == []


def test_a_child_that_has_ended_counts():
    before = schedule.cpu_seconds()
    subprocess.run([sys.executable, "-c", "import time\nwhile time.process_time() < 0.5: pass"], check=True)
    assert schedule.cpu_seconds() - before > 0.3  # the kernel counts in steps


def test_what_was_run_is_recorded_by_tier_and_the_rest_stays(tmp_path, monkeypatch):
    monkeypatch.setattr(schedule, "TABLE", tmp_path / "tests" / "suite" / "seconds.json")
    monkeypatch.setattr(schedule, "_recorded", TABLE)
    (tmp_path / "tests" / "suite").mkdir(parents=True)
    (tmp_path / "tests" / "long.py").touch()  # longer.py is gone
    recording = schedule.Schedule(SimpleNamespace(getoption=lambda name: True))
    for nodeid, proof, took in (
        ("a.py::one", False, 1.6),
        ("a.py::two", True, 3),
        ("short.py::one", False, 0.4),
    ):
        report = SimpleNamespace(
            nodeid=f"tests/{nodeid}",
            keywords={"proof"} if proof else {},
            user_properties=[(schedule.RECORD, took)],
        )
        recording.pytest_runtest_logreport(report)
    recording.pytest_sessionfinish()
    assert json.loads(schedule.TABLE.read_text()) == {
        "fast": {"tests/a.py": 2, "tests/long.py": 60},
        "proofs": {"tests/a.py": 3, "tests/long.py": 40},
    }
