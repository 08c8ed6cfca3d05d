"""Deciding and doing, with real processes in the place of runs: what is recorded, told, and resumed."""

import errno
import os
import signal
import threading

import pytest

from components.errors import GreenlightError, MachineFault
from pipeline.retraining import attempts
from pipeline.retraining.journal import Journal
from pipeline.retraining.notifier import history_line


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


def test_flipped_labels_are_quarantined_reported_and_read_by_no_later_run(bench):
    one = bench()
    one.live = (4, 3)
    one.accuracy[2] = {"accuracy": 0.12}
    for number in (1, 2, 3):
        one.land(number)
    retrainer = one.retrainer()
    kinds = [retrainer.step().decision.kind for _ in range(4)]
    assert kinds == ["run", "set-aside", "run", "nothing"]
    assert one.run_settings.data.without_spans == (2,)
    stopped = next(alert for alert in one.alerts() if alert["event"] == "stopped")
    assert stopped["title"] == "imdb: span 2 is quarantined, nothing was trained on it"
    assert stopped["version"] == "4"
    assert "agrees with 12.0% of the 400 labels of span 2" in stopped["reasons"][0]


def test_a_span_that_cannot_be_read_is_quarantined_with_the_reason(bench):
    one = bench()
    one.land(1)
    one.accuracy[1] = {"problem": "reviews.csv has no column 'label'"}
    step = one.retrainer().step()
    assert (step.decision.kind, step.decision.why) == ("set-aside", "reviews.csv has no column 'label'")
    assert one.started() == []


def test_a_verdict_that_a_full_disk_did_not_take_counts_as_it_was_printed(bench):
    one = bench()
    one.plan = {"prints": {"verdict": "refused", "reasons": ["accuracy is down"], "version": "1"}, "code": 3}
    one.land(1)
    ended = one.retrainer().step().ended
    assert (ended.verdict, ended.exit_code, ended.reasons) == ("refused", 3, ("accuracy is down",))


@pytest.mark.parametrize("printed", [{"verdict": "refused"}, {"verdict": "failed"}, {"verdict": "odd"}, {}])
def test_what_does_not_fit_the_exit_code_is_no_verdict(bench, printed):
    one = bench()
    one.plan = {"prints": {**printed, "error": "it broke"}, "code": 1}
    one.land(1)
    ended = one.retrainer().step().ended
    assert (ended.verdict, ended.reasons) == ("failed", ("it broke",))


def test_a_disk_that_takes_nothing_is_said_and_does_not_end_the_watcher(bench, monkeypatch):
    one = bench()
    one.land(1)
    retrainer = one.retrainer()

    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(attempts, "start", full)
        with pytest.raises(MachineFault, match=r"The disk (took no more|is full)"):
            retrainer.step()
    assert retrainer.step().decision.kind == "run"


def test_a_released_span_is_run_after_all(bench):
    from pipeline.retraining.release import release

    one = bench()
    one.live = (4, 3)
    one.land(1)
    one.accuracy[1] = {"accuracy": 0.12}
    watcher = one.retrainer()
    assert watcher.step().decision.kind == "set-aside"
    release(one.paths, 1, who="me@here", why="the scale was turned round", now=one.now())
    assert watcher.step().decision.kind == "run"


def test_a_span_that_the_data_check_stopped_on_is_left_out_of_later_runs(bench):
    one = bench()
    one.plan = {"verdict": "stopped", "reasons": ["train: one class"], "code": 4}
    one.land(1)
    retrainer = one.retrainer()
    assert retrainer.step().ended.exit_code == 4
    one.plan = {"verdict": "refused"}
    one.land(2)
    assert retrainer.step().decision.why == "span 2 is new"
    assert one.run_settings.data.without_spans == (1,)


