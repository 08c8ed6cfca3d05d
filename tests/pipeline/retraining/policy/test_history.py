"""What the records of a journal add up to, record by record."""

import datetime

import pytest

from pipeline.retraining.policy.clock import Timestamp
from pipeline.retraining.policy.history import Attempt, History, span_cause
from pipeline.retraining.policy.records import (
    Compared,
    Decided,
    Decision,
    Ended,
    Examination,
    Examined,
    Record,
    Released,
    RolledBack,
    SpanContent,
    Watching,
)

ONE, TWO, THREE = (SpanContent(number, f"content {number}") for number in (1, 2, 3))
START = datetime.datetime(2026, 3, 2, 12, tzinfo=datetime.UTC)


def at(hour: int) -> Timestamp:
    return Timestamp(START + datetime.timedelta(hours=hour))


def history(*contents) -> History:
    """One record an hour."""
    return History(Record(at(hour), content) for hour, content in enumerate(contents))


def run_of(*spans, cause="cause", trigger="span", due=None) -> Decision:
    return Decision(kind="run", why="new", trigger=trigger, cause=cause, covers=spans, due=due)


def ran(run: str, *spans, verdict="promoted", decision=None, **ended):
    yield Decided(decision=decision or run_of(*spans), run=run)
    yield Ended(run=run, verdict=verdict, **ended)


def refused(run: str, *spans, version="3", **more):
    numbers = [span.number for span in spans]
    more = {"reasons": ("the base set loses",), **more}
    return ran(run, *spans, verdict="refused", refused=numbers, version=version, **more)


def test_a_released_span_whose_rows_could_not_be_used_is_examined_again():
    unusable = Examined(examination=Examination(span=ONE, problem="48 rows have new labels", live=1))
    compared = Examined(examination=Examination(span=TWO, rows=10, accuracy=0.1, live=1))
    released = [Released(span=span, who="me", why="mended") for span in (ONE, TWO)]
    found = history(unusable, compared, *released)
    assert found.examination(ONE, live=1) is None
    assert found.examination(TWO, live=1) == compared.examination


def test_a_run_is_open_until_it_ended_and_ended_when_its_record_says():
    open_run = history(Decided(decision=run_of(ONE), run="r"))
    assert open_run.open_attempt == Attempt("r", run_of(ONE), at(0))

    closed = history(*ran("r", ONE))
    assert closed.open_attempt is None
    assert closed.attempts == [Attempt("r", run_of(ONE), at(0), "promoted", at(1))]
    assert closed.done == {ONE}
    assert closed.last_decision == run_of(ONE)


def test_of_two_runs_the_one_that_ended_is_closed():
    found = history(
        Decided(decision=run_of(ONE), run="a"),
        Decided(decision=run_of(TWO), run="b"),
        Ended(run="b", verdict="promoted"),
    )
    assert [each.verdict for each in found.attempts] == [None, "promoted"]
    assert found.open_attempt.run == "a"


def test_when_a_run_ended_that_another_process_found_is_taken_for_its_start():
    found = history(*ran("r", ONE, verdict="killed", noted="found by the next start"))
    assert found.attempts[0].ended == at(0)


def test_a_run_that_never_started_leaves_nothing_but_the_others():
    found = history(*ran("a", ONE), *ran("b", TWO, verdict="not started"), *ran("c", THREE))
    assert [each.run for each in found.attempts] == ["a", "c"]
    assert found.done == {ONE, THREE}


def test_the_end_of_a_run_that_nobody_decided_on_counts_for_nothing():
    found = history(Ended(run="other", verdict="promoted", set_aside=[1]))
    assert (found.attempts, found.done, found.quarantined) == ([], set(), {})


@pytest.mark.parametrize("verdict", ["failed", "killed"])
def test_runs_that_broke_are_counted_in_a_row_and_by_cause(verdict):
    first, second = run_of(ONE, cause="a"), run_of(TWO, cause="b")
    found = history(
        *ran("1", decision=first, verdict=verdict),
        *ran("2", decision=first, verdict=verdict),
        *ran("3", decision=second, verdict=verdict),
    )
    assert [each.run for each in found.consecutive_failures] == ["1", "2", "3"]
    assert found.failures == {"a": 2, "b": 1}
    assert found.done == set()


def test_a_fault_of_the_machine_holds_runs_back_and_is_not_held_against_the_span():
    found = history(*ran("1", ONE, verdict="failed", machine_fault=True))
    assert len(found.consecutive_failures) == 1
    assert not found.failures


def test_an_interrupted_run_is_neither_broken_nor_concluded():
    found = history(*ran("1", ONE, verdict="failed"), *ran("2", ONE, verdict="interrupted"))
    assert [each.run for each in found.consecutive_failures] == ["1"]
    assert found.failures == {"cause": 1}
    assert found.done == set()


def test_a_verdict_ends_the_row_and_concludes_its_cause():
    found = history(*ran("1", ONE, verdict="failed"), *ran("2", ONE, verdict="refused"))
    assert found.consecutive_failures == []
    assert found.concluded("cause")
    assert not found.concluded("another cause")
    assert not history(*ran("1", ONE, verdict="failed")).concluded("cause")


