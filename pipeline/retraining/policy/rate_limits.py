"""Rate limits on runs: the back-off after failed runs, and the daily budget. Pure."""

from __future__ import annotations

import dataclasses

from pipeline.retraining.policy.clock import Timestamp
from pipeline.retraining.policy.history import History
from pipeline.retraining.policy.records import Decision
from pipeline.settings.retrain import RetrainSettings

DAY_SECONDS = 24 * 60 * 60.0


def wait_instead(run: Decision, now: Timestamp, past: History, settings: RetrainSettings) -> Decision | None:
    """The decision to wait instead of `run`; None if the run may start now."""
    return _back_off(run, now, past, settings) or _budget(run, now, past, settings)


def back_off_seconds(failures: int, settings: RetrainSettings) -> float:
    """The wait in seconds after so many consecutive failures: doubled by each, up to a maximum."""
    if not failures:
        return 0.0
    doubled = settings.backoff_minutes * 2.0 ** min(failures - 1, 64)
    return 60 * min(doubled, settings.max_backoff_minutes)


def _back_off(run: Decision, now: Timestamp, past: History, settings: RetrainSettings) -> Decision | None:
    if not past.consecutive_failures:
        return None
    last, count = past.consecutive_failures[-1], len(past.consecutive_failures)
    left = back_off_seconds(count, settings) - now.since(last.ended or last.began)
    if left <= 0:
        return None
    runs = "the last run" if count == 1 else f"the last {count} runs"
    return _wait(run, left, f"{runs} failed; the next attempt is in {_duration(left)}")


def _budget(run: Decision, now: Timestamp, past: History, settings: RetrainSettings) -> Decision | None:
    ages = sorted(now.since(attempt.began) for attempt in past.attempts)
    recent = [age for age in ages if age < DAY_SECONDS]
    if len(recent) < settings.runs_per_day:
        return None
    left = DAY_SECONDS - recent[settings.runs_per_day - 1]
    why = (
        f"{len(recent)} runs were started within 24 hours, and retrain.runs_per_day is "
        f"{settings.runs_per_day}; the next may start in {_duration(left)}"
    )
    return _wait(run, left, why)


def _wait(run: Decision, seconds: float, why: str) -> Decision:
    return dataclasses.replace(run, kind="wait", why=f"{run.why}, but {why}", retry_in=seconds)


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = seconds / 60
    return f"{minutes:.0f} min" if minutes < 90 else f"{minutes / 60:.1f} h"
