"""The daily budget's wait, with several runs behind it."""

import datetime

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
    assert rate_limits.wait_instead(RUN, NOW, past(30, 24, 4), settings) is None  # a day old to the second
