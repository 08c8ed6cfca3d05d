"""The stage as TFX runs it, with real processes; each starts TensorFlow, so there are few."""

import json
from pathlib import Path

import pytest
import tensorflow as tf
from tfx.types import Channel, artifact_utils, standard_artifacts

from components import reviews
from components.infra_validator import process
from components.infra_validator.component import InfraValidator
from components.infra_validator.executor import Executor
from components.infra_validator.settings import InfraSettings


@pytest.fixture(scope="module")
def examples(tmp_path_factory) -> standard_artifacts.Examples:
    artifact = standard_artifacts.Examples()
    artifact.uri = str(tmp_path_factory.mktemp("examples"))
    artifact.split_names = artifact_utils.encode_split_names(["test"])
    folder = Path(artifact.uri, "Split-test")
    folder.mkdir()
    with tf.io.TFRecordWriter(str(folder / "data-00000-of-00001")) as writer:
        for number in range(1, 6):
            writer.write(reviews.to_example("good film " * number, 1).SerializeToString())
    return artifact


@pytest.fixture(scope="module")
def validate(tmp_path_factory, examples):
    def run(model: Path, settings: InfraSettings) -> tuple[standard_artifacts.InfraBlessing, dict]:
        candidate, blessing = standard_artifacts.Model(), standard_artifacts.InfraBlessing()
        candidate.uri, blessing.uri = str(model), str(tmp_path_factory.mktemp("blessing"))
        inputs = {"model": [candidate], "examples": [examples]}
        Executor().Do(
            inputs, {"blessing": [blessing]}, {"settings": settings.model_dump_json(), "split": "test"}
        )
        return blessing, json.loads(Path(blessing.uri, "canaries.json").read_text())

    return run


def test_a_sound_model_is_blessed_as_tfx_blesses(validate, export):
    blessing, report = validate(export(), InfraSettings(samples=3))

    assert Path(blessing.uri, "INFRA_BLESSED").exists()
    assert blessing.get_int_custom_property("blessed") == 1
    assert blessing.get_float_custom_property("latency_ms") > 0
    assert (report["passed"], report["reasons"]) == (True, [])
    assert all(check["passed"] for check in report["checks"])
    assert [canary["name"] for canary in report["canaries"]][:4] == [
        "review 1",
        "review 2",
        "review 3",
        "the empty string",
    ]
    assert 50 < report["memory_mb"] < 4096


def test_a_model_that_crashes_on_the_empty_string_takes_nothing_else_down(validate, export):
    blessing, report = validate(export("serve_or_abort_on_empty"), InfraSettings(samples=1))

    assert Path(blessing.uri, "INFRA_NOT_BLESSED").exists()
    assert blessing.get_int_custom_property("blessed") == 0
    reason = "the process that served it was ended by SIGABRT at the empty string through serving_default"
    assert report["reasons"] == [reason]
    assert blessing.get_string_custom_property("reasons") == reason


def test_switched_off_it_blesses_and_says_so(validate, export, monkeypatch):
    monkeypatch.setattr(process, "fresh", None)

    blessing, report = validate(export(), InfraSettings(enabled=False))

    assert blessing.get_int_custom_property("blessed") == 1
    assert (report["passed"], report["skipped"]) == (True, True)


def test_the_stage_carries_its_settings_and_emits_a_standard_blessing():
    stage = InfraValidator(
        model=Channel(type=standard_artifacts.Model),
        examples=Channel(type=standard_artifacts.Examples),
        settings=InfraSettings(samples=2),
        split="eval",
    )

    assert stage.id == "InfraValidator"
    assert stage.outputs["blessing"].type is standard_artifacts.InfraBlessing
    assert InfraSettings.model_validate_json(stage.exec_properties["settings"]).samples == 2
    assert stage.exec_properties["split"] == "eval"
