"""What asks for a run, what holds it back, what is suspicious: each with its reason in words."""

import datetime

import pytest

from pipeline.retraining.policy.clock import Timestamp
from pipeline.retraining.policy.decision import decide
from pipeline.retraining.policy.history import History, span_cause
from pipeline.retraining.policy.label_quality import defect
from pipeline.retraining.policy.observation import Drift, Observation, ObservedSpan
from pipeline.retraining.policy.records import (
    Decided,
    Decision,
    Ended,
    Examination,
    Examined,
    Record,
    SpanContent,
    Watching,
)
from pipeline.settings.retrain import RetrainSettings

NOW = Timestamp(datetime.datetime(2026, 3, 2, 12, tzinfo=datetime.UTC))
ONE, TWO = SpanContent(1, "a"), SpanContent(2, "b")


def seen(*keys, now=NOW, live=3, **more):
    return Observation(now=now, spans=[ObservedSpan(key=key) for key in keys], live=live, previous=2, **more)


def examined(key, **facts):
    known = {"rows": 400, "live": 3, "accuracy": 0.9, "previous": 2, "previous_accuracy": 0.9}
    return Examined(examination=Examination(span=key, **(known | facts)))


def past(*contents, at=NOW):
    return History([Record(at, content) for content in contents])


def ran(decision, verdict, *, run="run 1"):
    return [Decided(decision=decision, run=run), Ended(run=run, verdict=verdict)]


def test_a_run_for_a_span_brings_what_the_live_model_makes_of_it_as_evidence():
    decision = decide(seen(ONE), past(examined(ONE)), RetrainSettings())
    assert (decision.kind, decision.why, decision.newest) == ("run", "span 1 is new", 1)
    assert decision.evidence["accuracy"] == 0.9


@pytest.mark.parametrize(
    ("in_base", "why"),
    [
        (0, "span 1 is new"),
        (30, "span 1 is new; of its 400 examples 30 are packaged reviews and left out"),
        (400, "span 1 is new, but adds nothing: all of its 400 examples are packaged reviews"),
    ],
)
def test_a_span_of_packaged_reviews_gets_its_run_and_the_decision_says_what_it_adds(in_base, why):
    decision = decide(seen(ONE), past(examined(ONE, in_base=in_base)), RetrainSettings())
    assert (decision.kind, decision.why, decision.evidence["in_base"]) == ("run", why, in_base)


def test_a_span_whose_labels_cannot_be_judged_is_not_taken_for_one_with_right_labels():
    why = "a model predicts 49.9% of the labels from the other examples, little more than by chance"
    decision = decide(seen(ONE), past(examined(ONE, labels_not_judged=why)), RetrainSettings())
    assert decision.why == f"span 1 is new, with labels that the label check cannot judge ({why})"


def test_a_span_that_was_changed_after_its_run_is_not_called_new():
    changed = SpanContent(1, "other")
    decision = decide(seen(changed), past(*spans_run(ONE), examined(changed)), RetrainSettings())
    assert (decision.kind, decision.why) == ("run", "span 1 has other content than before")


def test_with_the_trigger_off_a_new_span_is_nothing_but_it_is_said():
    decision = decide(seen(ONE), past(examined(ONE)), RetrainSettings(on_span=False))
    assert decision.kind == "nothing"
    assert decision.why == "span 1: new, but retrain.on_span is false and no other trigger applies"


def test_a_span_that_is_still_written_is_said():
    half = Observation(now=NOW, spans=[ObservedSpan(key=ONE, ready=False)])
    decision = decide(half, past(), RetrainSettings(settle_seconds=7))
    why = "span 1: added or changed less than retrain.settle_seconds = 7 s ago, and may be incomplete"
    assert (decision.why, decision.retry_in) == (why, 7)


def test_decay_starts_a_run_with_all_that_is_new():
    settings = RetrainSettings(on_span=False, decay_floor=0.8)
    history = past(examined(ONE), examined(TWO, accuracy=0.75))
    decision = decide(seen(ONE, TWO), history, settings)
    assert (decision.kind, decision.trigger, decision.covers, decision.newest) == (
        "run", "decay", (ONE, TWO), 2,
    )  # fmt: skip
    assert decision.why == ("the live version 3 reaches 0.7500 on span 2, below retrain.decay_floor = 0.8")


