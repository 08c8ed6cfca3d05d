"""Runs that break, die or leave no result: what is recorded, and when they are tried again."""

import errno

import pytest

from components.errors import GreenlightError, MachineFault
from pipeline.retraining import attempts


def test_a_verdict_that_a_full_disk_did_not_take_counts_as_it_was_printed(bench):
    one = bench()
    one.plan = {"prints": {"verdict": "refused", "reasons": ["accuracy is down"], "version": "1"}, "code": 3}
    one.land(1)
    ended = one.retrainer().step().ended
    assert (ended.verdict, ended.exit_code, ended.reasons) == ("refused", 3, ("accuracy is down",))


def test_a_disk_that_takes_nothing_is_said_and_does_not_end_the_watcher(bench, monkeypatch):
    one = bench()
    one.land(1)
    retrainer = one.retrainer()

    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(attempts, "start", full)
        with pytest.raises(MachineFault, match=r"The disk (has too little room|is full)"):
            retrainer.step()
    assert retrainer.step().decision.kind == "run"


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


def test_a_run_that_broke_is_tried_again_after_the_back_off(bench):
    one = bench()
    one.plan = {"code": 1, "error": "the disk is on fire"}
    one.land(1)
    ended = one.retrainer().step().ended
    assert (ended.verdict, ended.reasons) == ("failed", ("the disk is on fire",))
    waiting = one.retrainer().step().decision
    assert waiting.kind == "wait"
    assert waiting.why == "span 1 is new, but the last run failed; the next attempt is in 5 min"
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
    assert decisions[2].why == "2 of its runs failed; see their logs"
    assert retrainer.step().decision.why == "span 2 is new"


@pytest.mark.parametrize("printed", [{"verdict": "refused"}, {"verdict": "failed"}, {"verdict": "odd"}, {}])
def test_what_does_not_fit_the_exit_code_is_no_verdict(bench, printed):
    one = bench()
    one.plan = {"prints": {**printed, "error": "it broke"}, "code": 1}
    one.land(1)
    ended = one.retrainer().step().ended
    assert (ended.verdict, ended.reasons) == ("failed", ("it broke",))
