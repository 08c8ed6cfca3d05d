"""The count of proofs that a run of the tests left out, and why, for the end of its output.

A proof is a long test (marker `proof`): `make test` leaves proofs out, `make test-all` runs them. Proofs are
also skipped where a program that they need is not installed.
"""

from collections import Counter

import pytest

NOT_SELECTED = "not selected: `make test-all` runs them"
ENGINES = {
    "flink": "not selected: `make proof-flink` runs them",
    "spark": "not selected: `make proof-spark` runs them",
    "stores": "not selected: `make proof-stores` runs them",
    "clients": "not selected: `make proof-clients` runs them",
}
"""Proofs with a marker of their own, and a command of their own."""


class Proofs:
    """Counts the proofs that were deselected or skipped, here or in the workers of pytest-xdist."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._deselected: Counter[str] = Counter()
        self._skipped_files: set[str] = set()
        self._left_out: Counter[str] = Counter()

    def pytest_deselected(self, items: list[pytest.Item]) -> None:
        proofs = [item for item in items if item.get_closest_marker("proof")]
        self._deselected.update(map(_why_not_selected, proofs))

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.skipped and isinstance(report.longrepr, tuple):
            self._skipped_files.add(report.longrepr[2].removeprefix("Skipped: "))

    def pytest_sessionfinish(self) -> None:
        if hasattr(self._config, "workeroutput"):
            self._config.workeroutput["proofs"] = (dict(self._deselected), sorted(self._skipped_files))

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node) -> None:
        """Each worker collects all tests, so each leaves out the same ones."""
        deselected, files = getattr(node, "workeroutput", {}).get("proofs", ({}, ()))
        self._deselected |= Counter(deselected)
        self._skipped_files.update(files)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.skipped and "proof" in report.keywords and isinstance(report.longrepr, tuple):
            self._left_out[report.longrepr[2].removeprefix("Skipped: ")] += 1

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        left_out = self._left_out + self._deselected
        if left_out:
            terminalreporter.section(f"{left_out.total()} proofs were not run")
            for reason, count in left_out.most_common():
                terminalreporter.line(f"{count:4} {reason}")
        if self._skipped_files:
            terminalreporter.section("files that were not run")
            for reason in sorted(self._skipped_files):
                terminalreporter.line(reason)


def _why_not_selected(proof: pytest.Item) -> str:
    return next((why for marker, why in ENGINES.items() if proof.get_closest_marker(marker)), NOT_SELECTED)
