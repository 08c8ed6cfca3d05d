"""The Trainer is told which split the gate judges on, and a refit on that split is refused."""

import json

import pytest

from components.errors import InputError
from pipeline.config import load
from pipeline.engine.stages import create_stages
from pipeline.preflight.training import require_retraining, require_run

REFUSAL = (
    "trainer.refit = true: without a test split (data.test_weight = 0) the gate judges on eval, and it "
    "cannot judge a model on examples that the model was fitted on. Give data.test_weight a share, or leave "
    'trainer.refit at "auto".'
)


@pytest.mark.parametrize(("assignments", "split"), [((), "test"), (("data.test_weight=0",), "eval")])
def test_the_trainer_knows_the_split_that_the_gate_judges_on(tmp_path, assignments, split):
    settings = load(workspace=str(tmp_path), assignments=assignments)
    stages = {stage.id: stage for stage in create_stages(settings, store_root=str(tmp_path / "serving"))}
    config = json.loads(stages["Trainer"].exec_properties["custom_config"])
    assert config["judged_split"] == split
    assert json.loads(stages["Evaluator"].exec_properties["example_splits"]) == [split]


@pytest.mark.parametrize("require", [require_run, require_retraining])
def test_a_refit_on_the_judged_split_is_refused_before_the_run(tmp_path, require):
    settings = load(workspace=str(tmp_path), preset="seed", assignments=["trainer.refit=true"])
    with pytest.raises(InputError) as refused:
        require(settings)
    assert (str(refused.value), refused.value.exit_code) == (REFUSAL, 2)


def test_the_default_leaves_it_off_there(tmp_path):
    require_run(load(workspace=str(tmp_path), preset="seed"))


def test_a_warm_start_beside_it_is_refused_with_both_names():
    with pytest.raises(
        InputError, match=r"trainer.refit = true does not go with trainer.warm_start = 'live'"
    ):
        load(assignments=["trainer.refit=true", "trainer.warm_start=live"])


@pytest.mark.parametrize(("text", "value"), [("true", True), ("false", False), ("auto", "auto")])
def test_it_is_on_off_or_auto(text, value):
    assert load(assignments=[f"trainer.refit={text}"]).trainer.refit == value


def test_other_values_are_refused_with_those_that_it_takes():
    with pytest.raises(
        InputError, match=r'trainer.refit = "never" .*: expected one of "auto", true, false; '
    ):
        load(assignments=["trainer.refit=never"])
