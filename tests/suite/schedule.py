"""The order of the test files: the longest first, so that no worker is left with a long one at the end.

`seconds.json` has the CPU seconds of each file, its child processes counted, apart for its fast tests and its
proofs, as they were last recorded: `make test-all ARGS=--record-seconds`. Files that are not run keep theirs.
"""

import json
import os
from collections import defaultdict
from collections.abc import Generator
from pathlib import Path

import pytest

TABLE = Path(__file__).with_name("seconds.json")
RECORD = "--record-seconds"
FAST, PROOFS = "fast", "proofs"
SHORTEST = 1
"""Seconds; what is shorter is not in the table."""

Seconds = dict[str, float]


class Schedule:
    """Puts the longest files first, unless they are shuffled; records how long they take where asked to."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._took: dict[str, Seconds] = {FAST: defaultdict(float), PROOFS: defaultdict(float)}
        self._since = cpu_seconds()

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        if not self._config.pluginmanager.hasplugin("randomly"):
            parts = {(file_of(item.nodeid), tier_of(item.keywords)) for item in items}
            takes: Seconds = defaultdict(float)
            for file, tier in parts:
                takes[file] += _recorded[tier].get(file, 0)
            items.sort(key=lambda item: -takes[file_of(item.nodeid)])

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self) -> Generator[None, object, object]:
        self._since = cpu_seconds()
        return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        now = cpu_seconds()
        report.user_properties.append((RECORD, now - self._since))
        self._since = now
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        took = dict(report.user_properties).get(RECORD, 0)
        self._took[tier_of(report.keywords)][file_of(report.nodeid)] += took

    def pytest_sessionfinish(self) -> None:
        is_worker = hasattr(self._config, "workerinput")
        if self._config.getoption(RECORD) and not is_worker:
            table = {tier: merged(_recorded[tier], self._took[tier]) for tier in (FAST, PROOFS)}
            TABLE.write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")


def merged(before: Seconds, took: Seconds) -> Seconds:
    """What was recorded before of files that are still there, with what was recorded now."""
    known = {file: seconds for file, seconds in before.items() if (TABLE.parents[2] / file).exists()}
    return {file: round(seconds) for file, seconds in sorted((known | took).items()) if seconds >= SHORTEST}


def cpu_seconds() -> float:
    """Of this process and of those of its children that have ended."""
    return sum(os.times()[:4])


_recorded: dict[str, Seconds] = json.loads(TABLE.read_text(encoding="utf-8"))


def tier_of(keywords) -> str:
    return PROOFS if "proof" in keywords else FAST


def file_of(nodeid: str) -> str:
    return nodeid.partition("::")[0]
