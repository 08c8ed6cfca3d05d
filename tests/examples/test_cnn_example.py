"""The example of a model of one's own, run in a copy of its folder on a few hundred reviews."""

import json
import shutil
from pathlib import Path

import pytest

from pipeline import config
from pipeline.console.plain import Console
from pipeline.engine import local_runner

EXAMPLE = Path(__file__).parents[2] / "examples" / "cnn"
pytestmark = pytest.mark.timeout(900)
SMALL = ("data.limit=400", "trainer.epochs=1", "gate.min_accuracy=off")


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Runs the pipeline in the folder; the result, and whether each stage was taken from the cache."""
    monkeypatch.chdir(shutil.copytree(EXAMPLE, tmp_path / "cnn"))

    def start(*assignments: str):
        settings = config.load(file=Path("greenlight.toml"), assignments=[*SMALL, *assignments])
        result = local_runner.run(settings, console=Console())
        return result, {stage.name: stage.cached for stage in result.stages}

    return start


@pytest.mark.proof
def test_it_is_trained_and_checked_and_taken_from_the_cache_while_its_file_stays(run):
    result, cached = run()
    assert result.verdict in ("promoted", "refused"), result.error
    assert not cached["Trainer"] and result.epochs == 1
    (canaries,) = Path("workspace/artifacts/InfraValidator/blessing").glob("*/canaries.json")
    checks = json.loads(canaries.read_text())["checks"]
    assert checks and all(not check["problems"] for check in checks), checks

    _, cached = run()
    assert cached["ImdbExampleGen"] and cached["Trainer"]


@pytest.mark.proof
def test_code_that_does_not_import_ends_the_run_before_its_first_stage(run):
    Path("broken.py").write_text("import no_such_package\ndef build(texts): ...\n")
    result, cached = run("trainer.module=broken.py:build")
    assert (result.verdict, result.exit_code, cached) == ("failed", 2, {})
    assert "No module named 'no_such_package' (line 1 of broken.py)" in result.error


def test_its_readme_is_short_and_its_settings_name_its_file():
    assert len((EXAMPLE / "README.md").read_text(encoding="utf-8").splitlines()) <= 12
    assert 'module = "cnn.py:build"' in (EXAMPLE / "greenlight.toml").read_text(encoding="utf-8")
