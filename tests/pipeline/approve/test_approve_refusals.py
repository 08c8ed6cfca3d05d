"""`greenlight approve`: its requirements, and what cannot be approved."""

import json
import shutil

import pytest
from processes import packages_of, refusal

from components.evaluator.settings import SLICES
from pipeline.commands.versions.approve import approve as approve_command
from pipeline.lineage.runs import read_run
from pipeline.results.outcome import RunResult
from serving.store.manifest import Facts

RUN = "20261122-101500.000001"
WHY = "the old model's folder was deleted"


# --- what may be waived


def test_a_condition_that_is_not_named_keeps_the_model_out(approve, refuse, workspace, versions):
    refuse({"accuracy": False, "accuracy@length:short": False, "baseline": False})
    assert refusal(approve("--waive", "accuracy"), 3) == (
        f"Run {RUN} stays refused. "
        "An approval waives the comparison with production alone, and this failed, too:\n"
        "  accuracy@length:short fails: --waive accuracy@length:short\n"
        "Repeat the command with each of them that you accept, or with --waive-all."
    )
    assert versions.live().number == 1
    assert RunResult.load(workspace.result(RUN)).approval is None


@pytest.mark.parametrize(
    "waivers", [["--waive", "accuracy", "--waive", "accuracy@length:short"], ["--waive-all"]]
)
def test_what_is_named_is_waived(approve, refuse, waivers):
    refuse({"accuracy": False, "accuracy@length:short": False, "baseline": False})
    result = approve(*waivers)
    assert result.exit_code == 0, result.output
    assert result.stdout.endswith("Waived: accuracy, accuracy@length:short, baseline\n")


def test_help_names_a_slice_that_exists():
    (option,) = (each for each in approve_command.params if each.name == "waive")
    assert f'"accuracy@{SLICES[0]}"' in option.help


def test_a_waiver_of_what_did_not_fail_is_a_mistake(approve, refuse):
    refuse()
    message = f"'accuracy' is not a condition that failed in run {RUN}; these did: baseline."
    assert refusal(approve("--waive", "accuracy"), 2) == message


def test_a_model_that_does_not_serve_is_never_promoted(approve, refuse, versions):
    refuse(serves=False)
    assert refusal(approve("--waive-all"), 3) == (
        f"Run {RUN} stays refused: its model does not serve, and that cannot be waived: it crashed"
    )
    assert versions.live().number == 1


def test_json_of_a_refusal_has_its_exit_code(approve, refuse):
    refuse({"accuracy": False})
    told = json.loads(approve("--json").stdout)
    assert told["exit_code"] == 3
    assert "--waive accuracy" in told["error"]


# --- which runs, by whom, why


def test_a_reason_is_asked_for(greenlight, refuse):
    refuse()
    asked = greenlight("approve")
    assert (asked.exit_code, asked.stdout) == (2, "") and "Missing option '--reason'" in asked.stderr
    message = "An approval needs a reason: say it with --reason."
    assert refusal(greenlight("approve", "--reason", " \n"), 2) == message


def test_a_run_that_is_not_there_is_answered_before_anything_is_made(greenlight, workspace, refuse):
    assert refusal(greenlight("approve", "2027", "--reason", WHY), 2).startswith("There is no run in ")
    refuse()
    assert refusal(greenlight("approve", "2027", "--reason", WHY), 2).startswith("There is no run '2027' in ")
    assert not (workspace.root / ".run.lock").exists()


@pytest.mark.parametrize("verdict", ["promoted", "stopped", "failed"])
def test_only_a_refused_run_is_approved(approve, workspace, verdict):
    RunResult(verdict=verdict, run=RUN).save(workspace.result(RUN))
    message = f"Run {RUN} was not refused: it is {verdict}. There is nothing to approve."
    assert refusal(approve(), 2) == message


def test_what_the_store_refused_is_not_the_gates(approve, refuse, workspace):
    refuse({"accuracy": True})
    reasons = ("this very model was rolled back as version 2",)
    RunResult(verdict="refused", run=RUN, reasons=reasons).save(workspace.result(RUN))
    assert refusal(approve(), 2) == f"The gate did not refuse the model of run {RUN}: {reasons[0]}"


