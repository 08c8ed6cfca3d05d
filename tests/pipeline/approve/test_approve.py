"""`greenlight approve`: what it promotes, and where it records who decided and why."""

import dataclasses
import json
import os
import re
import signal
import threading
from pathlib import Path

import pytest

from pipeline.lineage.runs import read_run
from pipeline.results.outcome import RunResult
from pipeline.results.recorded_accuracy import Accuracies
from serving.store.journal import whoami
from serving.store.manifest import REVIEWS_NAME, Facts

RUN = "20261122-101500.000001"
WHY = "the old model's folder was deleted"


def test_a_model_whose_baseline_is_gone_becomes_the_next_version(approve, refuse, versions):
    model = refuse()
    result = approve()
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[0] == f"Version 2 is live; it is the model of run {RUN}."
    assert re.fullmatch(rf"Approved by ada at \d{{4}}-\d\d-\d\dT\d\d:\d\d:\d\dZ: {WHY}", lines[1])
    assert lines[2:] == [
        "Accuracy of this model: 0.9000 on test",
        "Accuracy recorded for version 1, live before: 0.8000, when it was promoted (maybe other examples)",
        "Waived: baseline",
    ]
    live = versions.live()
    assert (live.number, versions.verify(2)) == (2, [])
    assert Path(live.path, "saved_model.pb").read_bytes() == (model / "saved_model.pb").read_bytes()


@pytest.mark.parametrize("named", [[], ["--waive", "unseen_examples"], ["--waive", "unseen_reviews"]])
def test_no_fair_comparison_is_waived_and_the_record_of_its_reviews_goes_with_the_model(
    approve, refuse, workspace, versions, named
):
    refuse({"accuracy": True, "unseen_reviews": False})
    (workspace.artifacts / RUN / "verdict" / REVIEWS_NAME).write_bytes(b"hashes of reviews")

    result = approve(*named)
    assert (result.exit_code, result.stdout.splitlines()[-1]) == (0, "Waived: unseen_examples")
    live = versions.live()
    assert live.manifest.facts.approval["waived"] == ["unseen_reviews"]  # as programs know it
    assert Path(live.path, REVIEWS_NAME).read_bytes() == b"hashes of reviews"
    assert versions.verify(live.number) == []
    assert [each["status"] for each in live.manifest.facts.conditions] == ["not judged", "waived"]


def test_the_manifest_and_the_journal_say_who_and_why(approve, refuse, versions):
    refuse()
    approve()
    facts = versions.live().manifest.facts
    assert (facts.verdict, facts.run_id, facts.metrics) == ("approved", RUN, {"accuracy": 0.9})
    assert facts.data_fingerprint == "data-1"
    at = facts.approval["at"]
    assert facts.approval == {"by": "ada", "reason": WHY, "at": at, "waived": ["baseline"]}
    assert [each["waived"] for each in facts.conditions] == [None, f"ada, {at}: {WHY}"]
    event = versions.history()[-1]
    assert (event.action, event.version, event.run_id) == ("push", 2, RUN)
    assert event.why == f"run {RUN}, approved by ada: {WHY}"


def test_the_lineage_store_has_the_approval_as_a_blessing_of_the_model(approve, refuse, workspace):
    refuse()
    approve()
    run = read_run(workspace.metadata, RUN)
    blessing = run.output("Approval", "blessing")
    assert blessing.type == "ModelBlessing"
    assert blessing.properties["blessed"] == 1
    assert blessing.properties["current_model_id"] == run.output("Trainer", "model").id
    assert (blessing.path / "BLESSED").is_file()
    assert json.loads((blessing.path / "verdict.json").read_text())["verdict"] == "promoted"
    assert set(run.stage("Approval").inputs) == {"model", "evaluation"}
    assert run.output("Evaluator", "blessing").properties["blessed"] == 0


def test_the_runs_verdict_stays_and_the_approval_is_added(approve, greenlight, refuse, workspace):
    refuse()
    before = RunResult.load(workspace.result(RUN))
    approve()
    result = RunResult.load(workspace.result(RUN))
    assert (result.verdict, result.approval["version"]) == ("refused", "2")
    assert dataclasses.replace(result, approval=None) == before
    lines = greenlight("verdict").stdout.splitlines()
    assert lines[0].startswith("REFUSED")
    at = result.approval["at"]
    assert lines[1:4] == [
        f"APPROVED  by ada at {at}; the model became version 2",
        f"reason: {WHY}",
        "waived: baseline",
    ]
    assert "- baseline fails" in lines
    assert json.loads(greenlight("verdict", "--json").stdout)["approval"] == result.approval


def test_the_lists_of_runs_and_versions_remark_it(approve, greenlight, refuse):
    refuse()
    approve()
    assert greenlight("runs").stdout.rstrip().endswith(f"version 2  approved by ada: {WHY}")
    (listed,) = json.loads(greenlight("runs", "--json").stdout)
    assert (listed["verdict"], listed["version"], listed["approval"]["by"]) == ("refused", "2", "ada")
    assert greenlight("versions").stdout.splitlines()[1].endswith(f"approved by ada: {WHY}")
    newest, oldest = json.loads(greenlight("versions", "--json").stdout)["versions"]
    assert (newest["approval"]["reason"], oldest["approval"]) == (WHY, None)


