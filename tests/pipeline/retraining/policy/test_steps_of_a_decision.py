"""The steps of a decision: what is examined, quarantined, rolled back, and which spans a run may read."""

import datetime

import pytest

from pipeline.retraining.policy.clock import Timestamp
from pipeline.retraining.policy.decision import decide, pending, to_examine
from pipeline.retraining.policy.history import History, span_cause
from pipeline.retraining.policy.observation import Drift, Observation, ObservedSpan
from pipeline.retraining.policy.records import (
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
from pipeline.settings.retrain import RetrainSettings

NOW = Timestamp(datetime.datetime(2026, 3, 2, 12, tzinfo=datetime.UTC))
ONE, TWO, THREE = (SpanContent(number, f"content {number}") for number in (1, 2, 3))
ON = RetrainSettings()
OFF = RetrainSettings(on_span=False)


def seen(*keys, not_ready=(), live=3, previous=2, **more) -> Observation:
    spans = [ObservedSpan(key=key, ready=key not in not_ready) for key in keys]
    return Observation(now=NOW, spans=spans, live=live, previous=previous, **more)


def past(*contents) -> History:
    return History(Record(NOW, content) for content in contents)


def examined(key, **facts) -> Examined:
    known = {"rows": 400, "live": 3, "accuracy": 0.9, "previous": 2, "previous_accuracy": 0.9}
    return Examined(examination=Examination(span=key, **known | facts))


def ran(*keys, verdict="promoted", run="r", **ended):
    decision = Decision(kind="run", why="new", trigger="span", cause=span_cause(keys[0]), covers=keys)
    return Decided(decision=decision, run=run), Ended(run=run, verdict=verdict, **ended)


def quarantined(*keys) -> Decided:
    return Decided(decision=Decision(kind="set-aside", why="flipped", covers=keys))


def test_spans_wait_by_their_number_but_those_dealt_with_quarantined_or_unfinished():
    now = seen(THREE, ONE, TWO, not_ready=(TWO,))
    assert [span.key for span in pending(now, past())] == [ONE, THREE]
    assert [span.key for span in pending(now, past(*ran(ONE)))] == [THREE]
    assert [span.key for span in pending(now, past(quarantined(THREE)))] == [ONE]


def test_the_first_span_is_examined_before_its_run_and_all_before_any_other_decision():
    now = seen(ONE, TWO)
    assert to_examine(now, past(), ON).key == ONE
    assert to_examine(now, past(examined(ONE)), ON) is None
    assert to_examine(now, past(examined(ONE)), OFF).key == TWO
    assert to_examine(now, past(examined(ONE), examined(TWO)), OFF) is None
    assert to_examine(seen(), past(), ON) is None


def test_a_span_is_examined_anew_by_another_live_version():
    assert to_examine(seen(ONE), past(examined(ONE, live=2)), ON).key == ONE


def test_an_open_run_is_waited_for_before_all_else():
    rollback = Decided(decision=Decision(kind="rollback", why="worse", version=3))
    decision = decide(seen(ONE), past(rollback, ran(ONE)[0]), ON)
    expected = ("wait", "run r is still running", {"run": "r"})
    assert (decision.kind, decision.why, decision.evidence) == expected


def test_a_rollback_that_was_decided_on_is_done_before_anything_is_quarantined():
    rollback = Decision(kind="rollback", why="worse", version=3)
    assert decide(seen(ONE), past(examined(ONE, accuracy=0.1), Decided(decision=rollback)), ON) == rollback
    done = past(
        examined(ONE, accuracy=0.1), Decided(decision=rollback), RolledBack(version=3, live=2, why="")
    )
    assert decide(seen(ONE), done, ON).kind == "set-aside"


def test_a_span_with_a_defect_is_quarantined_with_its_evidence():
    decision = decide(seen(ONE, TWO), past(examined(ONE), examined(TWO, problem="no label")), ON)
    assert (decision.kind, decision.trigger, decision.why, decision.covers) == (
        "set-aside", "span", "no label", (TWO,),
    )  # fmt: skip
    assert decision.evidence["problem"] == "no label"


def test_only_what_the_live_version_saw_quarantines_a_span():
    assert decide(seen(ONE), past(examined(ONE), examined(ONE, live=2, accuracy=0.1)), ON).kind == "run"


def test_labels_that_a_person_vouched_for_are_not_suspected():
    released = Released(span=ONE, who="me", why="they are right")
    assert decide(seen(ONE), past(examined(ONE, accuracy=0.1), released), ON).kind == "run"
    assert decide(seen(ONE), past(examined(ONE, accuracy=0.1)), ON).kind == "set-aside"


@pytest.mark.parametrize(("attempts", "kind"), [(2, "set-aside"), (3, "wait")])
def test_a_span_whose_runs_broke_too_often_is_quarantined(attempts, kind):
    broke = [*ran(ONE, verdict="failed", run="a"), *ran(ONE, verdict="failed", run="b")]
    decision = decide(seen(ONE), past(*broke, examined(ONE)), RetrainSettings(max_attempts=attempts))
    assert decision.kind == kind
    if kind == "set-aside":
        assert decision.why == "2 of its runs failed; see their logs"
        assert decision.covers == (ONE,)
        unexamined = decide(seen(ONE), past(*broke), RetrainSettings(max_attempts=attempts))
        assert unexamined.evidence == {"broken": 2}


WORSE = examined(ONE, live_only=0, previous_only=40)


def test_a_live_model_that_is_worse_than_the_one_before_is_rolled_back_with_the_evidence():
    decision = decide(seen(), past(WORSE), ON)
    assert (decision.kind, decision.trigger, decision.version) == ("rollback", "decay", 3)
    assert decision.why.startswith(
        "on span 1, newer than its promotion, version 3 is 0.1000 less accurate than"
    )
    assert (decision.evidence["live"], decision.evidence["previous"], decision.evidence["rows"]) == (
        3,
        2,
        400,
    )


@pytest.mark.parametrize(
    ("versions", "settings", "records"),
    [
        ({"live": None}, ON, [WORSE]),
        ({"previous": None}, ON, [WORSE]),
        ({}, RetrainSettings(auto_rollback=False), [WORSE]),
        ({"live": 4}, ON, [WORSE]),
        ({"previous": 1}, ON, [WORSE]),
        ({}, ON, [WORSE, quarantined(ONE)]),
    ],
    ids=["no live", "no previous", "switched off", "another live", "another previous", "quarantined"],
)
def test_nothing_is_rolled_back_without_evidence_about_these_two_versions(versions, settings, records):
    assert decide(seen(**versions), past(*records), settings).kind == "nothing"


def scheduled(*contents, spans=(ONE, TWO, THREE), not_ready=(), **more) -> Decision:
    watching = Record(Timestamp(NOW.at - datetime.timedelta(days=3)), Watching(why="the first decision"))
    records = [watching, *(Record(NOW, content) for content in contents)]
    settings = RetrainSettings(on_span=False, schedule="0 3 * * *", refused_trials=0)
    return decide(seen(*spans, not_ready=not_ready, **more), History(records), settings)


def test_a_run_reads_what_was_approved_and_what_it_covers_and_names_the_rest():
    decision = scheduled(*ran(ONE), quarantined(TWO), examined(THREE))
    assert (decision.kind, decision.newest, decision.without, decision.refused) == ("run", 3, (2,), ())
    unfinished = scheduled(*ran(THREE), examined(ONE), not_ready=(TWO,))
    assert (unfinished.newest, unfinished.without) == (3, (2,))
    beyond = scheduled(*ran(ONE), spans=(ONE, TWO), not_ready=(TWO,))
    assert (beyond.newest, beyond.without) == (1, ())


def test_content_that_was_changed_since_its_run_is_not_approved():
    changed = SpanContent(1, "other")
    decision = scheduled(*ran(ONE), *ran(TWO, run="s"), spans=(changed, TWO), not_ready=(changed,))
    assert (decision.newest, decision.without) == (2, (1,))


def refused(key, run):
    return ran(key, verdict="refused", run=run, refused=[key.number], version="3")


@pytest.mark.parametrize(
    ("lost", "told", "without"),
    [
        ((ONE,), "; without span 1, which the gate refused for a loss", (1,)),
        ((TWO, ONE), "; without spans 1, 2, which the gate refused for a loss", (1, 2)),
        ((), "", ()),
    ],
)
def test_a_run_says_which_refused_spans_it_does_not_read(lost, told, without):
    records = [record for number, key in enumerate(lost) for record in refused(key, f"run {number}")]
    kept = [record for key in (ONE, TWO) if key not in lost for record in ran(key, run=f"run of {key}")]
    decision = scheduled(*records, *kept, *ran(THREE, run="last"))
    assert decision.why == f"retrain.schedule = '0 3 * * *' was due at 2026-03-02 03:00 UTC{told}"
    assert (decision.newest, decision.without, decision.refused) == (3, without, without)


def test_a_run_says_which_spans_it_reads_although_the_gate_refused_their_own_run():
    floor = ran(ONE, verdict="refused", reasons=("accuracy 0.84 is below the floor",))
    told = "; with span 1, whose own run the gate refused, though not for a loss"
    assert scheduled(*floor).why.endswith(told)
    assert not scheduled(*floor, spans=(TWO,)).why.endswith(told)  # it is gone
    assert scheduled(*floor, *ran(TWO, run="s", verdict="refused")).why.endswith(
        "; with spans 1, 2, whose own run the gate refused, though not for a loss"
    )
    promoted = scheduled(*floor, *ran(TWO, run="s", verdict="promoted"))
    assert promoted.why == "retrain.schedule = '0 3 * * *' was due at 2026-03-02 03:00 UTC"


def test_a_refused_span_above_the_newest_one_is_not_missed():
    decision = scheduled(*ran(ONE), *refused(TWO, "s"), spans=(ONE, TWO))
    assert (decision.newest, decision.without, decision.refused) == (1, (), ())


def test_a_run_that_has_to_wait_keeps_its_trigger_and_cause():
    nothing_to_read = scheduled(quarantined(ONE), spans=(ONE,), needs_span=True)
    busy = scheduled(*ran(ONE), spans=(ONE,), busy="another run is using it")
    for decision in (nothing_to_read, busy):
        assert (decision.kind, decision.trigger) == ("wait", "schedule")
        assert decision.cause == "schedule 2026-03-02T03:00:00+00:00"
    assert busy.why == "another run is using it"


@pytest.mark.parametrize(
    ("now", "records", "settings", "why"),
    [
        (seen(), [], ON, "data.source has no span, and no other trigger applies"),
        (
            seen(ONE, TWO),
            [*ran(ONE), *ran(TWO, run="s")],
            ON,
            "no span is new; the newest is span 2",
        ),
        (
            seen(ONE, TWO, not_ready=(ONE, TWO)),
            [],
            ON,
            "span 1, span 2: added or changed less than retrain.settle_seconds = "
            f"{ON.settle_seconds:g} s ago, and may be incomplete",
        ),
        (
            seen(ONE, TWO),
            [examined(ONE), examined(TWO)],
            OFF,
            "span 1, span 2: new, but retrain.on_span is false and no other trigger applies",
        ),
    ],
)
def test_why_there_is_nothing_to_do(now, records, settings, why):
    decision = decide(now, past(*records), settings)
    assert (decision.kind, decision.why) == ("nothing", why)
    assert decision.evidence == {}
    assert decision.retry_in == (settings.settle_seconds if "settle_seconds" in why else None)


def test_the_comparison_with_served_traffic_is_evidence_for_doing_nothing():
    drift = Drift(drift=False, findings=[{"name": "length", "exceeded": False}])
    decision = decide(seen(drift=drift), past(), ON)
    assert decision.evidence == {
        "drift": {"drift": False, "findings": [{"name": "length", "exceeded": False}], "problem": None}
    }