def test_of_two_refused_runs_the_named_one_is_promoted(approve, refuse, versions):
    refuse()
    refuse(run="20261123-101500.000001")
    assert approve("20261122").exit_code == 0
    assert versions.live().manifest.facts.run_id == RUN


def test_a_workspace_in_use_is_left_alone(approve, refuse, workspace):
    refuse()
    with workspace.exclusively():
        assert "Another run is using the workspace" in refusal(approve(), 1)


def test_an_approved_version_that_is_not_live_any_more_is_promoted_by_its_number(approve, refuse, versions):
    refuse()
    approve()
    versions.rollback()
    message = refusal(approve(), 2)
    assert message.endswith(
        "as version 2, which is no longer live. `greenlight promote 2` makes it live again."
    )
    assert versions.live().number == 1


def test_a_model_that_was_rolled_back_stays_out(approve, refuse, workspace, versions):
    model = refuse()
    versions.push(model, Facts())
    versions.rollback()
    assert refusal(approve(), 1) == (
        "Nothing was promoted: this very model was rolled back as version 2; "
        "`greenlight promote 2` makes it live nevertheless."
    )
    assert read_run(workspace.metadata, RUN).stage("Approval") is None


# --- the model has to be the one that was evaluated


def test_a_model_whose_folder_is_gone_is_not_promoted(approve, refuse, versions):
    model = refuse()
    shutil.rmtree(model)
    message = f"The model of run {RUN} is not at {model} any more. Run again to train it anew."
    assert refusal(approve(), 1) == message
    assert versions.live().number == 1


def test_a_model_that_was_changed_is_not_promoted(approve, refuse, versions):
    model = refuse()
    (model / "variables" / "variables.index").write_text("better")
    assert refusal(approve(), 1) == (
        f"The model at {model} was changed since run {RUN} evaluated it. "
        "Run again with --no-cache to train and judge it anew."
    )
    assert versions.live().number == 1


def test_a_model_that_nobody_fingerprinted_is_not_promoted(approve, refuse):
    refuse(properties={"outcome": "refused"})
    message = f"Run {RUN} has no digest of its model, so the model cannot be identified. Run again."
    assert refusal(approve(), 1) == message


def test_a_lost_verdict_is_said_so(approve, refuse, workspace):
    refuse()
    path = workspace.artifacts / RUN / "verdict" / "verdict.json"
    path.unlink()
    assert refusal(approve(), 1).startswith(f"The gate's verdict at {path} cannot be read (")


def test_a_push_that_fails_records_nothing(approve, refuse, workspace):
    refuse()
    shutil.rmtree(workspace.serving("imdb_sentiment"))
    workspace.serving("imdb_sentiment").write_text("a file")
    assert "Part of that path is a file" in refusal(approve(), 1)
    assert read_run(workspace.metadata, RUN).stage("Approval") is None
    assert RunResult.load(workspace.result(RUN)).approval is None


def test_a_decision_cut_short_is_finished_by_making_it_again(
    approve, refuse, workspace, monkeypatch, versions
):
    refuse()
    with monkeypatch.context() as patched:
        patched.setattr("pipeline.approval.record", lambda *_, **__: 1 / 0)
        assert approve().exit_code == 1
    assert versions.live().number == 2
    assert approve().exit_code == 0
    assert len(versions.versions()) == 2
    assert read_run(workspace.metadata, RUN).stage("Approval") is not None
    assert RunResult.load(workspace.result(RUN)).approval["version"] == "2"


def test_nothing_heavy_is_imported(refuse, workspace, tmp_path):
    refuse()
    arguments = ["approve", "--workspace", str(workspace.root), "--reason", WHY]
    codes, packages = packages_of(arguments, folder=tmp_path)
    assert (codes, packages & {"tensorflow", "tfx", "apache_beam"}) == ([0], set())
