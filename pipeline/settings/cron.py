"""Cron schedules: when an expression was last due in a time zone. Pure."""

from __future__ import annotations

import datetime
import zoneinfo

from cronsim import CronSim, CronSimError

_START = datetime.datetime(2026, 1, 1)


def refuse_unusable(expression: str) -> None:
    """Raises ValueError for what is not a cron expression, or names a day that never comes."""
    try:
        next(CronSim(expression, _START))
    except CronSimError as error:
        raise ValueError(f'expected a cron expression such as "0 3 * * 1": {error}') from None
    except StopIteration:
        raise ValueError("this day never comes; expected a cron expression that is due some day") from None


def last_due(
    expression: str, time_zone: str, *, after: datetime.datetime, now: datetime.datetime
) -> datetime.datetime | None:
    """The latest time at which the schedule was due in (after, now], in UTC; None where it was not.

    Several missed times count as one, so that a week's runs do not follow one another.
    """
    if after >= now:
        return None
    latest = next(_times(expression, time_zone, from_time=now, reverse=True), None)
    # Stepping back starts before `now`: a time that is due this very second is found from just before it.
    exact = next_due(expression, time_zone, after=now - datetime.timedelta(seconds=1))
    if exact is not None and exact <= now:
        latest = exact
    return latest if latest is not None and latest > after else None


def next_due(expression: str, time_zone: str, *, after: datetime.datetime) -> datetime.datetime | None:
    """The first time at which the schedule is due after `after`, in UTC."""
    return next(_times(expression, time_zone, from_time=after, reverse=False), None)


def _times(expression: str, time_zone: str, *, from_time: datetime.datetime, reverse: bool):
    start = from_time.astimezone(zoneinfo.ZoneInfo(time_zone))
    for due in CronSim(expression, start, reverse=reverse):
        yield due.astimezone(datetime.UTC)
