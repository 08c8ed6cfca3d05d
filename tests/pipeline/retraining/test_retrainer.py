"""Deciding and doing, with real processes in the place of runs: what is started, recorded and reported."""

import os
import threading
from collections import Counter

import pytest

from components.errors import GreenlightError
from components.example_gen.formats.rows import BadRow, Reason
from components.example_gen.reading import Reading
from pipeline.retraining.journal import Journal
from pipeline.retraining.notifier import history_line
from pipeline.retraining.retrainer import STOPPING

BAD = BadRow("a.csv", 2, Reason.NO_TEXT, "")


def test_a_new_span_is_run_once_and_then_there_is_nothing_to_do(bench):
    one = bench()
    one.land(1)
    step = one.retrainer().step()
    assert (step.decision.kind, step.decision.trigger, step.ended.verdict) == ("run", "span", "refused")
    assert one.run_settings.data.span == 1
    assert one.retrainer().step().decision.kind == "nothing"
    assert len(one.started()) == 1


def test_the_intent_is_on_the_disk_before_the_run_and_the_outcome_after_it(bench):
    one = bench()
    one.land(1)
    one.retrainer().step()
    kinds = [(line["kind"], line.get("run") is not None) for line in one.journal()]
    assert kinds == [("watching", False), ("examined", False), ("decided", True), ("ended", True)]
    decision = one.journal()[2]["decision"]
    assert decision["why"] == "span 1 is new"
    assert decision["evidence"]["rows"] == 400


def test_what_became_of_the_rows_is_said_recorded_and_in_the_history(bench):
    one = bench()
    account = Reading(taken=9, bad=Counter({Reason.NO_TEXT: 1}), first_bad=[BAD]).account()
    one.plan = {"verdict": "refused", "data": account}
    one.accuracy[1] = {"data": account}
    one.land(1)
    assert one.retrainer().step().ended.data == account
    words = "10 rows read, 9 used, 1 left out (1 no text)"
    assert one.said[-1].endswith(f"{words}: a.csv:2: no text")
    assert one.journal()[-1]["data"] == one.journal()[1]["examination"]["data"] == account
    history = [history_line(record) for record in Journal(one.paths.journal).records()]
    assert f"examined   span 1: {words}" in history[1]
    assert history[-1].endswith(f"{words}: a.csv:2: no text")


def test_labels_that_cannot_be_judged_are_named_in_the_decision_and_in_the_history(bench):
    one = bench()
    one.accuracy[1] = {"labels_not_judged": "40 distinct texts of one label; 50 are needed"}
    one.land(1)
    words = "labels that the label check cannot judge (40 distinct texts of one label; 50 are needed)"
    assert one.retrainer().step().decision.why == f"span 1 is new, with {words}"
    history = [history_line(record) for record in Journal(one.paths.journal).records()]
    assert history[1].endswith(words)


def test_spans_are_run_in_order_each_without_those_after_it(bench):
    one = bench()
    for number in (3, 1, 2):
        one.land(number)
    retrainer = one.retrainer()
    newest = []
    for _ in range(3):
        retrainer.step()
        newest.append(one.run_settings.data.span)
    assert newest == [1, 2, 3]


def test_a_changed_span_is_run_again_and_a_touched_one_is_not(bench):
    one = bench("retrain.settle_seconds=0")
    one.land(1)
    one.retrainer().step()
    os.utime(one.folder / "spans" / "span-1" / "reviews.csv", (5, 5))
    assert one.retrainer().step().decision.kind == "nothing"
    one.land(1, "text,label\na fine film,1\nanother,0\n")
    assert one.retrainer().step().decision.why == "span 1 has other content than before"


def test_no_more_runs_are_started_within_a_day_than_the_budget_allows(bench):
    one = bench("retrain.runs_per_day=2")
    for number in (1, 2, 3):
        one.land(number)
    retrainer = one.retrainer()
    assert [retrainer.step().decision.kind for _ in range(3)] == ["run", "run", "wait"]
    assert "retrain.runs_per_day is 2; the next may start in 24.0 h" in one.journal()[-1]["decision"]["why"]
    one.later(hours=25)
    assert retrainer.step().decision.kind == "run"


def test_told_to_stop_it_ends_the_run_and_takes_it_up_again_the_next_time(bench):
    one = bench()
    one.live, one.plan = (4, None), {"hangs": "listens"}
    one.land(1)
    threading.Thread(target=lambda: (one.wait_for("hanging"), one.stop.set())).start()
    assert one.retrainer().step().ended.verdict == "interrupted"
    assert one.said[-1].endswith("  interrupted: version 4 is live; interrupted by a signal")
    assert one.alerts() == []
    one.stop.clear()
    one.plan = {"verdict": "refused"}
    assert one.retrainer().step().decision.kind == "run"


def test_a_run_that_does_not_listen_is_killed_when_its_time_is_over(bench):
    one = bench("retrain.stop_seconds=0.2")
    one.plan = {"hangs": "deaf"}
    one.land(1)
    threading.Thread(target=lambda: (one.wait_for("hanging"), one.stop.set())).start()
    assert one.retrainer().step().ended.verdict == "interrupted"


def test_another_run_in_the_workspace_is_waited_for(bench):
    one = bench()
    one.land(1)
    with one.paths.workspace.exclusively():
        held = one.retrainer().step().decision
    assert (held.kind, held.why) == ("wait", "another run is using the workspace")
    assert one.retrainer().step().decision.kind == "run"


def test_a_dry_run_writes_nothing(bench):
    one = bench()
    one.land(1)
    assert one.retrainer(dry=True).step().decision.kind == "run"
    assert not one.paths.journal.exists()
    assert one.started() == []


def test_repeated_observations_without_news_add_nothing_to_the_journal(bench):
    one = bench()
    retrainer = one.retrainer()
    for _ in range(5):
        retrainer.step()
    assert [line["kind"] for line in one.journal()] == ["watching", "decided"]


def test_one_at_a_time_decides_in_a_workspace(bench):
    one = bench()
    with (
        one.paths.exclusively(),
        pytest.raises(GreenlightError, match="Another `greenlight retrain` is running"),
        one.paths.exclusively(),
    ):
        pass


def test_being_told_to_stop_in_the_middle_of_a_look_is_no_decision(bench, monkeypatch):
    from pipeline.retraining.loop import watch

    one = bench("retrain.settle_seconds=0")
    retrainer = one.retrainer()
    monkeypatch.setattr(retrainer, "_recover", one.stop.set)
    watch(retrainer, poll_seconds=1, stop=one.stop, notifier=retrainer._notifier)
    assert (one.said, one.paths.journal.exists()) == ([], False)


def test_what_goes_wrong_under_the_lock_is_not_blamed_on_the_folder(bench):
    with pytest.raises(BrokenPipeError), bench().paths.exclusively():
        raise BrokenPipeError


def test_a_decision_that_is_no_longer_carried_out_is_not_told(bench, monkeypatch):
    one = bench()
    retrainer = one.retrainer()
    one.land(1)

    decide_on = retrainer._decide_on

    def stopped_meanwhile(seen):
        one.stop.set()
        return decide_on(seen)

    monkeypatch.setattr(retrainer, "_decide_on", stopped_meanwhile)
    assert retrainer.step().decision is STOPPING
    assert one.started() == []
