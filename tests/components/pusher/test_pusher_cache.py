"""The Pusher in TFX's own orchestrator: an unchanged run finds the push in the cache, while it is true."""

import shutil
from pathlib import Path

import pytest
from ml_metadata.proto import metadata_store_pb2 as mlmd
from tfx.dsl.components.common.importer import Importer
from tfx.orchestration import metadata
from tfx.orchestration.local.local_dag_runner import LocalDagRunner
from tfx.orchestration.pipeline import Pipeline
from tfx.types import standard_artifacts

from components.pusher.component import pusher
from serving.versions import VersionStore


@pytest.fixture
def run(tmp_path, root, make_trained):
    """Run a pipeline of a trained model, its blessing and the Pusher; returns how its Pusher ended."""
    connection = metadata.sqlite_metadata_connection_config(str(tmp_path / "metadata.sqlite"))

    def run_pipeline(model="a", *, blessed=True):
        trained = Importer(source_uri=make_trained(model).uri, artifact_type=standard_artifacts.Model)
        blessing = Importer(
            source_uri=str(tmp_path / f"blessing-{blessed}"),
            artifact_type=standard_artifacts.ModelBlessing,
            custom_properties={"blessed": int(blessed)},
        )
        trained, blessing = trained.with_id("Trained"), blessing.with_id("Blessing")
        push = pusher(
            model=trained.outputs["result"], model_blessing=blessing.outputs["result"], root=str(root)
        )
        pipeline = Pipeline(
            pipeline_name="pusher-cache",
            pipeline_root=str(tmp_path / "artifacts"),
            components=[trained, blessing, push],
            metadata_connection_config=connection,
            enable_cache=True,
        )
        LocalDagRunner().run(pipeline)
        with metadata.Metadata(connection) as lineage:
            (kind,) = [kind for kind in lineage.store.get_execution_types() if kind.name.endswith("Pusher")]
            latest = max(lineage.store.get_executions_by_type(kind.name), key=lambda found: found.id)
        return mlmd.Execution.State.Name(latest.last_known_state)

    return run_pipeline


def test_unchanged_run_is_taken_from_the_cache(run, root):
    assert [run(), run(), run()] == ["COMPLETE", "CACHED", "CACHED"]
    assert [version.number for version in VersionStore(root).versions()] == [1]


def test_wiped_store_is_pushed_to_again(run, root):
    run()
    shutil.rmtree(root)
    assert run() == "COMPLETE"
    assert VersionStore(root).live().number == 1


def test_rolled_back_model_is_not_taken_for_pushed(run, root):
    run("a")
    run("b")
    VersionStore(root).rollback()
    assert run("b") == "COMPLETE"
    assert VersionStore(root).live().number == 1


def test_going_back_to_an_earlier_model_pushes_it_again(run, root):
    assert [run("a"), run("b"), run("a"), run("a"), run("b"), run("b")] == [
        "COMPLETE", "COMPLETE", "COMPLETE", "CACHED", "COMPLETE", "CACHED",
    ]  # fmt: skip
    versions = VersionStore(root).versions()
    assert [version.number for version in versions] == [4, 3, 2, 1]
    b, a = versions[0].digest, versions[1].digest
    assert [version.digest for version in versions] == [b, a, b, a]


def test_promotion_by_a_person_is_not_undone_by_a_run_as_before(run, root):
    run("a")
    run("b")
    VersionStore(root).promote(1)
    assert [run("b"), run("b"), run("a")] == ["COMPLETE", "CACHED", "CACHED"]
    assert VersionStore(root).live().number == 3


def test_refused_model_makes_no_store_and_is_cached(run, root):
    assert [run(blessed=False), run(blessed=False)] == ["COMPLETE", "CACHED"]
    assert not Path(root).exists()