def test_without_decay_there_is_nothing_to_do():
    settings = RetrainSettings(on_span=False, decay_floor=0.8)
    assert decide(seen(ONE), past(examined(ONE, accuracy=0.8)), settings).kind == "nothing"


def test_drift_in_served_traffic_starts_one_run_and_another_once_there_is_more_data():
    settings = RetrainSettings(on_drift=True)
    drift = Drift(drift=True, findings=[{"name": "length", "exceeded": True, "why": "length: shorter"}])
    first = decide(seen(drift=drift), past(), settings)
    assert (first.kind, first.why) == ("run", "served traffic has drifted: length: shorter")
    assert first.evidence["findings"][0]["name"] == "length"
    assert decide(seen(drift=drift), past(*ran(first, "refused")), settings).kind == "nothing"
    assert decide(seen(ONE, drift=drift), past(*ran(first, "refused"), examined(ONE)), settings).kind == "run"


def test_a_schedule_runs_once_for_each_time_that_it_is_due():
    settings = RetrainSettings(schedule="0 3 * * *")
    before = Record(Timestamp(NOW.at - datetime.timedelta(days=3)), Watching(why="the first decision"))
    decision = decide(seen(), History([before]), settings)
    assert (decision.kind, decision.trigger, decision.due) == (
        "run", "schedule", "2026-03-02T03:00:00+00:00",
    )  # fmt: skip
    assert decision.why == "retrain.schedule = '0 3 * * *' was due at 2026-03-02 03:00 UTC"
    done = [before, *(Record(NOW, content) for content in ran(decision, "unchanged"))]
    assert decide(seen(), History(done), settings).kind == "nothing"


def scheduled(*contents, spans, needs_span=True):
    """What a schedule that is due decides, after all this."""
    watching = Record(Timestamp(NOW.at - datetime.timedelta(days=3)), Watching(why="the first decision"))
    history = History([watching, *(Record(NOW, content) for content in contents)])
    return decide(seen(*spans, needs_span=needs_span), history, RetrainSettings(schedule="0 3 * * *"))


def spans_run(*keys, verdict="promoted", aside=()):
    """The records of one run a span."""
    for key in keys:
        decision = Decision(kind="run", why="new", trigger="span", cause=span_cause(key), covers=(key,))
        yield examined(key)
        yield Decided(decision=decision, run=f"run of {key}")
        yield Ended(run=f"run of {key}", verdict=verdict, set_aside=aside)


def test_a_run_reads_up_to_the_newest_span_that_is_still_there():
    decision = scheduled(*spans_run(ONE, TWO), spans=[ONE])
    assert (decision.kind, decision.newest, decision.without) == ("run", 1, ())


def test_a_run_does_not_ask_for_a_quarantined_newest_span():
    stopped = spans_run(TWO, verdict="stopped", aside=[2])
    decision = scheduled(*spans_run(ONE), *stopped, spans=[ONE, TWO])
    assert (decision.kind, decision.newest, decision.without) == ("run", 1, ())


def test_without_a_span_that_may_be_read_nothing_is_run_and_it_is_said():
    aside = Decided(decision=Decision(kind="set-aside", why="flipped", covers=(ONE,)))
    decision = scheduled(examined(ONE), aside, spans=[ONE])
    assert (decision.kind, decision.why) == (
        "wait",
        "retrain.schedule = '0 3 * * *' was due at 2026-03-02 03:00 UTC, but there is no span that a run may "
        "read",
    )
    assert scheduled(spans=[]).kind == "wait"


def test_where_the_packaged_reviews_are_the_source_a_run_needs_no_span():
    aside = Decided(decision=Decision(kind="set-aside", why="flipped", covers=(ONE,)))
    decision = scheduled(examined(ONE), aside, spans=[ONE], needs_span=False)
    assert (decision.kind, decision.newest) == ("run", None)


def test_a_scheduled_run_that_broke_is_tried_again_for_the_same_time():
    settings = RetrainSettings(schedule="0 3 * * *", backoff_minutes=0)
    before = Record(Timestamp(NOW.at - datetime.timedelta(days=3)), Watching(why="the first decision"))
    first = decide(seen(), History([before]), settings)
    broke = [before, *(Record(NOW, content) for content in ran(first, "failed"))]
    again = decide(seen(), History(broke), settings)
    assert (again.kind, again.due) == ("run", first.due)


