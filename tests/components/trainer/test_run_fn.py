"""TFX's Trainer end to end: the component's settings reach run_fn through TFX's own executor."""

import json

import pytest
import tensorflow as tf
from tfx.components.trainer.executor import GenericExecutor
from tfx.types import channel_utils, standard_artifacts

from components.fingerprints import code_fingerprint
from components.trainer.component import trainer
from components.trainer.settings import TrainerSettings

SETTINGS = TrainerSettings(epochs=2, hidden_units=(4,))


@pytest.fixture(scope="module")
def stage(examples_uri, embedding_settings, cache_dir):
    examples = standard_artifacts.Examples()
    examples.uri = str(examples_uri)
    examples.split_names = '["train", "eval"]'
    return trainer(
        channel_utils.as_channel([examples]),
        settings=SETTINGS,
        embedding=embedding_settings,
        cache_dir=cache_dir,
    )


def test_the_cache_key_holds_settings_embedding_and_code(stage, embedding_settings, cache_dir):
    config = json.loads(stage.exec_properties["custom_config"])
    assert config["trainer"] == SETTINGS.model_dump(mode="json")
    assert config["embedding"] == embedding_settings.model_dump(mode="json")
    assert config["cache_dir"] == str(cache_dir)
    code = code_fingerprint("components.trainer.train", "components.trainer.worker")
    assert config["code"] == code
    assert len(config["embedding_fingerprint"]) == 16
    assert stage.exec_properties["run_fn"] == "components.trainer.train.run_fn"
    assert set(stage.outputs) == {"model", "model_run"}


def test_tfx_trains_and_exports(stage, examples_uri, tmp_path):
    model, model_run = standard_artifacts.Model(), standard_artifacts.ModelRun()
    model.uri, model_run.uri = str(tmp_path / "model"), str(tmp_path / "model_run")
    inputs = {key: list(value.get()) for key, value in stage.inputs.items()}
    GenericExecutor().Do(inputs, {"model": [model], "model_run": [model_run]}, dict(stage.exec_properties))

    history = json.loads((tmp_path / "model_run" / "history.json").read_text())
    assert [epoch["epoch"] for epoch in history["epochs"]] == [1, 2]
    assert history["stopped_epoch"] is None and history["examples"] == {"train": 400, "eval": 200}
    assert {path.name for path in (tmp_path / "model_run").iterdir()} == {
        "history.json",
        "train",
        "validation",
    }
    served = tf.saved_model.load(str(tmp_path / "model" / "Format-Serving"))
    assert served.signatures["serving_default"](text=tf.constant(["good"]))["label"].shape == (1,)