def test_json_has_the_outcome_and_the_approval(approve, refuse, versions):
    refuse()
    told = json.loads(approve("--json").stdout)
    assert (told["outcome"], told["run"], told["version"]) == ("promoted", RUN, 2)
    assert told["path"] == versions.live().path
    assert told["accuracies"] == {
        "model": {"accuracy": 0.9, "reviews": None, "split": "test"},
        "version": 1,
        "before": {"accuracy": 0.8, "reviews": None, "split": None},
    }
    assert set(told["approval"]) == {"by", "at", "reason", "waived", "version"}


def test_who_decides_is_the_user_unless_said_otherwise(greenlight, refuse):
    refuse()
    told = json.loads(greenlight("approve", "--reason", WHY, "--json").stdout)
    assert told["approval"]["by"] == whoami()


def test_a_model_that_is_live_already_needs_no_approval_and_gets_none(approve, refuse, workspace, versions):
    model = refuse({"accuracy": False})
    versions.push(model, Facts(run_id="20261121-101500.000001"))
    result = approve()
    assert (result.exit_code, result.stdout) == (
        0,
        f"Nothing to approve: the model of run {RUN} is live already, as version 2. The run stays refused.\n",
    )
    told = json.loads(approve("--json").stdout)
    assert (told["outcome"], told["version"], told["approval"]) == ("unchanged", 2, None)
    assert RunResult.load(workspace.result(RUN)).approval is None
    assert read_run(workspace.metadata, RUN).output("Approval", "blessing") is None
    assert [one.number for one in versions.versions()] == [2, 1]


def test_a_worse_model_is_shown_beside_the_recorded_accuracy_of_the_live_version(
    approve, refuse, workspace, versions
):
    recorded = {"metrics": {"accuracy": 0.9146, "example_count": 5000.0}, "conditions": ({"split": "test"},)}
    versions.push(refuse(run="20261121-101500.000001"), Facts(**recorded))
    refuse()
    refused = RunResult.load(workspace.result(RUN))
    metrics = {"accuracy": 0.8566, "example_count": 1012.0}
    dataclasses.replace(refused, metrics=metrics).save(workspace.result(RUN))
    lines = approve(RUN).stdout.splitlines()
    assert lines[-3:-1] == [
        "Accuracy of this model: 0.8566 on 1,012 examples of test",
        "Accuracy recorded for version 2, live before: 0.9146 on 5,000 examples of test, when it was "
        "promoted (maybe other examples)",
    ]


def test_where_nothing_was_live_only_the_models_own_accuracy_is_told():
    result = RunResult(verdict="refused", metrics={"accuracy": 0.571})
    assert Accuracies.of(result, [], number=1).lines() == ["Accuracy of this model: 0.5710"]


def test_an_interrupted_approval_may_be_done_and_the_same_command_completes_it(
    approve, refuse, workspace, versions, monkeypatch
):
    refuse()
    push = type(versions).push

    def done_and_interrupted(*given, **options):
        push(*given, **options)
        os.kill(os.getpid(), signal.SIGTERM)
        threading.Event().wait(10)

    monkeypatch.setattr(type(versions), "push", done_and_interrupted)
    result = approve()
    assert (result.exit_code, result.stderr.strip()) == (
        143,
        "Ended by SIGTERM. The model may be promoted already: `greenlight versions` shows it. Run the same "
        "command again: it completes what is missing, and changes nothing else.",
    )
    monkeypatch.undo()
    assert approve().stdout.startswith("Version 2 is live already; it is the model of run")
    assert RunResult.load(workspace.result(RUN)).approval["version"] == "2"
    assert [one.number for one in versions.versions()] == [2, 1]


def test_a_second_approval_changes_nothing(approve, refuse, versions):
    refuse()
    first = json.loads(approve("--json").stdout)
    again = json.loads(approve("--by", "bob", "--json").stdout)
    assert again == first | {"outcome": "unchanged"}
    assert len(versions.versions()) == 2


def test_an_approved_version_that_was_rolled_back_and_promoted_again_says_all_of_it(
    approve, greenlight, refuse, versions
):
    refuse()
    approve()
    assert greenlight("rollback", "--reason", "worse on the desk").exit_code == 0
    rolled_back = greenlight("versions").stdout.splitlines()[1]
    assert rolled_back.startswith("2") and " rolled-back " in rolled_back
    assert rolled_back.endswith(f"approved by ada: {WHY}; worse on the desk")

    assert greenlight("promote", "2", "--reason", "it was the desk").exit_code == 0
    newest, older, _ = json.loads(greenlight("versions", "--json").stdout)["versions"]
    assert (newest["state"], newest["promoted_from"], newest["approval"]) == ("live", 2, older["approval"])
    assert older["state"] == "rolled-back"
    assert greenlight("versions").stdout.splitlines()[1].endswith(f"promoted from 2; approved by ada: {WHY}")


def test_facts_of_a_newer_release_are_read_without_what_it_has_added(approve, refuse, versions):
    refuse(more_facts={"license": "of a later release"})
    result = approve()
    assert result.exit_code == 0, result.output
    assert versions.live().manifest.facts.data_fingerprint == "data-1"
