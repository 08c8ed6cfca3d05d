"""A version store of a newer release: wherever it is read, one sentence that says to update Greenlight."""

import json
from types import SimpleNamespace

import processes
import pytest

from components.errors import GreenlightError
from pipeline import drift
from pipeline.config import load
from pipeline.lineage import runs
from pipeline.retraining import attempts, observer
from pipeline.retraining.paths import Paths
from pipeline.retraining.policy.records import Decision
from pipeline.workspace.layout import Workspace

WORDS = "store.json has format 99, and this Greenlight supports stores up to 1: update Greenlight"


@pytest.fixture
def settings(tmp_path):
    """Of a workspace whose store a newer release has written."""
    made = load(assignments=[f"workspace={tmp_path}/workspace"])
    make_newer(made)
    return made


def make_newer(settings):
    identity = Workspace.of(settings).serving(settings.model_name) / ".greenlight" / "store.json"
    identity.parent.mkdir(parents=True, exist_ok=True)
    identity.write_text(json.dumps({"format": 99, "id": "x"}))


def test_the_live_version_cannot_be_told(settings):
    workspace = Workspace.of(settings)
    with pytest.raises(GreenlightError, match=WORDS):
        observer.live_and_previous(settings, Paths(workspace))
    with pytest.raises(GreenlightError, match=WORDS):
        observer.live_and_previous_versions(settings, workspace)


def test_drift_cannot_be_measured(settings):
    with pytest.raises(GreenlightError, match=WORDS):
        drift.compare(settings, drift.ServedInput())


def test_a_measuring_process_says_it_and_ends_with_1(settings, tmp_path):
    file = tmp_path / "spans" / "span-1" / "reviews.csv"
    file.parent.mkdir(parents=True)
    file.write_text("text,label\na fine film,1\na bad film,0\n")
    kept = tmp_path / "settings.toml"
    source = f"files:{tmp_path}/spans/span-{{SPAN}}/*.csv"
    kept.write_text(f'workspace = "{settings.workspace}"\n[data]\nsource = "{source}"\n')
    done = processes.python("-m", "pipeline.retraining.measuring", str(kept), "span", "1", folder=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.strip().endswith(WORDS)


def test_a_run_whose_watcher_died_is_not_judged_without_the_store(settings, monkeypatch):
    run = SimpleNamespace(stage=lambda name: SimpleNamespace(state="complete"))
    monkeypatch.setattr(runs, "read_run", lambda *_: run)
    with pytest.raises(GreenlightError, match=WORDS):
        attempts._from_lineage("20261122-101500.000001", settings, Paths(Workspace.of(settings)))


def test_a_decided_rollback_waits_for_the_update(bench):
    one = bench()
    make_newer(one.settings)
    with pytest.raises(GreenlightError, match=WORDS):
        one.retrainer()._roll_back(Decision(kind="rollback", why="worse", version=2))
