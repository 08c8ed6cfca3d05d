"""The order of the test files: the longest first, so that no worker is left with a long one at the end.

`seconds.json` has what each file took when it was last recorded: `make test-all ARGS=--record-seconds`.
"""

import json
from collections import Counter
from pathlib import Path

import pytest

TABLE = Path(__file__).with_name("seconds.json")
RECORD = "--record-seconds"


class Schedule:
    """Puts the longest files first, unless they are shuffled; records how long they take where asked to."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._took: Counter[str] = Counter()

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        if not self._config.pluginmanager.hasplugin("randomly"):
            items.sort(key=lambda item: -seconds_of(item.nodeid))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._took[file_of(report.nodeid)] += report.duration

    def pytest_sessionfinish(self) -> None:
        is_worker = hasattr(self._config, "workerinput")
        if self._config.getoption(RECORD) and not is_worker:
            long = {file: round(took) for file, took in sorted(self._took.items()) if took >= 1}
            TABLE.write_text(json.dumps(long, indent=1) + "\n", encoding="utf-8")


_recorded: dict[str, float] = json.loads(TABLE.read_text(encoding="utf-8")) if TABLE.exists() else {}


def seconds_of(nodeid: str) -> float:
    return _recorded.get(file_of(nodeid), 0)


def file_of(nodeid: str) -> str:
    return nodeid.partition("::")[0]
