"""When a cron expression was due, in zones with summer time, and with a clock that jumps."""

import datetime

import pytest

from pipeline.retraining.policy.clock import Timestamp
from pipeline.retraining.policy.history import History
from pipeline.retraining.policy.records import Record, Watching
from pipeline.retraining.policy.triggers import why_schedule_restarts
from pipeline.settings.cron import last_due, next_due, refuse_unusable
from pipeline.settings.retrain import RetrainSettings

DAILY = "30 2 * * *"
BERLIN = "Europe/Berlin"


def utc(text):
    return datetime.datetime.fromisoformat(text).replace(tzinfo=datetime.UTC)


def due_times(expression, zone, *, start, end, step_minutes=7):
    """Every time that a watcher which looks again and again finds due."""
    found, after, now = [], utc(start), utc(start)
    while now <= utc(end):
        if due := last_due(expression, zone, after=after, now=now):
            found.append(due)
            after = due
        now += datetime.timedelta(minutes=step_minutes)
    return found


def test_an_hour_that_summer_time_skips_gives_one_run_right_after_it():
    found = due_times(DAILY, BERLIN, start="2026-03-28T00:00", end="2026-03-30T12:00")
    assert found == [utc("2026-03-28T01:30"), utc("2026-03-29T01:00"), utc("2026-03-30T00:30")]


def test_an_hour_that_summer_time_repeats_gives_one_run():
    found = due_times(DAILY, BERLIN, start="2026-10-24T00:00", end="2026-10-26T12:00")
    assert found == [utc("2026-10-24T00:30"), utc("2026-10-25T00:30"), utc("2026-10-26T01:30")]


def test_the_very_second_counts_and_the_one_before_does_not():
    start = utc("2026-03-02T00:00")
    assert last_due("0 3 * * *", "UTC", after=start, now=utc("2026-03-02T02:59:59")) is None
    assert last_due("0 3 * * *", "UTC", after=start, now=utc("2026-03-02T03:00:00")) == utc(
        "2026-03-02T03:00"
    )


def test_what_was_missed_while_nobody_watched_is_one_run():
    found = last_due("0 3 * * *", "UTC", after=utc("2026-01-01T00:00"), now=utc("2026-03-02T12:00"))
    assert found == utc("2026-03-02T03:00")


def test_a_time_that_is_dealt_with_is_not_due_again():
    assert last_due("0 3 * * *", "UTC", after=utc("2026-03-02T03:00"), now=utc("2026-03-02T03:30")) is None


def test_the_next_time_is_after_the_moment():
    assert next_due("0 3 * * *", "UTC", after=utc("2026-03-02T03:00")) == utc("2026-03-03T03:00")


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("0 3 * *", "Wrong number of fields"),
        ("61 3 * * *", "Bad minute"),
        ("0 3 31 2 *", "Bad day-of-month"),
        ("every monday", "Wrong number of fields"),
    ],
)
def test_what_is_no_cron_expression_is_refused(expression, message):
    with pytest.raises(ValueError, match=message):
        refuse_unusable(expression)


def watched_since(text):
    return History([Record(Timestamp(utc(text)), Watching(why="test"))])


def test_a_clock_that_is_set_back_beyond_the_next_time_makes_the_schedule_count_anew():
    settings = RetrainSettings(schedule="0 3 * * *")
    past = watched_since("2099-01-01T00:00")
    why = why_schedule_restarts(utc("2026-03-02T12:00"), past, settings)
    assert why == "the clock was set back from 2099-01-01 00:00 UTC"


def test_a_clock_that_is_corrected_by_a_little_changes_nothing():
    settings = RetrainSettings(schedule="0 3 * * *")
    past = watched_since("2026-03-02T03:00")
    assert why_schedule_restarts(utc("2026-03-02T02:59:50"), past, settings) is None