@pytest.mark.parametrize(("broken", "minutes"), [(1, 5), (2, 10), (3, 20), (9, 720)])
def test_the_wait_doubles_with_every_run_that_broke_in_a_row(broken, minutes):
    settings = RetrainSettings(max_attempts=100, runs_per_day=100)
    history = [examined(ONE)]
    first = decide(seen(ONE), past(*history), settings)
    for number in range(broken):
        history += ran(first, "failed", run=f"run {number}")
    assert decide(seen(ONE), past(*history), settings).retry_in == 60 * minutes
    later = Timestamp(NOW.at + datetime.timedelta(minutes=minutes))
    assert decide(seen(ONE, now=later), past(*history), settings).kind == "run"


def test_a_run_that_came_to_a_verdict_ends_the_row():
    settings = RetrainSettings()
    history = [examined(ONE), examined(TWO)]
    first = decide(seen(ONE), past(*history), settings)
    history += [*ran(first, "failed", run="1"), *ran(first, "refused", run="2")]
    assert decide(seen(ONE, TWO), past(*history), settings).kind == "run"


def test_a_run_that_is_not_over_is_waited_for():
    first = decide(seen(ONE), past(examined(ONE)), RetrainSettings())
    waiting = decide(seen(ONE), past(examined(ONE), Decided(decision=first, run="r")), RetrainSettings())
    assert (waiting.kind, waiting.why) == ("wait", "run r is still running")


def test_who_else_runs_is_waited_for():
    decision = decide(seen(ONE, busy="another run is using it"), past(examined(ONE)), RetrainSettings())
    assert (decision.kind, decision.why) == ("wait", "another run is using it")


@pytest.mark.parametrize(
    ("accuracy", "rows", "suspicious"),
    [(0.1, 400, True), (0.45, 400, True), (0.46, 400, False), (0.45, 20, False), (0.65, 400, False)],
)
def test_labels_are_suspected_only_beyond_chance(accuracy, rows, suspicious):
    examination = Examination(span=ONE, rows=rows, live=3, accuracy=accuracy)
    assert bool(defect(examination, RetrainSettings(), vouched=False)) == suspicious


def test_a_label_defect_names_its_remedy():
    examination = Examination(span=ONE, rows=400, live=3, accuracy=0.118)
    assert defect(examination, RetrainSettings(), vouched=False) == (
        "the live version 3 agrees with 11.8% of the 400 labels of span 1, fewer than retrain.min_agreement "
        "= 0.5: the labels look flipped. If they are right: greenlight retrain --release 1 "
        "--reason TEXT"
    )


@pytest.mark.parametrize(
    ("sure", "wrong", "suspicious"),
    [(260, 78, True), (260, 50, False), (92, 13, False), (92, 30, True), (0, 0, False)],
)
def test_rows_that_the_model_is_sure_of_tell_partly_flipped_labels_from_drift(sure, wrong, suspicious):
    examination = Examination(span=ONE, rows=400, live=3, accuracy=0.66, sure=sure, sure_wrong=wrong)
    why = defect(examination, RetrainSettings(), vouched=False)
    assert bool(why) == suspicious
    assert (
        why is None or f"is sure of {sure} of the 400 rows of span 1, and {wrong / sure:.1%} of these" in why
    )


def test_a_person_may_vouch_for_labels_but_not_for_rows_that_cannot_be_read():
    flipped = Examination(span=ONE, rows=400, live=3, accuracy=0.1)
    assert defect(flipped, RetrainSettings(), vouched=True) is None
    assert defect(flipped, RetrainSettings(min_agreement=0), vouched=False) is None
    broken = Examination(span=ONE, problem="no column 'label'")
    assert defect(broken, RetrainSettings(), vouched=True) == "no column 'label'"
    empty = Examination(span=ONE, rows=0)
    assert defect(empty, RetrainSettings(), vouched=True) == "span 1 has no usable row"


def test_without_a_live_model_nothing_is_suspected():
    assert defect(Examination(span=ONE, rows=400), RetrainSettings(), vouched=False) is None
