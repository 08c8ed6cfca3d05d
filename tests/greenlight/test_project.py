"""`greenlight.load`: runs, versions and predictions of a workspace."""

import pytest

import greenlight
from pipeline.results.outcome import RunResult
from pipeline.workspace.layout import Workspace


@pytest.fixture
def project(small_workspace, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    return greenlight.load(small_workspace)


def test_the_live_version_answers_in_the_order_of_the_texts(project):
    with project.live as live:
        found = live.predict(["good good good", "nothing"])
        assert live.predict([]) == []
    assert [each.label for each in found] == ["positive", "negative"]
    assert found[0].probability > 0.5 > found[1].probability and {each.version for each in found} == {1}


@pytest.mark.parametrize("texts", ["one text", [b"bytes"], [None], ["a text", 3]])
def test_what_is_not_a_list_of_texts_is_a_type_error(project, texts):
    with project.live as live, pytest.raises(TypeError, match="a list of texts"):
        live.predict(texts)


def test_a_version_whose_files_were_changed_is_not_loaded(project, small_workspace):
    (graph,) = small_workspace.rglob("1/saved_model.pb")
    graph.write_bytes(graph.read_bytes() + b"more")
    with pytest.raises(greenlight.GreenlightError, match="does not match its manifest"):
        _ = project.live


def test_an_empty_workspace_has_no_runs_and_no_version(tmp_path):
    project = greenlight.load(tmp_path / "nothing")
    assert len(project.runs) == 0 and project.versions == []
    assert list(project.runs.to_pandas().columns) == ["verdict", "accuracy", "version", "seconds", "approval"]
    with pytest.raises(greenlight.InputError, match="There is no version in"):
        _ = project.live
    with pytest.raises(greenlight.InputError, match="There is no version in"):
        project.version(3)


def test_runs_are_a_sequence_and_a_table(project):
    workspace = Workspace.at(project.settings.workspace)
    for run, verdict in (("20260101-000000.000001", "promoted"), ("20260102-000000.000001", "refused")):
        result = RunResult(verdict=verdict, version="1", run=run, metrics={"accuracy": 0.9}, seconds=2.5)
        result.save(workspace.result(run))
    (workspace.run("20260103-000000.000001")).mkdir()
    runs = project.runs
    assert len(runs) == 3 and runs[0].result.verdict == "promoted" and runs[-1].result is None
    table = runs.to_pandas()
    assert table["verdict"].tolist() == ["promoted", "refused", "unfinished"]
    assert table["version"].tolist() == ["1", None, None]
    assert "<table" in runs._repr_html_() and repr(runs) == "<3 runs>"


def test_another_model_of_the_workspace_is_named(small_workspace, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    (small_workspace / "serving" / "imdb_sentiment").rename(small_workspace / "serving" / "mails")
    with pytest.raises(greenlight.InputError, match="There is: mails"):
        _ = greenlight.load(small_workspace).live
    with greenlight.load(small_workspace, model_name="mails").live as live:
        assert live.number == 1


def test_the_version_of_a_result_names_a_version_whether_text_or_number(project):
    result = greenlight.Result(verdict="promoted", version="1")
    assert result.version_number == 1 and greenlight.Result(verdict="refused").version_number is None
    for number in (result.version, result.version_number):
        with project.version(number) as version:
            assert version.predict(["good"])[0].version == result.version_number
    with pytest.raises(greenlight.InputError, match="expected the number of a version, and not 'one'"):
        project.version("one")


def test_a_version_is_shown_in_one_line_without_its_manifest(project):
    (version,) = project.versions
    shown = repr(version)
    assert shown.startswith("Version(number=1, state='live'") and "manifest" not in shown
    assert len(shown) < 400 and version.manifest is not None
