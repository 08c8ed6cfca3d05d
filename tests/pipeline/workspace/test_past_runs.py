"""The runs of a workspace, and which one a person means."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from refusals import input_error

from pipeline.commands import history
from pipeline.results.outcome import RunResult
from pipeline.termination import Terminated
from pipeline.workspace.layout import Workspace
from pipeline.workspace.past_runs import ended_run, past_runs

OLD, NEW, UNFINISHED = "20261121-101500.000001", "20261122-101500.000001", "20261122-111500.000001"


@pytest.fixture
def workspace(tmp_path):
    workspace = Workspace.at(tmp_path)
    for run in (NEW, OLD):
        RunResult(verdict="promoted", run=run).save(workspace.result(run))
    workspace.run(UNFINISHED).mkdir()
    return workspace


def refusal(workspace, run):
    return input_error(ended_run, workspace, run)


def test_runs_are_listed_oldest_first_also_those_that_never_ended(workspace):
    found = [(past.id, past.result is not None) for past in past_runs(workspace)]
    assert found == [(OLD, True), (NEW, True), (UNFINISHED, False)]


def test_a_run_without_a_result_is_running_interrupted_or_killed(workspace):
    def state():
        return past_runs(workspace)[-1].state

    assert state() == "unfinished"  # of an older Greenlight, which left nothing to tell by
    with workspace.under_way(UNFINISHED):
        assert state() == "running"
    assert state() == "unsaved"  # it came to an end, and to no result: the disk did not take it
    with pytest.raises(Terminated), workspace.under_way(UNFINISHED):
        raise Terminated
    assert state() == "interrupted"
    RunResult(verdict="promoted", run=UNFINISHED).save(workspace.result(UNFINISHED))
    assert state() is None


@pytest.mark.parametrize(("number", "state"), [(signal.SIGTERM, "interrupted"), (signal.SIGKILL, "killed")])
def test_the_end_of_another_process_tells_its_run_s(workspace, number, state):
    program = (
        "import sys, time\nfrom pathlib import Path\nfrom pipeline.termination import as_interruption\n"
        "from pipeline.workspace.layout import Workspace\n"
        "with as_interruption(), Workspace.at(Path(sys.argv[1])).under_way(sys.argv[2]):\n"
        "    print('up', flush=True)\n    time.sleep(60)\n"
    )
    command = [sys.executable, "-c", program, str(workspace.root), UNFINISHED]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[3])}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment) as run:
        run.stdout.readline()
        assert past_runs(workspace)[-1].state == "running"
        run.send_signal(number)
    assert past_runs(workspace)[-1].state == state
    listed = CliRunner().invoke(history.runs, ["--workspace", str(workspace.root)]).output
    assert listed.splitlines()[-1] == f"{UNFINISHED}  {state}"


def test_without_a_name_the_newest_that_ended_is_meant(workspace):
    assert ended_run(workspace, None).run == NEW


def test_the_beginning_of_a_name_will_do_where_it_is_only_one(workspace):
    assert ended_run(workspace, "20261121").run == OLD
    assert refusal(workspace, "20261122").startswith("'20261122' fits 2 runs: ")


def test_a_full_name_is_never_ambiguous(workspace):
    longer = NEW + "1"
    RunResult(verdict="refused", run=longer).save(workspace.result(longer))
    assert ended_run(workspace, NEW).run == NEW


def test_an_unknown_run_is_named_with_the_newest(workspace):
    assert refusal(workspace, "x") == f"There is no run 'x' in {workspace.root}. The newest is {UNFINISHED}."


def test_a_run_that_has_not_ended_is_said_so(workspace):
    assert "that run is under way, or was interrupted" in refusal(workspace, UNFINISHED)


def test_an_empty_workspace_says_how_to_make_a_run(tmp_path):
    assert past_runs(Workspace.at(tmp_path)) == []
    assert refusal(Workspace.at(tmp_path), None) == (
        f"There is no run in {tmp_path}. `greenlight run` makes one; --workspace looks elsewhere."
    )


def test_a_workspace_whose_first_run_goes_on_is_said_so(tmp_path):
    workspace = Workspace.at(tmp_path)
    workspace.run(NEW).mkdir(parents=True)
    assert refusal(workspace, None) == f"No run in {tmp_path} has ended yet."


def test_a_version_elsewhere_stays_there_when_the_workspace_is_moved(tmp_path):
    before = Workspace.at(tmp_path / "before")
    version = str(tmp_path / "serving" / "imdb" / "3")  # of push.serving_root, named as a workspace's
    RunResult(verdict="promoted", run=NEW, log=str(before.log(NEW)), model_path=version).save(
        before.result(NEW)
    )
    after = Workspace.at(before.root.rename(tmp_path / "after"))
    assert ended_run(after, None).model_path == version


def test_a_moved_workspace_names_its_files_where_they_are_now(tmp_path):
    before = Workspace.at(tmp_path / "before")
    report = before.report(NEW)
    report.parent.mkdir(parents=True)
    report.touch()
    version = before.serving("imdb") / "3"
    paths = {"report": str(report), "log": str(before.log(NEW)), "model_path": str(version)}
    RunResult(verdict="promoted", run=NEW, **paths).save(before.result(NEW))
    after = Workspace.at(before.root.rename(tmp_path / "after"))
    result = ended_run(after, None)
    assert result.report == str(after.report(NEW))
    assert result.log == str(after.log(NEW))
    assert result.model_path == str(after.serving("imdb") / "3")
    told = CliRunner().invoke(history.report, ["--workspace", str(after.root)])
    assert told.output == f"{after.report(NEW)}\n"
