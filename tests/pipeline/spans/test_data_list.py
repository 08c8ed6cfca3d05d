"""`greenlight data list`: what is told of each span, and which runs used it."""

import json
from pathlib import Path

import pytest
from processes import packages_of

from pipeline.config import load
from pipeline.spans.listing import list_spans
from pipeline.workspace.layout import Workspace

BAD_LABEL = "bad label ('x'; expected 0 or 1, neg or pos, negative or positive, false or true)"


@pytest.fixture
def three_spans(greenlight, tmp_path):
    """A landed span, one that another tool delivered, and one that cannot be read."""
    (tmp_path / "a.csv").write_text("text,label\nfine,1\ndull,0\ngood,1\n")
    greenlight("data", "add", "a.csv")
    spans = tmp_path / "workspace" / "spans"
    for number, content in ((3, "text,label\nother,0\nrow,x\n"), (4, "body\n")):
        (spans / f"span-{number}").mkdir()
        (spans / f"span-{number}" / "b.csv").write_text(content)
    return spans


def test_each_span_has_its_line_and_what_cannot_be_read_is_said(greenlight, three_spans):
    result = greenlight("data", "list")
    assert result.exit_code == 0
    header, *lines = result.stdout.splitlines()
    assert header.split() == [
        *("span", "rows", "examples", "duplicates", "positive", "left", "out"),
        *("fingerprint", "written", "used", "by"),
    ]
    assert [line.split()[:6] for line in lines[:3]] == [
        ["1", "3", "3", "0", "66.7%", "0"],
        ["3", "2", "1", "0", "0.0%", "1"],
        ["4", "?", "?", "?", "-", "?"],
    ]
    assert "1 (1 bad label)" in lines[1]
    assert lines[3:] == [f"span 3: {three_spans}/span-3/b.csv:3: {BAD_LABEL}"]
    assert result.stderr.startswith(f"span 4: {three_spans}/span-4/b.csv has no column 'label' and no column")


def test_json_has_all_facts(greenlight, three_spans):
    first, second, third = json.loads(greenlight("data", "list", "--json").stdout)
    assert (first["landed"], second["landed"], third["landed"]) == (True, False, False)
    assert (second["rows"], second["reviews"], second["bad_rows"], second["runs"]) == (2, 1, 1, [])
    assert second["data"] == {
        "rows": 2,
        "used": 1,
        "beyond_limit": 0,
        "duplicates": 0,
        "set_aside": 0,
        "left_out": {"bad label": 1},
        "left_out_labels": {},
        "first_left_out": [f"{three_spans}/span-3/b.csv:3: {BAD_LABEL}"],
    }
    assert (first["data"]["used"], third["data"]) == (3, None)
    assert second["left_out"] == {"bad label": 1} and "bad label" in second["first_left_out"][0]
    assert third["rows"] is None and "has no column" in third["error"]
    assert first["files"] == [f"{three_spans}/span-1/a.csv"]


def test_a_landed_span_that_was_changed_is_read_again(greenlight, three_spans):
    (three_spans / "span-1" / "a.csv").write_text("text,label\nbad,0\ndull,0\ngood,0\n")
    first, *_ = json.loads(greenlight("data", "list", "--json").stdout)
    assert (first["landed"], first["positive_share"]) == (False, 0.0)


def test_the_account_of_a_landed_span_is_that_of_its_landing(greenlight, tmp_path):
    (tmp_path / "a.csv").write_text("text,label\nfine,1\ndull,0\nfine,1\n,1\n")
    some = ["--set", "data.max_bad_share=0.5", "--json"]
    landed = json.loads(greenlight("data", "add", "a.csv", *some).stdout)
    (listed,) = json.loads(greenlight("data", "list", "--json").stdout)
    assert listed["landed"] and listed["data"] == landed["data"]
    assert (listed["data"]["rows"], listed["data"]["used"], listed["data"]["duplicates"]) == (4, 3, 1)


def test_no_span_is_said_on_standard_error(greenlight):
    result = greenlight("data", "list", "--from", "nowhere")
    assert (result.exit_code, result.stdout) == (0, "")
    told = "There is no span at nowhere/span-{SPAN}/*. `greenlight data add FILE` adds one.\n"
    assert result.stderr == told
    assert greenlight("data", "list", "--json").stdout == "[]\n"


def test_a_pattern_that_makes_no_sense_is_answered(greenlight):
    result = greenlight("data", "list", "--from", "in/{SPAN}/{SPAN}/*")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "in/{SPAN}/{SPAN}/* cannot be used: {SPAN} stands in it 2 times, not once." in result.stderr


def test_a_span_says_which_runs_used_it_with_the_content_it_has(greenlight, three_spans):
    workspace = Workspace.at(Path("workspace"))
    run = ingested(workspace)
    used = {facts["span"]: facts["runs"] for facts in json.loads(greenlight("data", "list", "--json").stdout)}
    assert used == {1: [run], 3: [], 4: []}
    assert greenlight("data", "list").stdout.splitlines()[1].endswith(run)
    cached = ingested(workspace)
    (three_spans / "span-1" / "b.csv").write_text("text,label\nnew,1\n")
    first, *_ = json.loads(greenlight("data", "list", "--json").stdout)
    assert cached != run and first["runs"] == []


def ingested(workspace: Workspace) -> str:
    """The id of a run of the first stage, on span 1."""
    from tfx.orchestration.beam.beam_dag_runner import BeamDagRunner
    from tfx.orchestration.pipeline import Pipeline

    from components.example_gen.component import TextExampleGen
    from pipeline.lineage.runs import read_run

    settings = load(source="spans", assignments=["data.span=1"])
    stages = Pipeline(
        pipeline_name="reviews",
        pipeline_root=str(workspace.artifacts),
        metadata_connection_config=workspace.metadata.connection_config(),
        components=[TextExampleGen(settings.located_data)],
        enable_cache=True,
        beam_pipeline_args=["--sdk_container_image=unused"],
    )
    BeamDagRunner().run(stages)
    return read_run(workspace.metadata).id


def test_without_a_command_the_help_is_shown(greenlight):
    result = greenlight("data")
    assert result.exit_code == 2
    assert "add" in result.stderr and "list" in result.stderr
    assert "There is no command 'lst'. Did you mean 'list'?" in greenlight("data", "lst").stderr


def test_the_sources_spans_are_those_that_are_listed(greenlight, three_spans):
    elsewhere = load(assignments=["data.source=files:elsewhere/span-{SPAN}/*"])
    assert list_spans(elsewhere) == []
    for source in ("packaged", "spans"):
        assert [span.number for span in list_spans(load(source=source))] == [1, 3, 4]


def test_listing_and_landing_import_nothing_heavy(tmp_path):
    (tmp_path / "a.csv").write_text("text,label\nfine,1\ndull,0\n")
    codes, packages = packages_of(["data", "add", "a.csv"], ["data", "list"], folder=tmp_path)
    assert (codes, packages & {"tensorflow", "apache_beam", "tfx", "ml_metadata"}) == ([0, 0], set())
