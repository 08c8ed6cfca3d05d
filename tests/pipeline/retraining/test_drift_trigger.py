"""Drift in served traffic: how often it is asked for, and that it is told once and not at every look."""

import pytest

from pipeline.retraining.model_client import LiveModel

DRIFT = {
    "drift": True,
    "findings": [
        {"name": "length", "exceeded": True, "why": "length: median of 21 words, reference 175"},
        {"name": "labels", "exceeded": False, "why": "labels: as before"},
    ],
    "problem": None,
}
NONE = {"drift": False, "findings": [], "problem": None}


@pytest.fixture
def asked(monkeypatch):
    """What the comparison says, one answer after the other; the last one over and over. Counts in `calls`."""
    answers, calls = [NONE], []

    def served(_):
        calls.append(1)
        return answers[min(len(calls), len(answers)) - 1]

    monkeypatch.setattr(LiveModel, "served", served)
    return answers, calls


def test_it_starts_a_run_and_is_told_once_for_as_long_as_it_lasts(bench, asked):
    answers, _ = asked
    answers[:] = [DRIFT]
    one = bench("retrain.on_drift=true", "data.source=packaged")
    one.live = (3, 2)
    retrainer = one.retrainer()
    step = retrainer.step()
    assert (step.decision.kind, step.decision.trigger) == ("run", "drift")
    for _ in range(3):
        one.later(hours=2)
        assert retrainer.step().decision.kind == "nothing"
    told = [alert for alert in one.alerts() if alert["event"] == "drift"]
    assert len(told) == 1
    assert told[0]["reasons"] == ["length: median of 21 words, reference 175"]
    assert told[0]["title"] == "imdb: the traffic of version 3 has drifted"


def test_drift_that_went_and_came_back_is_told_again(bench, asked):
    answers, _ = asked
    answers[:] = [DRIFT, NONE, DRIFT]
    one = bench("retrain.on_drift=true", "data.source=packaged")
    one.live = (3, 2)
    retrainer = one.retrainer()
    for _ in range(3):
        retrainer.step()
        one.later(hours=2)
    assert [alert["event"] for alert in one.alerts()].count("drift") == 2


def test_it_is_asked_for_no_more_often_than_the_settings_say(bench, asked):
    _, calls = asked
    one = bench("retrain.on_drift=true", "retrain.drift_minutes=60")
    one.live = (3, 2)
    retrainer = one.retrainer()
    for _ in range(5):
        retrainer.step()
        one.later(minutes=20)
    assert len(calls) == 2


def test_without_a_live_model_or_with_the_trigger_off_nobody_asks(bench, asked):
    _, calls = asked
    bench("retrain.on_drift=true").retrainer().step()
    off = bench()
    off.live = (3, 2)
    off.retrainer().step()
    assert calls == []


def test_why_it_cannot_be_said_is_evidence(bench, asked):
    answers, _ = asked
    answers[:] = [NONE | {"problem": "No request of the last 24 hours is in requests"}]
    one = bench("retrain.on_drift=true")
    one.live = (3, 2)
    assert one.retrainer().step().decision.evidence["drift"]["problem"].startswith("No request")


def test_drift_of_a_version_says_nothing_about_the_one_that_followed(bench, asked):
    answers, calls = asked
    answers[:] = [DRIFT, NONE]
    one = bench("retrain.on_drift=true", "data.source=packaged")
    one.live = (3, 2)
    retrainer = one.retrainer()
    assert retrainer.step().decision.trigger == "drift"
    one.live = (4, 3)
    one.later(minutes=1)
    assert retrainer.step().decision.kind == "nothing"
    assert len(calls) == 2, "the new version is compared at once"
