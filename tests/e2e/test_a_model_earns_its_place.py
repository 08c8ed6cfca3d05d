"""The story of one workspace: promoted, run again, refused, retrained, back and forth between two settings,
overruled by a person, rolled back, its store lost.
"""

import json
import shutil
from pathlib import Path

import pytest
from small_run import EASY_GATE

from pipeline.lineage import runs
from pipeline.results.outcome import RunResult
from pipeline.workspace.layout import Workspace
from serving.versions import VersionStore

STAGES = [
    "DataCheck",
    "Evaluator",
    "ExampleValidator",
    "ImdbExampleGen",
    "InfraValidator",
    "ProductionModel",
    "Pusher",
    "Schema",
    "StatisticsGen",
    "Trainer",
]
A = EASY_GATE
B = (*A, "trainer.seed=2")


@pytest.fixture(scope="module")
def told(run, first_run):
    """Runs the pipeline, and checks what must hold after each run: nothing is called live that is not."""

    def start(*assignments: str) -> RunResult:
        result = run(*assignments, workspace=first_run / "workspace")
        live = store_of(result).live()
        assert (result.version, result.model_path) == (str(live.number), live.path)
        if result.verdict in ("promoted", "unchanged"):
            pushed = recorded(result).output("Pusher", "pushed_model")
            assert pushed.properties["model_digest"] == live.digest, result
        return result

    return start


@pytest.fixture(scope="module")
def first(first_run) -> RunResult:
    """The first run, which was a process of its own."""
    (run,) = (first_run / "copy" / "runs").iterdir()
    return RunResult.load(first_run / "workspace" / "runs" / run.name / "result.json")


@pytest.fixture(scope="module")
def again(told, first) -> RunResult:
    return told(*A)


@pytest.fixture(scope="module")
def refused(told, again) -> RunResult:
    return told("gate.min_accuracy=0.999")


@pytest.fixture(scope="module")
def retrained(told, refused) -> RunResult:
    return told(*B)


@pytest.fixture(scope="module")
def back(told, retrained) -> RunResult:
    return told(*A)


@pytest.fixture(scope="module")
def forth(told, back) -> RunResult:
    return told(*B)


@pytest.fixture(scope="module")
def overruled(told, forth) -> RunResult:
    store_of(forth).promote(1, "a person prefers it")
    return told(*B)


@pytest.fixture(scope="module")
def rolled_back(told, overruled) -> RunResult:
    store_of(overruled).rollback("that was a mistake")
    return told(*A)


@pytest.fixture(scope="module")
def settled(told, rolled_back) -> RunResult:
    return told(*B)


@pytest.fixture(scope="module")
def after_the_loss(told, settled) -> RunResult:
    shutil.rmtree(store_of(settled).root)
    return told(*B)


def workspace_of(result: RunResult) -> Path:
    return Path(result.log).parents[2]


def store_of(result: RunResult) -> VersionStore:
    return VersionStore(workspace_of(result) / "serving" / "imdb_sentiment")


def recorded(result: RunResult) -> runs.Run:
    return runs.read_run(Workspace.at(workspace_of(result)).metadata, result.run)


def digest_of(result: RunResult) -> str:
    return recorded(result).output("Pusher", "pushed_model").properties["model_digest"]


def executed(result: RunResult) -> set[str]:
    """The stages that did their work in this run."""
    return {stage.name for stage in result.stages if not stage.cached}


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
    store = store_of(first)
    assert store.verify(1) == []
    (version,) = (version for version in store.versions() if version.number == 1)
    assert version.manifest.facts.run_id == first.run


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


@pytest.mark.proof
def test_a_changed_training_setting_runs_from_the_trainer_on(retrained):
    assert (retrained.verdict, retrained.version) == ("promoted", "2"), retrained
    assert executed(retrained) == {"Trainer", "InfraValidator", "ProductionModel", "Evaluator", "Pusher"}


@pytest.mark.proof
def test_the_retrained_model_was_compared_with_the_one_in_production(first, retrained):
    compared = recorded(retrained).stage("Evaluator").inputs["baseline_model"]
    assert [model.properties["version"] for model in compared] == [first.version]
    assert [model.properties["model_digest"] for model in compared] == [digest_of(first)]
    change = next(condition for condition in retrained.gate if condition["kind"] == "change")
    assert change["value"] is not None and change["baseline"] is not None


@pytest.mark.proof
def test_going_back_to_earlier_settings_makes_their_model_live_again(first, retrained, back, forth):
    assert [(each.verdict, each.version) for each in (back, forth)] == [("promoted", "3"), ("promoted", "4")]
    assert executed(back) == {"ProductionModel", "Evaluator", "Pusher"}
    assert executed(forth) == {"Pusher"}
    assert [digest_of(back), digest_of(forth)] == [digest_of(first), digest_of(retrained)]


@pytest.mark.proof
def test_a_run_as_before_does_not_undo_a_persons_promotion(overruled):
    assert (overruled.verdict, overruled.version, overruled.exit_code) == ("refused", "5", 3), overruled
    assert overruled.reasons == (
        "this very model was version 4, before a person made version 5 live instead; "
        "`greenlight promote 4` makes it live nevertheless",
    )


@pytest.mark.proof
def test_a_run_after_a_rollback_does_not_bring_the_model_back(rolled_back, settled):
    assert (rolled_back.verdict, rolled_back.version, rolled_back.exit_code) == ("refused", "4", 3)
    assert rolled_back.reasons[0].startswith("this very model was rolled back as version 5")
    assert (settled.verdict, settled.version, settled.exit_code) == ("unchanged", "4", 0), settled


@pytest.mark.proof
def test_a_lost_store_is_pushed_to_again(after_the_loss):
    assert after_the_loss.verdict == "promoted", after_the_loss
    assert executed(after_the_loss) == {"Pusher"}
    assert Path(after_the_loss.model_path, "saved_model.pb").is_file()
