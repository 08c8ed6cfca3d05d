"""The pod of the exit handler: the alert of each kind of run, and receivers that do not accept it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from components.errors import GreenlightError
from pipeline.kubeflow import results
from pipeline.kubeflow.exit import alert
from pipeline.results.outcome import RunResult
from pipeline.settings.alerts import AlertSettings

ROOT = Path(__file__).parents[4]
KEEP = "import pathlib, sys; pathlib.Path(sys.argv[1]).open('a').write(sys.stdin.read())"
FAIL = "import sys; sys.exit('no pager today')"


@pytest.fixture
def store(tmp_path):
    return str(tmp_path / "serving" / "imdb_sentiment")


@pytest.fixture
def told(tmp_path):
    """The receiver of alerts: a program that appends each to a file."""
    return tmp_path / "told.jsonl"


def started(run, store, *command, **settings):
    """The pod's process."""
    alerts = json.dumps({"command": [sys.executable, "-c", *command], "log": False, **settings})
    module = ["-m", "pipeline.kubeflow.exit.alert", "--run", run, "--store", store, "--model", "reviews"]
    return subprocess.run(
        [sys.executable, *module, "--alerts", alerts],
        env={"PATH": os.defpath, "PYTHONPATH": str(ROOT), "TMPDIR": str(Path(store).parents[1])},
        capture_output=True,
        text=True,
        timeout=200,
    )


@pytest.mark.proof
def test_the_alert_of_a_run_has_its_verdict_and_its_reasons(store, told):
    reasons = ("accuracy 0.81, below 0.85",)
    results.save(RunResult(verdict="refused", run="run-1", version="4", reasons=reasons), store)
    done = started("run-1", store, KEEP, str(told))
    assert (done.returncode, done.stderr) == (0, "")
    (line,) = told.read_text().splitlines()
    sent = json.loads(line)
    assert (sent["event"], sent["run"], sent["version"]) == ("refused", "run-1", "4")
    assert sent["title"] == "reviews: refused, version 4 stays live"
    assert sent["reasons"] == list(reasons)


def sent_for(result, store, told, **settings):
    alerts = AlertSettings(command=(sys.executable, "-c", KEEP, str(told)), log=False, **settings)
    alert.send(result, alerts, model="reviews", store=store, folder=told.parent / "alerts")
    return [json.loads(line) for line in told.read_text().splitlines()] if told.exists() else []


def test_a_run_without_a_result_has_failed(store, told):
    (sent,) = sent_for(alert.result_of("run-2", store), store, told)
    assert (sent["event"], sent["id"]) == ("failed", "run-2-failed")
    assert sent["title"] == f"reviews: failed, {alert.NO_RESULT}"


def test_a_result_that_cannot_be_read_does_not_prevent_the_alert(store, told):
    path = Path(results.path_of(store, "run-3"))
    path.parent.mkdir(parents=True)
    path.write_text("{")
    (sent,) = sent_for(alert.result_of("run-3", store), store, told)
    assert sent["event"] == "failed"
    assert str(path) in sent["title"]


@pytest.mark.parametrize(
    ("result", "settings"),
    [
        (RunResult(verdict="unchanged", run="run-4", version="4"), {}),
        (RunResult(verdict="promoted", run="run-4", version="4"), {"events": ["refused"]}),
    ],
)
def test_what_is_not_an_event_is_not_sent(store, told, result, settings):
    assert sent_for(result, store, told, **settings) == []


def test_a_receiver_that_does_not_accept_it_fails_the_task(store, tmp_path):
    alerts = AlertSettings(command=(sys.executable, "-c", FAIL), log=False)
    with pytest.raises(GreenlightError) as caught:
        alert.send(
            RunResult(verdict="failed", run="run-5", error="Trainer: no memory"),
            alerts,
            model="reviews",
            store=store,
            folder=tmp_path / "alerts",
            patience_seconds=0,
        )
    assert str(caught.value) == (
        "The alert of run run-5 was not delivered by command within 0 s. The lines above say why."
    )


def test_a_receiver_that_accepts_it_later_gets_it_once(store, tmp_path, told):
    """The first delivery fails, as while a proxy starts."""
    flag = tmp_path / "was-asked"
    second = (
        "import pathlib, sys\n"
        "flag = pathlib.Path(sys.argv[2])\n"
        "flag.exists() or (flag.touch(), sys.exit('not yet'))\n"
        "pathlib.Path(sys.argv[1]).open('a').write(sys.stdin.read())"
    )
    alerts = AlertSettings(
        command=(sys.executable, "-c", second, str(told), str(flag)), log=False, retry_seconds=0.1
    )
    alert.send(
        RunResult(verdict="promoted", run="run-6", version="5"),
        alerts,
        model="reviews",
        store=store,
        folder=tmp_path / "alerts",
    )
    assert len(told.read_text().splitlines()) == 1
