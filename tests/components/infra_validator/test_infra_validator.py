"""The stage as TFX runs it, with real processes; each starts TensorFlow, so there are few."""

import json
import sys
from pathlib import Path
from unittest.mock import Mock

import pytest
import tensorflow as tf
from tfx.types import Channel, artifact_utils, standard_artifacts

from components import reviews
from components.errors import MachineFault
from components.infra_validator import process
from components.infra_validator.component import InfraValidator
from components.infra_validator.executor import Executor
from components.infra_validator.settings import InfraSettings
from serving import canary
from serving.canary import Request


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
        "text 1",
        "text 2",
        "text 3",
        "the empty string",
    ]
    assert 50 < report["memory_mb"] < 4096


@pytest.mark.proof
def test_a_model_that_crashes_on_the_empty_string_takes_nothing_else_down(validate, export):
    blessing, report = validate(export("serve_or_abort_on_empty"), InfraSettings(samples=1))

    assert Path(blessing.uri, "INFRA_NOT_BLESSED").exists()
    assert blessing.get_int_custom_property("blessed") == 0
    reason = "the process that served it was ended by SIGABRT at the empty string through serving_default"
    assert report["reasons"] == [reason]
    assert blessing.get_string_custom_property("reasons") == reason


KILLED_ONCE = """
import os, pathlib, signal, sys
mark = pathlib.Path({mark!r})
if not mark.exists():
    mark.touch()
    os.kill(os.getpid(), signal.SIGKILL)
os.execv(sys.executable, [sys.executable, "-m", "serving.canary", *sys.argv[1:]])
"""
KILLED = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"


@pytest.fixture
def started_with(monkeypatch):
    """Starts another program in the canaries' place."""

    def program(text: str) -> None:
        defaults = ((sys.executable, "-c", text),)
        monkeypatch.setattr(process.CanaryProcess.__init__, "__defaults__", defaults)

    return program


@pytest.mark.proof
def test_a_process_that_the_system_killed_is_started_once_more(validate, export, started_with, tmp_path):
    started_with(KILLED_ONCE.format(mark=str(tmp_path / "mark")))
    blessing, report = validate(export(), InfraSettings(samples=1))

    assert blessing.get_int_custom_property("blessed") == 1
    assert (report["passed"], report["reasons"]) == (True, [])


def test_a_process_that_the_system_killed_twice_is_no_verdict_about_the_model(validate, export, started_with):
    started_with(KILLED)
    with pytest.raises(MachineFault, match=r"was ended by SIGKILL.*started again, it was ended by SIGKILL"):
        validate(export(), InfraSettings(samples=1))


def test_a_disk_that_is_full_under_the_canaries_is_the_machine_s(export, tmp_path):
    records = []
    request = Request(model=str(export()), canaries=(), batch_size=2, alarm_seconds=60)
    with pytest.MonkeyPatch.context() as patch:
        full = tf.errors.ResourceExhaustedError(None, None, "x")
        patch.setattr(tf.compat.v1.saved_model.loader, "load", Mock(side_effect=full))
        with pytest.raises(canary.MachineFault, match="The disk is full"):
            canary.answer(request, records.append)
    assert records == [{"step": "load"}]


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


def test_three_classes_are_in_the_report_by_their_names(validate, examples, multiclass_model, tmp_path):
    examples.set_string_custom_property("data_settings", json.dumps({"classes": ["ham", "spam", "offer"]}))
    (tmp_path / "Format-Serving").symlink_to(multiclass_model)
    try:
        blessing, report = validate(tmp_path, InfraSettings(samples=1))
    finally:
        examples.set_string_custom_property("data_settings", "{}")
    assert (report["reasons"], blessing.get_int_custom_property("blessed")) == ([], 1)
    first = report["canaries"][0]
    assert list(first["probabilities"]) == ["ham", "spam", "offer"]
    assert first["probability"] == max(first["probabilities"].values())