def test_a_span_that_was_too_few_is_read_again_with_the_next_one(bench):
    one = bench()
    one.plan = {
        "verdict": "stopped",
        "error_kind": "TooFewReviews",
        "reasons": ["whatever it says"],
        "code": 4,
    }
    one.land(1)
    retrainer = one.retrainer()
    ended = retrainer.step().ended
    assert (ended.exit_code, ended.set_aside) == (4, ())
    one.land(2)
    assert retrainer.step().decision.why == "span 2 is new"
    assert (one.run_settings.data.span, one.run_settings.data.without_spans) == (2, ())


LOSS = {"metric": "accuracy", "slice": "overall", "kind": "change", "value": -0.03, "passed": False}
NO_COMPARISON = LOSS | {"value": None}
FLOOR = {"metric": "accuracy", "slice": "overall", "kind": "floor", "value": 0.8, "passed": False}


def test_a_span_whose_run_the_gate_refused_for_a_loss_does_not_come_back_silently(bench):
    one = bench("retrain.refused_trials=0")
    one.live = (1, None)
    one.plan = {"verdict": "refused", "gate": [LOSS], "reasons": ["accuracy is 0.03 lower"], "code": 3}
    for number in (1, 2):
        one.land(number)
    retrainer = one.retrainer()
    ended = [retrainer.step().ended for _ in range(2)]
    assert [(each.set_aside, each.refused) for each in ended] == [((1,), (1,)), ((2,), (2,))]
    assert "span 2 is quarantined, since the gate refused its run for a loss" in one.said[-1]
    assert "retrain --release 2" in one.alerts()[-1]["reasons"][-1]

    one.plan = {"verdict": "promoted", "version": "2"}
    one.land(3)
    decision = one.retrainer().step().decision
    assert decision.why == "span 3 is new; without spans 1, 2, which the gate refused for a loss"
    assert (decision.without, decision.refused) == ((1, 2), (1, 2))
    assert one.run_settings.data.without_spans == (1, 2)
    history = [history_line(record) for record in Journal(one.paths.journal).records()]
    assert any("span 1 is quarantined, since the gate refused" in line for line in history)
    one.live = (2, 1)
    assert one.retrainer().step().decision.kind == "nothing"


@pytest.mark.parametrize("gate", [[NO_COMPARISON], [FLOOR], []])
def test_a_refusal_for_another_reason_than_a_loss_says_nothing_of_the_span(bench, gate):
    one = bench()
    one.plan = {"verdict": "refused", "gate": gate, "code": 3}
    one.land(1)
    retrainer = one.retrainer()
    assert retrainer.step().ended.set_aside == ()
    one.land(2)
    retrainer.step()
    assert one.run_settings.data.without_spans == ()


def test_a_person_releases_a_span_that_the_gate_refused(bench):
    from pipeline.retraining.release import release

    one = bench()
    one.live = (1, None)
    one.plan = {"verdict": "refused", "gate": [LOSS], "code": 3}
    one.land(1)
    retrainer = one.retrainer()
    retrainer.step()
    release(one.paths, 1, who="me@here", why="the labels were looked at", now=one.now())
    one.plan = {"verdict": "promoted"}
    decision = retrainer.step().decision
    assert (decision.kind, decision.newest, decision.without) == ("run", 1, ())


@pytest.mark.parametrize(("gate", "comes_back"), [([LOSS], False), ([FLOOR], True)])
def test_a_refused_span_is_tried_again_apart_after_another_promotion(bench, gate, comes_back):
    one = bench()
    one.live = (1, None)
    one.plan = {"verdict": "refused", "gate": [LOSS], "code": 3}
    one.land(1)
    retrainer = one.retrainer()
    retrainer.step()
    assert retrainer.step().decision.kind == "nothing"  # nothing has come since
    one.plan = {"verdict": "promoted", "version": "2"}
    one.land(2)
    retrainer.step()
    one.live, one.plan = (2, 1), {"verdict": "refused", "gate": gate, "version": "2", "code": 3}

    trial = retrainer.step()
    assert (trial.decision.trigger, trial.decision.newest, trial.decision.without) == ("trial", 2, ())
    assert trial.decision.why.startswith("span 1, which the gate refused for a loss, is tried again")
    assert trial.ended.refused == (() if comes_back else (1,))
    one.live = (3, 2)
    assert retrainer.step().decision.kind == "nothing"  # as often as the setting says
    one.land(3)
    retrainer.step()
    assert one.run_settings.data.without_spans == (() if comes_back else (1,))


