"""A watcher that starts again: the runs that it finds in its journal, and a journal that is not whole."""

import os
import signal
import threading

import pytest

from components.errors import GreenlightError
from pipeline.retraining import attempts


def crashed(one):
    """A watcher that was killed right after it had started a run; returns the run's process."""
    from pipeline.retraining.policy.records import Decided
    from pipeline.workspace.layout import new_run_id

    one.land(1)
    retrainer = one.retrainer()
    retrainer._recover()
    decision, run_id = retrainer._decide(), new_run_id()
    retrainer._record(Decided(decision=decision, run=run_id))
    return attempts.start(one.settings, run_id, one.paths), run_id


def test_a_run_that_outlived_its_watcher_is_waited_for_and_its_verdict_counts(bench):
    one = bench()
    one.plan = {"hangs": "listens", "verdict": "promoted"}
    child, run_id = crashed(one)
    one.wait_for("hanging")
    retrainer = one.retrainer()
    waiting = retrainer.step().decision
    assert (waiting.kind, waiting.why) == ("wait", f"run {run_id} is still running")
    (one.settings.workspace / "go on").touch()
    child.wait(threading.Event(), stop_seconds=5)
    assert retrainer.step().decision.kind == "nothing"
    assert len(one.started()) == 1
    assert [alert["event"] for alert in one.alerts()] == ["promoted"]


def test_a_run_that_died_with_its_watcher_is_run_again_after_the_back_off(bench):
    one = bench()
    one.plan = {"hangs": "listens"}
    child, _ = crashed(one)
    one.wait_for("hanging")
    os.kill(child.pid, signal.SIGKILL)
    child.wait(threading.Event(), stop_seconds=5)
    one.plan = {"verdict": "refused"}
    one.live = (4, None)
    assert one.retrainer().step().decision.kind == "wait"
    assert "  killed: version 4 is live; noticed at the next start; " in one.said[0]
    one.later(minutes=6)
    assert one.retrainer().step().ended.verdict == "refused"
    assert len(one.started()) == 2


def test_a_run_whose_watcher_died_before_it_began_costs_nothing(bench, monkeypatch):

    one = bench("retrain.runs_per_day=1")
    start = attempts.start
    monkeypatch.setattr(attempts, "start", lambda *_: None)
    crashed(one)
    monkeypatch.setattr(attempts, "start", start)
    assert one.retrainer().step().ended.verdict == "refused"


def test_a_line_that_cannot_be_read_is_complained_of_once(bench, caplog):
    one = bench()
    one.paths.folder.mkdir(parents=True)
    one.paths.journal.write_text("not a record\n")
    retrainer = one.retrainer()
    for number in (1, 2):
        one.land(number)
        retrainer.step()
        with one.paths.journal.open("a") as journal:
            journal.write("\n")
    retrainer.step()
    assert [line.getMessage().split(": ")[1] for line in caplog.records if "unreadable" in line.msg] == [
        "an unreadable line is ignored"
    ]


def test_a_torn_last_line_is_as_if_it_had_never_been_written(bench):
    one = bench()
    one.land(1)
    one.retrainer().step()
    with one.paths.journal.open("ab") as journal:
        journal.write(b'{"kind": "decided", "at": "2026-03-02T0')
    one.land(2)
    assert one.retrainer().step().decision.why.startswith("span 2 is new")
    assert one.retrainer().step().decision.kind == "nothing"


def test_what_cannot_be_recorded_is_not_done(bench):
    one = bench()
    one.land(1)
    one.paths.folder.mkdir(parents=True)
    one.paths.journal.mkdir()
    with pytest.raises(GreenlightError, match=r"The journal .* cannot be read: Is a directory"):
        one.retrainer().step()
    assert one.started() == []
