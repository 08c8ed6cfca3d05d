"""Waits: the daily budget with several runs behind it, and the back-off after runs that broke."""

import datetime

import pytest

from pipeline.retraining.policy import rate_limits
from pipeline.retraining.policy.clock import Timestamp
from pipeline.retraining.policy.history import History
from pipeline.retraining.policy.records import Decided, Decision, Ended, Record
from pipeline.settings.retrain import RetrainSettings

NOW = Timestamp(datetime.datetime(2026, 3, 2, 12, tzinfo=datetime.UTC))
RUN = Decision(kind="run", why="span 9 is new", cause="span 9")


def past(*hours):
    """A run that came to a verdict so many hours ago, each."""
    records = []
    for number, age in enumerate(hours):
        at = Timestamp(NOW.at - datetime.timedelta(hours=age))
        records.append(Record(at, Decided(decision=RUN, run=str(number))))
        records.append(Record(at, Ended(run=str(number), verdict="promoted")))
    return History(records)


def test_the_next_run_waits_until_one_fewer_than_the_budget_is_within_the_day():
    settings = RetrainSettings(runs_per_day=2)
    waiting = rate_limits.wait_instead(RUN, NOW, past(30, 20, 10, 4), settings)
    assert waiting.retry_in == 14 * 3600.0  # when the second youngest is a day old, not the oldest
    assert waiting.kind == "wait"
    assert waiting.why == (
        "span 9 is new, but 3 runs were started within 24 hours, and retrain.runs_per_day is 2; the next may "
        "start in 14.0 h"
    )
    assert (waiting.cause, waiting.trigger) == (RUN.cause, RUN.trigger)
    assert rate_limits.wait_instead(RUN, NOW, past(30, 24, 4), settings) is None  # a day old to the second


def broke(count: int, *, minutes_ago: float) -> History:
    """So many runs that broke in a row, all of them so long ago."""
    at = Timestamp(NOW.at - datetime.timedelta(minutes=minutes_ago))
    return History(
        Record(at, content)
        for number in range(count)
        for content in (Decided(decision=RUN, run=str(number)), Ended(run=str(number), verdict="failed"))
    )


@pytest.mark.parametrize(
    ("count", "minutes_ago", "told"),
    [
        (1, 3.5, "the last run failed; the next attempt is in 2 min"),
        (1, 3.51, "the last run failed; the next attempt is in 89 s"),
        (3, 5, "the last 3 runs failed; the next attempt is in 15 min"),
        (6, 71, "the last 6 runs failed; the next attempt is in 89 min"),
        (6, 70, "the last 6 runs failed; the next attempt is in 1.5 h"),
        (6, 40, "the last 6 runs failed; the next attempt is in 2.0 h"),
    ],
)
def test_a_wait_is_told_in_the_unit_that_suits_it(count, minutes_ago, told):
    settings = RetrainSettings(backoff_minutes=5, max_backoff_minutes=720, runs_per_day=100)
    waiting = rate_limits.wait_instead(RUN, NOW, broke(count, minutes_ago=minutes_ago), settings)
    assert waiting.why == f"span 9 is new, but {told}"


def test_a_back_off_ends_to_the_second():
    settings = RetrainSettings(backoff_minutes=5)
    assert rate_limits.wait_instead(RUN, NOW, broke(1, minutes_ago=5), settings) is None
    assert rate_limits.wait_instead(RUN, NOW, broke(1, minutes_ago=4.99), settings).retry_in == pytest.approx(
        0.6
    )


def test_the_back_off_counts_from_the_end_of_the_last_run():
    began, ended = (Timestamp(NOW.at - datetime.timedelta(minutes=minutes)) for minutes in (60, 1))
    past = History(
        [Record(began, Decided(decision=RUN, run="r")), Record(ended, Ended(run="r", verdict="failed"))]
    )
    assert rate_limits.wait_instead(RUN, NOW, past, RetrainSettings(backoff_minutes=5)).retry_in == 240


def test_the_back_off_doubles_up_to_its_maximum():
    settings = RetrainSettings(backoff_minutes=1, max_backoff_minutes=10)
    assert [rate_limits.back_off_seconds(count, settings) for count in (0, 1, 2, 4, 5, 2000)] == [
        0, 60, 120, 480, 600, 600,
    ]  # fmt: skip


def test_a_budget_that_is_just_used_up_is_used_up():
    settings = RetrainSettings(runs_per_day=2)
    assert rate_limits.wait_instead(RUN, NOW, past(20, 4), settings).retry_in == 4 * 3600.0
    assert rate_limits.wait_instead(RUN, NOW, past(4), settings) is None