def test_the_machine_s_faults_do_not_count_against_a_span(bench):
    one = bench("retrain.max_attempts=1", "retrain.backoff_minutes=0")
    one.land(1)
    retrainer = one.retrainer()
    for plan in ({"dies": True}, {"verdict": "failed", "machine_fault": True, "code": 1}):
        one.plan = plan
        step = retrainer.step()
        assert (step.decision.kind, step.ended.machine_fault) == ("run", True)
    one.plan = {"code": 1, "error": "no"}
    assert [retrainer.step().decision.kind for _ in range(2)] == ["run", "set-aside"]


def test_a_span_that_not_even_its_own_model_knows_is_left_out_of_later_runs_and_another_is_not(bench):
    one = bench()
    failed = {"slice": "span:1", "kind": "floor", "passed": False}
    one.plan = {"verdict": "refused", "reasons": ["or their labels are wrong"], "gate": [failed]}
    one.land(1)
    retrainer = one.retrainer()
    assert retrainer.step().ended.set_aside == (1,)
    assert one.said[-1].endswith("or their labels are wrong; span 1 is quarantined")
    one.plan = {"verdict": "refused", "gate": [failed | {"slice": "span:2", "kind": "examples"}]}
    one.land(2)
    retrainer.step()
    one.land(3)
    retrainer.step()
    assert one.run_settings.data.without_spans == (1,)


def test_a_run_that_broke_is_tried_again_after_the_back_off(bench):
    one = bench()
    one.plan = {"code": 1, "error": "the disk is on fire"}
    one.land(1)
    ended = one.retrainer().step().ended
    assert (ended.verdict, ended.reasons) == ("failed", ("the disk is on fire",))
    waiting = one.retrainer().step().decision
    assert waiting.kind == "wait"
    assert waiting.why == "span 1 is new, but the last run broke; the next try is in 5 min"
    one.later(minutes=6)
    one.plan = {"verdict": "promoted"}
    assert one.retrainer().step().ended.verdict == "promoted"
    assert [alert["event"] for alert in one.alerts()] == ["failed", "promoted"]


def test_a_run_that_was_killed_counts_as_broken(bench):
    one = bench()
    one.plan = {"dies": True}
    one.land(1)
    ended = one.retrainer().step().ended
    assert (ended.verdict, ended.exit_code) == ("killed", 1)
    assert ended.reasons[0].startswith("ended by SIGKILL")


@pytest.mark.parametrize(("live", "words"), [(4, "version 4 is live"), (None, "no version is live")])
@pytest.mark.parametrize("plan", [{"dies": True}, {"code": 1, "error": "no room"}])
def test_a_run_that_leaves_no_result_says_which_version_stays_live(bench, plan, live, words):
    one = bench()
    one.live, one.plan = (live, None), plan
    one.land(1)
    ended = one.retrainer().step().ended
    assert ended.version == (live and str(live))
    assert f"  {ended.verdict}: {words}; " in one.said[-1]
    (alert,) = one.alerts()
    assert alert["version"] == (live and str(live))
    assert alert["title"] == f"imdb: failed, {words} (span 1 is new)"