def test_the_schedule_counts_from_the_first_look_and_then_from_what_was_due():
    assert history(Watching(why="the first decision")).schedule_counts_from == START
    due = run_of(due="2026-03-03T03:00:00+00:00", trigger="schedule")
    found = history(Watching(why="the first decision"), *ran("r", decision=due, verdict="unchanged"))
    assert found.schedule_counts_from == datetime.datetime(2026, 3, 3, 3, tzinfo=datetime.UTC)
    broke = history(Watching(why="the first decision"), *ran("r", decision=due, verdict="failed"))
    assert broke.schedule_counts_from == START


def test_the_last_examination_of_a_span_by_the_live_version_counts():
    seen = [
        Examination(span=ONE, live=3, rows=1),
        Examination(span=ONE, live=3, rows=2),
        Examination(span=ONE, live=2, rows=3),
        Examination(span=TWO, live=3, rows=4),
    ]
    found = history(*(Examined(examination=each) for each in seen))
    assert found.examination(ONE, live=3).rows == 2
    assert found.examination(ONE, live=2).rows == 3
    assert found.examination(THREE, live=3) is None
    assert found.examination(TWO, live=2) is None


def test_a_decision_quarantines_all_that_it_covers_with_its_reason():
    found = history(Decided(decision=Decision(kind="set-aside", why="flipped", covers=(ONE, TWO))))
    assert found.quarantined == {ONE: "flipped", TWO: "flipped"}
    assert found.attempts == []
    assert found.last_decision.why == "flipped"


def test_a_rollback_is_pending_until_it_is_recorded_as_done():
    decision = Decision(kind="rollback", why="worse", version=3)
    assert history(Decided(decision=decision)).pending_rollback == decision
    done = history(Decided(decision=decision), RolledBack(version=3, live=2, why="worse"))
    assert done.pending_rollback is None


def test_a_decision_to_do_nothing_is_no_attempt():
    assert history(Decided(decision=Decision(kind="nothing", why="no span"))).attempts == []


def test_the_last_comparison_with_served_traffic_counts():
    one, two = Compared(live=3, drift=False), Compared(live=3, drift=True)
    assert history(one, two).last_comparison == two


def test_of_a_run_the_spans_that_its_end_names_are_quarantined_with_its_reasons():
    found = history(*ran("r", ONE, TWO, verdict="stopped", set_aside=[2], reasons=("no label", "no text")))
    assert found.quarantined == {TWO: "no label; no text"}
    assert found.refused == {}
    assert found.done == {ONE, TWO}

    silent = history(*ran("r", ONE, verdict="stopped", set_aside=[1]))
    assert silent.quarantined == {ONE: "the run r stopped"}


def test_a_span_that_the_gate_refused_is_quarantined_with_the_version_that_was_live():
    found = history(*refused("r", ONE))
    assert found.refused == {ONE: "3"}
    assert found.quarantined == {ONE: "the gate refused its run r for a loss: the base set loses"}
    assert not found.trials


def trial(run: str, *spans, verdict="promoted", again=()):
    decision = run_of(*spans, trigger="trial", cause=f"trial {run}")
    more = {"refused": [span.number for span in again], "version": "4", "reasons": ("still loses",)}
    return ran(run, decision=decision, verdict=verdict, **more)


def test_a_trial_that_finds_no_loss_brings_a_span_back_and_leaves_the_others():
    found = history(*refused("a", ONE), *refused("b", TWO), *trial("c", ONE))
    assert found.quarantined.keys() == {TWO}
    assert found.refused.keys() == {TWO}
    assert found.trials == {ONE: 1}


def test_each_trial_counts_and_one_that_refuses_keeps_the_span_out():
    found = history(
        *refused("a", ONE),
        *trial("b", ONE, verdict="refused", again=[ONE]),
        *trial("c", ONE, verdict="refused", again=[ONE]),
    )
    assert found.trials == {ONE: 2}
    assert found.refused == {ONE: "4"}
    assert found.quarantined == {ONE: "the gate refused its run c for a loss: still loses"}


def test_a_trial_of_a_span_that_a_person_released_meanwhile_changes_nothing():
    found = history(*refused("a", ONE), Released(span=ONE, who="me", why="right"), *trial("b", ONE))
    assert (found.quarantined, found.refused) == ({}, {})


def test_a_released_span_is_as_new_with_its_labels_vouched_for():
    broke = ran("0", decision=run_of(ONE, cause=span_cause(ONE)), verdict="failed")
    other = ran("1", decision=run_of(TWO, cause=span_cause(TWO)), verdict="failed")
    found = history(
        *broke,
        *other,
        *refused("a", ONE),
        *refused("b", TWO),
        Released(span=ONE, who="me", why="the labels are right"),
    )
    assert found.quarantined.keys() == {TWO}
    assert found.refused.keys() == {TWO}
    assert found.done == {TWO}
    assert found.released == {ONE}
    assert found.failures[span_cause(ONE)] == 0
    assert found.failures[span_cause(TWO)] == 1


def test_a_release_of_a_span_that_was_never_quarantined_is_recorded_too():
    found = history(Released(span=ONE, who="me", why="checked by hand"))
    assert (found.released, found.quarantined, found.done) == ({ONE}, {}, set())


def test_equal_content_under_a_number_is_one_cause():
    assert span_cause(ONE) == "span 1 content 1"
    assert span_cause(SpanContent(1, "other")) != span_cause(ONE)
