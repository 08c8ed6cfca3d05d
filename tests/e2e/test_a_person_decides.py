"""A baseline that cannot be evaluated any more: refused, approved by a person, judged as usual afterwards."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from pipeline.cli import cli
from pipeline.lineage import runs
from pipeline.results.outcome import RunResult
from pipeline.workspace.layout import Workspace

pytestmark = pytest.mark.proof

QUICK = (
    "trainer.epochs=1",
    "infra.enabled=false",
    "gate.min_accuracy=0.1",
    "gate.min_balanced_accuracy=off",
    "gate.min_change=-0.9",
)


@pytest.fixture(scope="module")
def first(run) -> RunResult:
    return run(*QUICK)


def workspace_of(result: RunResult) -> Workspace:
    return Workspace.at(Path(result.log).parents[2])


@pytest.fixture(scope="module")
def refused(run, first) -> RunResult:
    shutil.rmtree(Path(first.model_path, "variables"))
    return run(*QUICK, "trainer.seed=2")


@pytest.fixture(scope="module")
def approved(refused) -> dict[str, Any]:
    root = str(workspace_of(refused).root)
    command = ["approve", refused.run, "--reason", "the live model was damaged", "--by", "ada"]
    ended = CliRunner().invoke(cli, [*command, "--workspace", root, "--json"])
    assert ended.exit_code == 0, ended.output
    return json.loads(ended.stdout)


@pytest.fixture(scope="module")
def third(run, approved) -> RunResult:
    return run(*QUICK, "trainer.seed=3")


def test_a_lost_baseline_refuses_the_next_model(first, refused):
    assert (first.verdict, refused.verdict, refused.version) == ("promoted", "refused", "1")
    (reason,) = refused.reasons
    assert reason.startswith("the model in production cannot be evaluated: ")


def test_a_person_promotes_it(approved):
    assert (approved["outcome"], approved["version"]) == ("promoted", 2)
    assert approved["approval"]["waived"] == ["baseline"]


def test_the_approved_version_gets_a_card_of_its_own(refused, approved):
    card = workspace_of(refused).model_card(refused.run, "md").read_text(encoding="utf-8")
    assert card.startswith("# ") and "version 2" in card.lower()


def test_the_next_model_is_compared_with_the_approved_one(refused, third):
    assert (third.verdict, third.version) == ("promoted", "3")
    evaluator = runs.read_run(workspace_of(third).metadata, third.run).stage("Evaluator")
    assert [model.properties["version"] for model in evaluator.inputs["baseline_model"]] == ["2"]
    changes = (condition for condition in third.gate if condition["kind"] == "change")
    (change,) = (condition for condition in changes if condition["slice"] == "overall")
    assert change["baseline"] == refused.metrics["accuracy"]
