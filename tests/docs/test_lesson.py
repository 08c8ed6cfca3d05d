"""The lesson as a notebook: it runs from top to bottom, and its stored outputs are small, of no machine."""

from pathlib import Path

import nbclient
import nbformat
import pytest

LESSON = Path(__file__).parents[2] / "docs" / "lesson.ipynb"


@pytest.fixture
def lesson():
    return nbformat.read(LESSON, as_version=4)


def outputs(notebook):
    return [output for cell in notebook.cells for output in cell.get("outputs", ())]


def test_the_stored_outputs_are_those_of_one_run_and_small(lesson):
    nbformat.validate(lesson)
    code = [cell for cell in lesson.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    assert LESSON.stat().st_size < 50_000
    assert {output.output_type for output in outputs(lesson)} <= {"stream", "execute_result"}
    assert not any(output.get("name") == "stderr" for output in outputs(lesson))
    text = LESSON.read_text(encoding="utf-8")
    assert "PROMOTED" in text and "below the floor" in text
    assert "/tmp/" not in text and "/home/" not in text


@pytest.mark.proof
def test_the_lesson_runs(lesson, tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(LESSON.parents[1]))
    resources = {"metadata": {"path": str(tmp_path)}}
    nbclient.NotebookClient(lesson, timeout=1200, kernel_name="python3", resources=resources).execute()
    assert any("PROMOTED" in output.get("data", {}).get("text/markdown", "") for output in outputs(lesson))
    assert (tmp_path / "workspace" / "serving").is_dir()
