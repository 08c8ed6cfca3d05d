"""How much time has passed, whatever the clock on the wall shows."""

import datetime

import pytest

from pipeline.retraining.policy.clock import Timestamp, read_clock, simulated

NOON = datetime.datetime(2026, 3, 2, 12, tzinfo=datetime.UTC)


def moment(minutes=0.0, *, boot="", uptime=0.0):
    return Timestamp(NOON + datetime.timedelta(minutes=minutes), boot, uptime)


@pytest.mark.parametrize("wrong_minutes", [-1e6, -60, 0, 60, 1e6])
def test_within_one_start_of_the_machine_the_wall_clock_does_not_count(wrong_minutes):
    assert moment(wrong_minutes, boot="a", uptime=160.0).since(moment(boot="a", uptime=100.0)) == 60.0


def test_across_starts_at_least_the_time_since_the_start_has_passed():
    before = moment(boot="a", uptime=5000.0)
    assert moment(1, boot="b", uptime=600.0).since(before) == 600.0
    assert moment(100, boot="b", uptime=600.0).since(before) == 6000.0


def test_without_a_known_start_the_distance_on_the_wall_clock_counts_forwards_and_backwards():
    assert moment(5).since(moment(0)) == moment(0).since(moment(5)) == 300.0


def test_this_machine_knows_the_time_since_its_start():
    first = read_clock()
    assert first.boot
    assert 0 <= read_clock().since(first) < 60
    assert first.at.tzinfo is datetime.UTC


def test_a_moment_survives_the_journal():
    now = read_clock()
    assert Timestamp.from_json(now.to_json()) == now


def test_a_pretended_moment_is_in_utc():
    local = datetime.datetime(2026, 3, 2, 13, tzinfo=datetime.timezone(datetime.timedelta(hours=1)))
    assert simulated(local) == Timestamp(NOON)


def test_a_moment_without_a_time_zone_is_none():
    with pytest.raises(ValueError, match="time zone"):
        Timestamp.from_json({"at": "2026-03-02T12:00:00"})
