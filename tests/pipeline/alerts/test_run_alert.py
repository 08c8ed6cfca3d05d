"""`greenlight run` tells how it came out, if it is asked to."""

import json
import sys

import pytest

from pipeline.results.outcome import RunResult


@pytest.fixture
def run_result(monkeypatch):
    """Makes `greenlight run` end with this result, without running anything."""

    def install(result):
        class Runner:
            @staticmethod
            def run(settings, **options):
                return result

        monkeypatch.setitem(sys.modules, "pipeline.engine.local_runner", Runner)
        monkeypatch.setattr("pipeline.engine.local_runner", Runner, raising=False)

    return install


REFUSED = RunResult(
    verdict="refused", run="20260302-030000.1", version="4", reasons=("accuracy 0.81",), metrics={"auc": 0.9}
)


def test_it_does_where_alerts_plain_runs_says_so(greenlight, run_result, receiver):
    run_result(REFUSED)
    result = greenlight(
        "run", "--set", "alerts.plain_runs=true", "--set", f"alerts.webhook={receiver.url}", "--json"
    )
    (got,) = receiver.got
    assert (got["event"], got["version"], got["metrics"]) == ("refused", "4", {"auc": 0.9})
    assert got["text"] == "imdb_sentiment: refused, version 4 stays live\n• accuracy 0.81"
    assert json.loads(result.stdout)["verdict"] == "refused"


def test_an_alert_that_the_disk_does_not_take_changes_nothing_of_the_run(
    greenlight, run_result, receiver, tmp_path
):
    run_result(REFUSED)
    (tmp_path / "workspace").mkdir()
    (tmp_path / "workspace" / "alerts").touch()  # a file, where a folder is needed
    given = ("--set", "alerts.plain_runs=true", "--set", f"alerts.webhook={receiver.url}")
    result = greenlight("run", *given, "--workspace", str(tmp_path / "workspace"), "--json")
    assert (result.exit_code, json.loads(result.stdout)["verdict"]) == (3, "refused")
    assert result.stderr.startswith("The alert was not kept: Alerts cannot be kept in ")


def test_it_is_silent_otherwise_and_when_nothing_changed(greenlight, run_result, receiver):
    run_result(REFUSED)
    greenlight("run", "--set", f"alerts.webhook={receiver.url}")
    run_result(RunResult(verdict="unchanged", version="4"))
    greenlight("run", "--set", "alerts.plain_runs=true", "--set", f"alerts.webhook={receiver.url}")
    assert receiver.asked == 0
