"""The names that we and TFX take from TFMA, TFDV, tfx-bsl and ML Metadata, as entry points import them."""

import importlib.util
import json
from pathlib import Path

import processes
import pytest

TESTS = Path(__file__).parents[1]
STEPS = {
    "Trainer": ("tfx.components.trainer.executor.GenericExecutor", "components.trainer.train.run_fn"),
    "Tuner": ("tfx.components.tuner.executor.Executor", "components.tuner.search.tuner_fn"),
    "ImdbExampleGen": ("components.example_gen.executor.Executor",),
    "StatisticsGen": ("components.data_check.statistics.Executor",),
    "Schema": ("tfx.components.schema_gen.import_schema_gen.executor.Executor",),
    "ExampleValidator": ("tfx.components.example_validator.executor.Executor",),
    "DataCheck": ("components.data_check.executor.Executor",),
    "InfraValidator": ("components.infra_validator.executor.Executor",),
    "ProductionModel": ("components.production_model.executor.Executor",),
    "Pusher": ("components.pusher.executor.Executor",),
}
"""Stage -> what its step imports by name: its executor, and the function that this calls."""
in_a_pod = pytest.mark.skipif(importlib.util.find_spec("kfp") is None, reason="kfp is not installed")
BEFORE_UTILS = {
    "tfx.components.evaluator.executor: tensorflow_model_analysis.get_model_type",
    "tfx.components.evaluator.executor: tensorflow_model_analysis.update_eval_config_with_defaults",
    "tfx.components.evaluator.executor: tensorflow_model_analysis.verify_eval_config",
}
"""TFX asks for these only where TFMA has no `utils`."""


def missing_names(*entry: str) -> set[str]:
    done = processes.python(str(TESTS / "import_orders.py"), *entry, timeout=250)
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1])) - BEFORE_UTILS


@in_a_pod
@pytest.mark.proof
def test_the_evaluator_in_a_pod_finds_every_name():
    assert missing_names("step", "components.evaluator.executor.Executor") == set()


@pytest.mark.proof
@pytest.mark.parametrize("command", ["run", "tune", "drift", "batch-predict"])
def test_a_command_finds_every_name(command):
    assert missing_names(command) == set()


@in_a_pod
@pytest.mark.proof
@pytest.mark.parametrize("stage", STEPS)
def test_a_step_in_a_pod_finds_every_name(stage):
    assert missing_names("step", *STEPS[stage]) == set()
