"""`runs`, `verdict` and `report`: what a workspace's past runs are shown as."""

import json
import os

import pytest

from pipeline.results.outcome import RunResult


@pytest.fixture
def past_run(tmp_path):
    from pipeline.workspace.layout import Workspace

    workspace = Workspace.at(tmp_path / "workspace")
    run = "20261122-101500.000001"
    report = workspace.report(run)
    report.parent.mkdir(parents=True)
    report.write_text("<html>")
    condition = {
        "metric": "accuracy", "slice": "overall", "kind": "floor", "split": "test", "threshold": 0.95,
        "value": 0.9, "lower": 0.89, "upper": 0.91, "margin": -0.05, "baseline": 0.88, "passed": False,
    }  # fmt: skip
    result = RunResult(
        verdict="refused", run=run, metrics={"accuracy": 0.9}, gate=[condition], report=str(report),
        log=str(workspace.log(run)), reasons=["accuracy is 0.9000, the gate asks for 0.9500"],
    )  # fmt: skip
    result.save(workspace.result(run))
    workspace.run("20261122-111500.000001").mkdir()
    return result


def test_runs_lists_verdict_and_accuracy(greenlight, past_run):
    assert greenlight("runs").stdout.splitlines() == [
        "20261122-101500.000001  refused     accuracy 0.9000",
        "20261122-111500.000001  unfinished",
    ]
    assert [run["verdict"] for run in json.loads(greenlight("runs", "--json").stdout)] == [
        "refused",
        "unfinished",
    ]


def test_an_empty_workspace_has_no_runs_and_says_so_on_standard_error(greenlight):
    result = greenlight("runs")
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == "There is no run in workspace. `greenlight run` starts one.\n"


def test_verdict_shows_all_that_is_known_of_each_condition(greenlight, past_run):
    result = greenlight("verdict", "20261122-10")
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        "REFUSED  nothing is live yet",
        "run 20261122-101500.000001",
        "",
        "    condition  slice    split  value   limit     by       confidence interval  baseline",
        "NO  accuracy   overall  test   0.9000  ≥ 0.9500  -0.0500  0.8900 to 0.9100     0.8800",
        "",
        "- accuracy is 0.9000, the gate asks for 0.9500",
    ]


def test_verdict_as_json_is_the_runs_own_result(greenlight, past_run):
    assert json.loads(greenlight("verdict", "--json").stdout) == past_run.to_json()


def test_report_prints_the_path(greenlight, past_run):
    assert greenlight("report").stdout == f"{past_run.report}\n"
    os.remove(past_run.report)
    assert (
        greenlight("report").stderr
        == f"Error: The run {past_run.run} has no report. Its log is {past_run.log}.\n"
    )
