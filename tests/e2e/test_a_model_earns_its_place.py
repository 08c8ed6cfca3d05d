"""The story of one workspace: promoted, run again, refused, retrained, its store lost."""

import json
import shutil
from pathlib import Path

import pytest

from pipeline import runs
from pipeline.outcome import RunResult
from serving.versions import VersionStore

STAGES = [
    "BaselineResolver",
    "DataCheck",
    "Evaluator",
    "ExampleValidator",
    "ImdbExampleGen",
    "InfraValidator",
    "Pusher",
    "Schema",
    "StatisticsGen",
    "Trainer",
]
LOW_GATE = "gate.min_accuracy=0.6"


@pytest.fixture(scope="module")
def first(run) -> RunResult:
    return run(LOW_GATE)


@pytest.fixture(scope="module")
def again(run, first) -> RunResult:
    return run(LOW_GATE)


@pytest.fixture(scope="module")
def refused(run, again) -> RunResult:
    return run("gate.min_accuracy=0.999")


@pytest.fixture(scope="module")
def retrained(run, refused) -> RunResult:
    return run(LOW_GATE, "gate.min_change=-0.5", "trainer.seed=2")


@pytest.fixture(scope="module")
def after_the_loss(run, retrained) -> RunResult:
    shutil.rmtree(Path(retrained.model_path).parent)
    return run(LOW_GATE, "gate.min_change=-0.5", "trainer.seed=2")


def workspace_of(result: RunResult) -> Path:
    return Path(result.log).parents[2]


def recorded(result: RunResult) -> runs.Run:
    return runs.read_run(workspace_of(result) / "metadata.sqlite", result.run)


def executed(result: RunResult) -> set[str]:
    """The stages that did their work in this run; the resolver always does."""
    return {stage.name for stage in result.stages if not stage.cached} - {"BaselineResolver"}


def test_the_first_run_promotes_version_1(first):
    assert (first.verdict, first.version, first.exit_code) == ("promoted", "1", 0), first
    assert Path(first.model_path, "saved_model.pb").is_file()
    assert first.metrics["accuracy"] > 0.6
    assert first.epochs >= 1


def test_the_lineage_store_has_one_execution_of_each_stage(first):
    stages = recorded(first).stages
    assert sorted(stage.name for stage in stages) == STAGES
    assert {stage.state for stage in stages} == {"complete"}


def test_the_gate_lists_its_conditions_with_what_issue_and_script_rely_on(first):
    for condition in json.loads(json.dumps(first.to_json()))["gate"]:
        assert {"metric", "slice", "threshold", "value", "passed"} <= set(condition)


def test_the_promoted_version_verifies_and_names_its_run(first):
    store = VersionStore(Path(first.model_path).parent)
    assert store.verify(1) == []
    manifest = store.live().manifest if store.live().number == 1 else store.versions()[-1].manifest
    assert manifest.facts.run_id == first.run


def test_the_report_and_the_result_are_kept(first):
    page = Path(first.report).read_text(encoding="utf-8")
    assert "promoted" in page.lower() and first.run in page
    assert RunResult.load(Path(first.log).with_name("result.json")).verdict == "promoted"


def test_a_second_run_takes_everything_from_the_cache(again):
    assert (again.verdict, again.version, again.exit_code) == ("unchanged", "1", 0), again
    assert executed(again) == set()


def test_a_gate_above_the_model_refuses_and_pushes_nothing(refused):
    assert (refused.verdict, refused.version, refused.exit_code) == ("refused", "1", 3), refused
    assert executed(refused) == {"Evaluator", "Pusher"}
    assert any("accuracy" in reason and "0.9990" in reason for reason in refused.reasons)
    assert recorded(refused).output("Pusher", "pushed_model").properties["pushed"] == 0


def test_a_changed_training_setting_runs_from_the_trainer_on(retrained):
    assert (retrained.verdict, retrained.version) == ("promoted", "2"), retrained
    assert executed(retrained) == {"Trainer", "InfraValidator", "Evaluator", "Pusher"}


def test_the_retrained_model_was_compared_with_the_one_in_production(first, retrained):
    compared = recorded(retrained).stage("Evaluator").inputs["baseline_model"]
    assert [model.id for model in compared] == [recorded(first).output("Trainer", "model").id]
    change = next(condition for condition in retrained.gate if condition["kind"] == "change")
    assert change["value"] is not None and change["baseline"] is not None


def test_a_lost_store_is_pushed_to_again(after_the_loss):
    assert after_the_loss.verdict == "promoted", after_the_loss
    assert executed(after_the_loss) == {"Pusher"}
    assert Path(after_the_loss.model_path, "saved_model.pb").is_file()
