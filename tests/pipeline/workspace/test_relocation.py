"""The lineage store of a workspace that was moved names the artifacts where they are."""

import shutil

import pytest
from ml_metadata.proto import metadata_store_pb2 as mlmd

from pipeline.workspace.layout import Workspace
from pipeline.workspace.relocation import relocate_artifacts

KEPT, DELETED, ELSEWHERE = (
    "Trainer/model/6",
    "Evaluator/evaluation/9",
    "s3://bucket/artifacts/ImdbExampleGen/1",
)


@pytest.fixture
def workspace(tmp_path):
    """One with a folder called `artifacts` above it, an artifact that is there, and two that are not."""
    workspace = Workspace.at(tmp_path / "artifacts" / "before")
    (workspace.artifacts / KEPT).mkdir(parents=True)
    workspace.metadata.path.touch()
    store = workspace.metadata.open()
    kind = store.put_artifact_type(mlmd.ArtifactType(name="Model"))
    addresses = [str(workspace.artifacts / KEPT), str(workspace.artifacts / DELETED), ELSEWHERE]
    for address in addresses:
        artifact = mlmd.Artifact(type_id=kind, uri=address)
        artifact.custom_properties["blessed"].int_value = 1
        store.put_artifacts([artifact])
    return workspace


def addresses(workspace) -> list[str]:
    artifacts = workspace.metadata.open().get_artifacts()
    assert all(artifact.custom_properties["blessed"].int_value == 1 for artifact in artifacts)
    return [artifact.uri for artifact in sorted(artifacts, key=lambda artifact: artifact.id)]


def test_what_came_along_is_named_where_it_is_and_what_did_not_keeps_its_address(workspace, tmp_path):
    lost = str(workspace.artifacts / DELETED)
    after = Workspace.at(workspace.root.rename(tmp_path / "after"))
    assert relocate_artifacts(after) == 1
    assert addresses(after) == [str(after.artifacts / KEPT), lost, ELSEWHERE]
    assert relocate_artifacts(after) == 0


def test_a_copy_names_its_own_artifacts_and_leaves_the_original_alone(workspace, tmp_path):
    before = addresses(workspace)
    copy = Workspace.at(shutil.copytree(workspace.root, tmp_path / "copy"))
    assert relocate_artifacts(copy) == 1
    assert addresses(copy)[0] == str(copy.artifacts / KEPT)
    assert relocate_artifacts(workspace) == 0
    assert addresses(workspace) == before


def test_a_new_workspace_has_no_artifacts_to_relocate(tmp_path):
    assert relocate_artifacts(Workspace.at(tmp_path)) == 0
