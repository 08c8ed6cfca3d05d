"""The stage that reads the examples, in runs of former versions and in those of now."""

import pytest
from tfx.orchestration.beam.beam_dag_runner import BeamDagRunner
from tfx.orchestration.pipeline import Pipeline

from components.example_gen.component import TextExampleGen
from pipeline.config import load
from pipeline.lineage.runs import Run, read_run
from pipeline.lineage.span_usage import SpansUsed, runs_by_span, spans_of
from pipeline.report.run_artifacts import gather
from pipeline.results.data_account import data_account
from pipeline.workspace.layout import Workspace


@pytest.fixture
def workspace(tmp_path, monkeypatch) -> Workspace:
    """A workspace with a span."""
    monkeypatch.chdir(tmp_path)
    span = tmp_path / "workspace" / "spans" / "span-1"
    span.mkdir(parents=True)
    (span / "a.csv").write_text("text,label\nfine,1\ndull,0\nbad,0\n")
    return Workspace.at(tmp_path / "workspace")


def run_of_the_first_stage(workspace: Workspace, stage: str) -> Run:
    """A run that read span 1 in a stage of this id, which is what former versions called it."""
    settings = load(source="spans")
    stages = Pipeline(
        pipeline_name="texts",
        pipeline_root=str(workspace.artifacts),
        metadata_connection_config=workspace.metadata.connection_config(),
        components=[TextExampleGen(settings.located_data).with_id(stage)],
        enable_cache=True,
        beam_pipeline_args=["--sdk_container_image=unused"],
    )
    BeamDagRunner().run(stages)
    return read_run(workspace.metadata)


def test_runs_of_a_former_version_are_read_beside_those_of_now(workspace):
    runs = [run_of_the_first_stage(workspace, stage) for stage in ("ImdbExampleGen", "TextExampleGen")]
    assert [run.example_gen.name for run in runs] == ["ImdbExampleGen", "TextExampleGen"]
    for run in runs:
        spans = spans_of(run)
        assert isinstance(spans, SpansUsed) and list(spans.fingerprints) == [1]
        assert data_account(run)["used"] == 3
        assert gather(run).reading.taken == 3
    (found,) = runs_by_span(workspace.metadata).values()
    assert found == sorted(run.id for run in runs)


def test_a_run_that_never_read_has_no_examples():
    run = Run("a run", ())
    assert (run.example_gen, run.examples, spans_of(run), data_account(run)) == (None, None, None, None)
    assert gather(run).missing["reading"] == "The run ended before its first stage."
