"""Which examples a version was trained on, out of a lineage store as TFX writes it."""

import shutil

import pytest
from ml_metadata.proto import metadata_store_pb2 as mlmd

from components.errors import InputError
from pipeline.workspace.layout import Workspace
from pipeline.workspace.training_data import examples_of
from serving.store.manifest import Facts, Manifest
from serving.store.records import Version

RUN = "20261124-030000.000001"


def version(run_id: str | None = RUN, fingerprint: str | None = "files:abc") -> Version:
    facts = Facts(run_id=run_id, data_fingerprint=fingerprint)
    manifest = Manifest(version=3, created="2026-11-24T03:00:00Z", files={}, facts=facts)
    return Version(number=3, state="live", path="", digest=None, manifest=manifest)


class Lineage:
    """A workspace with Examples artifacts, and Trainers that took them."""

    def __init__(self, root):
        self.workspace = Workspace.at(root)
        self.workspace.root.mkdir(parents=True)
        self.workspace.metadata.path.touch()
        self.store = self.workspace.metadata.open()

    def examples(self, name: str, fingerprint: str = "files:abc"):
        folder = self.workspace.artifacts / "ImdbExampleGen" / "examples" / name
        folder.mkdir(parents=True)
        kind = self.store.put_artifact_type(mlmd.ArtifactType(name="Examples"))
        artifact = mlmd.Artifact(type_id=kind, uri=str(folder), state=mlmd.Artifact.LIVE)
        artifact.custom_properties["input_fingerprint"].string_value = fingerprint
        (artifact.id,) = self.store.put_artifacts([artifact])
        return artifact

    def trained(self, artifact, run_id: str = RUN) -> None:
        types = {
            name: self.store.put_context_type(mlmd.ContextType(name=name))
            for name in ("pipeline_run", "node")
        }
        contexts = [
            mlmd.Context(type_id=types["pipeline_run"], name=run_id),
            mlmd.Context(type_id=types["node"], name="imdb.Trainer"),
        ]
        kind = self.store.put_execution_type(mlmd.ExecutionType(name="Trainer"))
        event = mlmd.Event(type=mlmd.Event.INPUT, artifact_id=artifact.id)
        event.path.steps.add().key = "examples"
        execution = mlmd.Execution(type_id=kind, last_known_state=mlmd.Execution.COMPLETE)
        self.store.put_execution(execution, [(artifact, event)], contexts)


@pytest.fixture
def lineage(tmp_path) -> Lineage:
    return Lineage(tmp_path / "workspace")


def test_the_examples_are_those_that_the_trainer_of_its_run_took(lineage):
    lineage.trained(lineage.examples("1"))
    lineage.examples("9")
    assert examples_of(version(), lineage.workspace).name == "1"


def test_they_are_found_in_a_workspace_that_was_moved(lineage, tmp_path):
    lineage.trained(lineage.examples("1"))
    shutil.move(lineage.workspace.root, tmp_path / "elsewhere")
    found = examples_of(version(), Workspace.at(tmp_path / "elsewhere"))
    assert found == tmp_path / "elsewhere" / "artifacts" / "ImdbExampleGen" / "examples" / "1"


def test_where_they_are_gone_other_examples_of_the_same_source_will_do(lineage):
    first = lineage.examples("1")
    lineage.trained(first)
    lineage.examples("2")
    lineage.examples("3", fingerprint="files:other")
    shutil.rmtree(first.uri)
    assert examples_of(version(), lineage.workspace).name == "2"


def test_a_version_whose_run_is_not_in_the_store_is_known_by_the_fingerprint_of_its_data(lineage):
    lineage.examples("1")
    assert examples_of(version(run_id="another"), lineage.workspace).name == "1"
    assert examples_of(version(run_id=None), lineage.workspace).name == "1"


def test_examples_that_are_gone_altogether_are_named_with_the_way_to_make_them_again(lineage):
    artifact = lineage.examples("1")
    lineage.trained(artifact)
    shutil.rmtree(artifact.uri)
    with pytest.raises(InputError) as refused:
        examples_of(version(), lineage.workspace)
    assert str(refused.value) == (
        f"The examples that version 3 was trained on are gone: {artifact.uri}. `greenlight run` with the "
        f"settings of run {RUN} makes them again."
    )


def test_a_version_from_elsewhere_is_refused(lineage):
    lineage.examples("1")
    with pytest.raises(InputError, match=r"does not know what version 3 was trained on \(run another\)\."):
        examples_of(version(run_id="another", fingerprint="files:unknown"), lineage.workspace)


def test_a_version_without_a_manifest_is_refused(lineage):
    bare = Version(number=3, state="live", path="", digest=None, manifest=None)
    with pytest.raises(InputError, match=r"Version 3 has no manifest"):
        examples_of(bare, lineage.workspace)
