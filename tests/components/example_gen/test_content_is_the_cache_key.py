"""The stage in TFX's own orchestrator: what takes it from the cache, and what does not."""

import os
import shutil
from unittest import mock

import pytest
from ml_metadata.metadata_store import MetadataStore
from ml_metadata.proto import metadata_store_pb2
from tfx.orchestration import metadata
from tfx.orchestration.beam.beam_dag_runner import BeamDagRunner
from tfx.orchestration.pipeline import Pipeline

from components.example_gen import sources
from components.example_gen.component import ImdbExampleGen
from components.example_gen.settings import DataSettings

Execution = metadata_store_pb2.Execution


@pytest.fixture
def run(tmp_path):
    """Runs a pipeline of this one stage; returns the state of its newest execution."""
    connection = metadata.sqlite_metadata_connection_config(str(tmp_path / "metadata.sqlite"))

    def once(source) -> int:
        pipeline = Pipeline(
            pipeline_name="reviews",
            pipeline_root=str(tmp_path / "artifacts"),
            metadata_connection_config=connection,
            components=[ImdbExampleGen(DataSettings(source=f"files:{source}"))],
            enable_cache=True,
            beam_pipeline_args=["--sdk_container_image=unused"],
        )
        BeamDagRunner().run(pipeline)
        return executions()[-1].last_known_state

    def executions() -> list[Execution]:
        found = MetadataStore(connection).get_executions()
        return sorted(found, key=lambda execution: execution.id)

    once.executions = executions
    return once


def test_the_content_of_the_source_is_the_cache_key(run, write_csv, tmp_path):
    first = write_csv("here/reviews.csv", [("fine", 1), ("dull", 0)])
    assert run(first) == Execution.COMPLETE
    os.utime(first, (1, 1))
    assert run(first) == Execution.CACHED
    moved = tmp_path / "there.csv"
    shutil.move(first, moved)
    assert run(moved) == Execution.CACHED
    moved.write_bytes(moved.read_bytes().replace(b"dull", b"Dull"))
    assert run(moved) == Execution.COMPLETE


def test_a_source_that_cannot_be_read_leaves_a_failed_execution(run, tmp_path):
    with pytest.raises(Exception, match="no file matches"):
        run(tmp_path / "nothing.csv")
    assert [execution.last_known_state for execution in run.executions()] == [Execution.FAILED]


def test_no_error_of_the_fingerprint_leaves_an_execution_running_or_a_way_to_its_output(
    run, write_csv, monkeypatch
):
    source = write_csv("reviews.csv", [("fine", 1), ("dull", 0)])
    monkeypatch.setattr(sources, "fingerprint", mock.Mock(side_effect=RuntimeError("the disk is away")))
    assert [run(source), run(source)] == [Execution.COMPLETE] * 2
