"""Where the code that `trainer.module` names goes in the pipeline."""

import json
from pathlib import Path

import pytest

from pipeline.config import load
from pipeline.engine.stages import create_stages
from pipeline.kubeflow import step
from pipeline.kubeflow.parameters import of, to_json

BUILD = "def build(texts): ...\n"
RUN_FN = "def run_fn(fn_args): ...\n"


@pytest.fixture
def stages(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("own.py").write_text(BUILD + RUN_FN)

    def create(function: str, *assignments: str):
        settings = load(assignments=[f"trainer.module=own.py:{function}", *assignments])
        return {stage.id: stage for stage in create_stages(settings, store_root=str(tmp_path / "serving"))}

    return create


def test_its_text_travels_with_the_trainer_and_no_embedding_is_asked(stages):
    found = stages("build")
    config = json.loads(found["Trainer"].exec_properties["custom_config"])
    assert config["module"] == {"name": "own.py:build", "source": BUILD + RUN_FN}
    assert "embedding_fingerprint" not in config
    assert found["DataCheck"].exec_properties.get("embedding_settings") is None


def test_only_a_run_fn_gets_the_schema_and_the_live_model(stages):
    assert "schema" not in stages("build")["Trainer"].inputs
    inputs = stages("run_fn", "trainer.warm_start=live")["Trainer"].inputs
    assert inputs["schema"].producer_component_id == "Schema"
    assert inputs["base_model"].producer_component_id == "LiveModel"


def test_a_pod_without_the_file_trains_with_the_text_that_was_compiled(stages, tmp_path, monkeypatch):
    compiled = {name: value for name, value in stages("build")["Trainer"].exec_properties.items() if value}
    settings = load(assignments=["trainer.module=own.py:build"])
    assert [parameter.name for parameter in of(settings)] == ["min_accuracy", "epochs", "source"]
    told = {"inputs": {"parameterValues": {**compiled, "epochs": 3.0}}}
    (tmp_path / "own.py").unlink()
    step.with_parameters(told, stage="Trainer", settings_json=to_json(settings, stage="Trainer"))
    config = json.loads(told["inputs"]["parameterValues"]["custom_config"])
    assert config["trainer"]["epochs"] == 3
    assert config["module"] == {"name": "own.py:build", "source": BUILD + RUN_FN}


def test_a_pod_keeps_the_names_of_the_classes(tmp_path):
    settings = load(assignments=['data.classes=["ham", "spam"]'])
    (trainer,) = (each for each in create_stages(settings, store_root=str(tmp_path)) if each.id == "Trainer")
    compiled = {name: value for name, value in trainer.exec_properties.items() if value}
    assert json.loads(compiled["custom_config"])["classes"] == ["ham", "spam"]
    told = {"inputs": {"parameterValues": {**compiled, "epochs": 3.0}}}
    step.with_parameters(told, stage="Trainer", settings_json=to_json(settings, stage="Trainer"))
    assert json.loads(told["inputs"]["parameterValues"]["custom_config"])["classes"] == ["ham", "spam"]