def test_a_store_that_cannot_be_read_does_not_keep_the_end_of_a_run_from_being_recorded(bench, monkeypatch):
    one = bench()
    one.plan = {"dies": True}
    one.land(1)
    retrainer, versions = one.retrainer(), iter([(4, None)])

    def read(*_):
        if (found := next(versions, None)) is None:
            raise GreenlightError("the store is damaged")
        return found

    monkeypatch.setattr("pipeline.retraining.observer.live_and_previous", read)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("pipeline.retraining.retrainer.to_examine", lambda *_: None)
        ended = retrainer.step().ended
    assert (ended.verdict, ended.version, ended.reasons[-1]) == ("killed", None, "the store is damaged")
    assert one.journal()[-1]["kind"] == "ended"


def test_a_span_whose_runs_break_again_and_again_is_quarantined_so_that_the_next_has_its_turn(bench):
    one = bench("retrain.max_attempts=2", "retrain.backoff_minutes=0")
    one.plan = {"code": 1, "error": "no"}
    one.land(1)
    one.land(2)
    retrainer = one.retrainer()
    decisions = [retrainer.step().decision for _ in range(3)]
    assert [decision.kind for decision in decisions] == ["run", "run", "set-aside"]
    assert decisions[2].why == "2 runs of it broke; their logs say why"
    assert retrainer.step().decision.why == "span 2 is new"


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
    assert one.said[-1].endswith("  interrupted: version 4 is live; told to end")
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


def test_a_rehearsal_writes_nothing(bench):
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


# --- after a crash of the watcher: the journal has an intent and no outcome


def crashed(one):
    """A watcher that was killed right after it had started a run; returns the run's process."""
    from pipeline.retraining import attempts
    from pipeline.retraining.policy.records import Decided
    from pipeline.workspace.layout import new_run_id

    one.land(1)
    retrainer = one.retrainer()
    retrainer._catch_up()
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
    assert (waiting.kind, waiting.why) == ("wait", f"the run {run_id} is not over")
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
    assert "  killed: version 4 is live; found at the next start; " in one.said[0]
    one.later(minutes=6)
    assert one.retrainer().step().ended.verdict == "refused"
    assert len(one.started()) == 2


def test_a_run_whose_watcher_died_before_it_began_costs_nothing(bench, monkeypatch):
    from pipeline.retraining import attempts

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
    assert [line.getMessage().split(": ")[1] for line in caplog.records if "passed over" in line.msg] == [
        "a line that cannot be read is passed over"
    ]


def test_a_torn_last_line_is_as_if_it_had_never_been_written(bench):
    one = bench()
    one.land(1)
    one.retrainer().step()
    with one.paths.journal.open("ab") as journal:
        journal.write(b'{"kind": "decided", "at": "2026-03-02T0')
    one.land(2)
    assert one.retrainer().step().decision.why == "span 2 is new"
    assert one.retrainer().step().decision.kind == "nothing"


def test_what_cannot_be_recorded_is_not_done(bench):
    one = bench()
    one.land(1)
    one.paths.folder.mkdir(parents=True)
    one.paths.journal.mkdir()
    with pytest.raises(GreenlightError, match=r"The journal .* cannot be read: Is a directory"):
        one.retrainer().step()
    assert one.started() == []


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
    monkeypatch.setattr(retrainer, "_catch_up", one.stop.set)
    watch(retrainer, poll_seconds=1, stop=one.stop, notifier=retrainer._notifier)
    assert (one.said, one.paths.journal.exists()) == ([], False)


def test_the_name_of_a_file_need_not_be_utf_8(bench):
    one = bench("retrain.settle_seconds=0")
    one.land(1)
    (file,) = (one.folder / "spans" / "span-1").iterdir()
    odd = os.path.join(os.path.dirname(os.fsencode(file)), b"caf\xe9.csv")
    os.rename(file, odd)
    one.accuracy[1] = {"problem": f"{os.fsdecode(odd)} has no column 'label'"}
    assert one.retrainer().step().decision.kind == "set-aside"
    assert (
        one.journal()[-1]["decision"]["why"] == one.alerts()[-1]["reasons"][0] == one.accuracy[1]["problem"]
    )
