"""Runs that end before a verdict: bad data, unusable input, a workspace in use, something broken."""

import csv
import functools
import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from small_run import EASY_GATE

from components.errors import GreenlightError, InputError
from pipeline.results.outcome import RunResult
from pipeline.workspace.layout import Workspace

Run = Callable[..., RunResult]


def written(path: Path, labels: Callable[[int], int]) -> str:
    """A source of 300 different reviews with these labels."""
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["text", "label"])
        rows.writerows([f"a film to remember, number {number}", labels(number)] for number in range(300))
    return f"data.source=files:{path}"


@pytest.fixture(scope="module")
def workspace(tmp_path_factory) -> Path:
    """For the runs that stop in the Trainer: the second finds the stages before it in the cache."""
    return tmp_path_factory.mktemp("stopped") / "workspace"


@pytest.fixture(scope="module")
def short(run, workspace) -> Run:
    """Runs the pipeline in `workspace` with one epoch."""
    workspace.mkdir()
    source = written(workspace.with_name("reviews.csv"), lambda number: number % 2)
    return functools.partial(run, source, "trainer.epochs=1", workspace=workspace)


def test_reviews_of_one_class_stop_the_run_before_training(run, tmp_path):
    result = run(written(tmp_path / "reviews.csv", lambda _: 1), workspace=tmp_path / "workspace")
    assert (result.verdict, result.exit_code, result.version) == ("stopped", 4, None), result
    assert any("negative" in reason for reason in result.reasons), result.reasons
    assert "Trainer" not in {stage.name for stage in result.stages}
    assert Path(result.report).is_file()
    assert not (tmp_path / "workspace" / "serving").exists()


def test_a_pattern_without_files_is_the_users_input(run, tmp_path):
    with pytest.raises(InputError, match=r"no file matches .*/none-\*\.csv"):
        run(f"data.source=files:{tmp_path}/none-*.csv", workspace=tmp_path / "workspace")


def test_what_breaks_is_told_in_a_line_and_kept_whole_in_the_log(short, monkeypatch):
    from components.trainer.classifier import signatures

    def break_down(*_: object, **__: object) -> None:
        raise RuntimeError("the disk is on fire")

    monkeypatch.setattr(signatures, "export", break_down)
    result = short()
    assert (result.verdict, result.exit_code) == ("failed", 1), result
    assert "the disk is on fire" in result.error and "Traceback" not in result.error
    assert "Traceback" in Path(result.log).read_text(encoding="utf-8")


def test_a_workspace_in_use_is_not_shared(run, tmp_path):
    place = Workspace.at(tmp_path / "workspace")
    place.create()
    held, free = threading.Event(), threading.Event()

    def hold() -> None:
        with place.exclusively():
            held.set()
            free.wait(30)

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait(30)
    try:
        with pytest.raises(GreenlightError, match="Another run is using the workspace"):
            run(workspace=place.root)
    finally:
        free.set()
        holder.join()


@pytest.mark.proof
def test_ctrl_c_in_a_stage_is_an_interruption_and_no_failure(short, workspace, monkeypatch):
    from components.trainer.classifier import signatures

    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(signatures, "export", interrupt)
    with pytest.raises(KeyboardInterrupt):
        short()
    assert not (workspace / "serving").exists()


def test_a_missing_key_is_found_before_anything_runs(run, tmp_path):
    with pytest.raises(InputError, match=r"push.signing_key = '/nope': the file does not exist"):
        run("push.signing_key=/nope", workspace=tmp_path / "workspace")


def test_a_damaged_lineage_store_is_named_with_a_remedy(run, tmp_path):
    place = Workspace.at(tmp_path / "workspace")
    place.create()
    place.metadata.path.write_bytes(b"\xff" * 5000)
    with pytest.raises(GreenlightError, match=r"metadata.sqlite is damaged.*move it away"):
        run(workspace=place.root)


@pytest.mark.proof
def test_a_run_after_the_store_was_moved_away_writes_beside_the_old_artifacts(
    run, finished_workspace, tmp_path
):
    """As the store's own remedy advises; what is served stays, and is compared with."""
    place = Workspace.at(Path(shutil.copytree(finished_workspace, tmp_path / "workspace")))
    place.metadata.path.rename(tmp_path / "moved.sqlite")
    before = {file: file.read_bytes() for file in place.artifacts.rglob("*") if file.is_file()}
    result = run(*EASY_GATE, workspace=place.root)
    assert (result.verdict, result.version) == ("promoted", "2"), result
    assert {file: file.read_bytes() for file in before} == before
