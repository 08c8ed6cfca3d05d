"""The longest test files come first, in the order of a recorded table."""

from pathlib import Path
from types import SimpleNamespace

import pytest
import schedule

TESTS = Path(__file__).parent


@pytest.fixture
def ordered(monkeypatch):
    """The files of tests in the order in which they are started."""
    monkeypatch.setattr(schedule, "_recorded", {"tests/long.py": 60, "tests/longer.py": 90})

    def order(*nodeids: str, shuffled: bool = False) -> list[str]:
        config = SimpleNamespace(pluginmanager=SimpleNamespace(hasplugin=lambda name: shuffled))
        items = [SimpleNamespace(nodeid=nodeid) for nodeid in nodeids]
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


def test_a_random_order_is_left_alone(ordered):
    assert ordered(*GIVEN, shuffled=True) == list(GIVEN)


def test_the_table_names_files_that_exist():
    assert [file for file in schedule._recorded if not (TESTS.parent / file).exists()] == []
