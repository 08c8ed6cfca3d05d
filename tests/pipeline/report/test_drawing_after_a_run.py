"""What is drawn at the end of a run: one page that fails costs neither the verdict nor the other page. And
what is said when a stage has ended.
"""

import json

import pytest

from pipeline import config
from pipeline.console.plain import Console
from pipeline.engine.local_runner import _Attempt
from pipeline.lineage import runs
from pipeline.report import model_card
from pipeline.report import page as report
from pipeline.workspace.layout import Workspace


class Notes(Console):
    """Keeps what it is told."""

    def __init__(self):
        self.told = []

    def note(self, text: str) -> None:
        self.told.append(text)


def fail(*_, **__):
    raise RuntimeError("cannot be drawn")


@pytest.fixture
def attempt(tmp_path):
    return _Attempt(
        config.Settings(workspace=tmp_path), Workspace.at(tmp_path), "20260921-120000.000001", Notes()
    )


@pytest.fixture
def drawn(attempt, make_run, monkeypatch):
    """Ends a promoted run; returns its result."""
    made = make_run()
    monkeypatch.setattr(attempt, "_recorded", lambda: made.run)
    return lambda: attempt._with_report(made.result)


def test_a_card_that_fails_costs_the_report_nothing(drawn, attempt, monkeypatch):
    monkeypatch.setattr(model_card, "render", fail)
    result = drawn()
    assert result.verdict == "promoted"
    assert result.report == str(attempt._workspace.report(result.run))
    assert attempt._console.told == ["The model card could not be written; the log says why."]


def test_a_report_that_fails_costs_the_card_nothing(drawn, attempt, monkeypatch):
    monkeypatch.setattr(report, "write_report", fail)
    result = drawn()
    assert (result.verdict, result.report) == ("promoted", None)
    assert attempt._workspace.model_card(result.run, "md").is_file()
    assert attempt._console.told == ["The report could not be written; the log says why."]


def test_the_warnings_of_the_data_check_are_said_after_it(attempt, make_run, monkeypatch):
    made = make_run()
    verdict = made.path("DataCheck", "verdict")
    verdict.rmdir()  # a JSON value is a file
    verdict.write_text(json.dumps({"warnings": ["test: fewer than 20 reviews of red (9)"]}))
    monkeypatch.setattr(runs, "read_run", lambda *_: made.run)
    attempt.stage_finished("ExampleValidator", 0.1)
    assert attempt._console.told == []
    attempt.stage_finished("DataCheck", 0.1)
    assert attempt._console.told == ["warning: test: fewer than 20 reviews of red (9)"]
