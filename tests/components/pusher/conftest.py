"""Models, blessings and evaluations as the stages before the Pusher leave them."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from tensorflow.core.framework import types_pb2
from tensorflow.core.protobuf import saved_model_pb2
from tfx.types import Artifact, standard_artifacts

VERDICT = {
    "verdict": "promoted",
    "metrics": {"accuracy": 0.8812, "auc": 0.95},
    "conditions": [{"metric": "accuracy", "threshold": 0.85, "value": 0.8812, "passed": True}],
    "split": "test",
}


def write_saved_model(folder: Path, name: str) -> None:
    """A SavedModel that declares the signature serving_default: text string[N] -> probability float32[N]."""
    saved = saved_model_pb2.SavedModel(saved_model_schema_version=1)
    graph = saved.meta_graphs.add()
    graph.meta_info_def.tags.append("serve")
    graph.meta_info_def.tensorflow_version = name
    signature = graph.signature_def["serving_default"]
    for tensors, key, dtype in (
        (signature.inputs, "text", types_pb2.DT_STRING),
        (signature.outputs, "probability", types_pb2.DT_FLOAT),
    ):
        tensors[key].dtype = dtype
        tensors[key].tensor_shape.dim.add().size = -1
    graph.signature_def["__saved_model_init_op"].outputs["init"].dtype = types_pb2.DT_INVALID
    (folder / "variables").mkdir(parents=True, exist_ok=True)
    (folder / "saved_model.pb").write_bytes(saved.SerializeToString())
    (folder / "variables" / "variables.index").write_text(name)


@pytest.fixture
def make_trained(tmp_path) -> Callable[[str], Artifact]:
    """The Trainer's Model artifact with a content of its own for each name."""

    def make(name: str) -> Artifact:
        artifact = standard_artifacts.Model()
        artifact.uri = str(tmp_path / "trained" / name)
        write_saved_model(Path(artifact.uri, "Format-Serving"), name)
        return artifact

    return make


@pytest.fixture
def make_blessing() -> Callable[..., Artifact]:
    """A ModelBlessing, or with `infra` an InfraBlessing."""

    def make(blessed: bool, *, infra: bool = False) -> Artifact:
        artifact = standard_artifacts.InfraBlessing() if infra else standard_artifacts.ModelBlessing()
        artifact.set_int_custom_property("blessed", int(blessed))
        return artifact

    return make


@pytest.fixture
def evaluation(tmp_path) -> Artifact:
    """The Evaluator's ModelEvaluation with a verdict."""
    artifact = standard_artifacts.ModelEvaluation()
    artifact.uri = str(tmp_path / "evaluation")
    Path(artifact.uri).mkdir()
    Path(artifact.uri, "verdict.json").write_text(json.dumps(VERDICT))
    return artifact


@pytest.fixture
def examples() -> Artifact:
    """ImdbExampleGen's Examples with the fingerprint that TFX's driver leaves on them."""
    artifact = standard_artifacts.Examples()
    artifact.set_string_custom_property("input_fingerprint", "data-1")
    return artifact


@pytest.fixture
def root(tmp_path) -> Path:
    return tmp_path / "workspace" / "serving" / "imdb_sentiment"
