"""The triggers of a run: new spans, schedule, drift, decay and trials. Pure."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from pipeline.retraining.policy.history import History, span_cause
from pipeline.retraining.policy.records import Decision, Examination, SpanContent
from pipeline.settings import cron as schedule
from pipeline.settings.retrain import RetrainSettings

if TYPE_CHECKING:
    from pipeline.retraining.policy.observation import Observation, ObservedSpan


def first(
    seen: Observation, past: History, settings: RetrainSettings, *, pending: Sequence[ObservedSpan]
) -> Decision | None:
    """The run with the highest priority; None if no trigger applies."""
    return next(_by_priority(seen, past, settings, pending), None)


def why_schedule_restarts(now: datetime.datetime, past: History, settings: RetrainSettings) -> str | None:
    """Why the schedule must count from now on; None if it need not.

    If the clock was set back by more than the schedule's interval, the schedule would otherwise not be due
    until the clock has caught up.
    """
    if past.schedule_counts_from is None:
        return "the first decision"
    if settings.schedule is None or past.schedule_counts_from <= now:
        return None
    due = schedule.next_due(settings.schedule, settings.time_zone, after=now)
    if due is None or past.schedule_counts_from <= due:
        return None
    return f"the clock was set back from {past.schedule_counts_from:%Y-%m-%d %H:%M} UTC"


def _by_priority(
    seen: Observation, past: History, settings: RetrainSettings, pending: Sequence[ObservedSpan]
) -> Iterator[Decision]:
    keys = [span.key for span in pending]
    if settings.on_span and keys:
        yield _span(keys[0], past, live=seen.live)
    unfinished = _unfinished(past, settings)
    if unfinished is None and (trial := _trial(seen, past, settings)):
        yield trial
    others = (
        _decay(seen, past, settings, keys),
        _drift(seen, past, settings),
        _schedule(seen, past, settings),
    )
    for found in (unfinished, *others):
        if found is not None:
            yield dataclasses.replace(found, covers=tuple(keys))


def _span(key: SpanContent, past: History, *, live: int | None) -> Decision:
    examination = past.examination(key, live=live)
    return Decision(
        kind="run",
        trigger="span",
        cause=span_cause(key),
        why=_news(key, examination, past),
        covers=(key,),
        evidence=dataclasses.asdict(examination) if examination else {"span": key},
    )


def _news(key: SpanContent, examination: Examination | None, past: History) -> str:
    """The reason of a run for a new span."""
    dealt_with = {span.number for span in (past.done | past.quarantined.keys()) - {key}}
    words = f"{key} has other content than before" if key.number in dealt_with else f"{key} is new"
    if examination is not None and (labels := label_words(examination)):
        words += f", with {labels}"
    if examination is None or not examination.in_base:
        return words
    if examination.in_base == examination.rows:
        return f"{words}, but adds nothing: all of its {examination.rows:,} examples are packaged reviews"
    return (
        f"{words}; of its {examination.rows:,} examples {examination.in_base:,} are packaged reviews and "
        "left out"
    )


def label_words(examination: Examination) -> str:
    """What the label check says of a span; "" where it finds nothing wrong."""
    if examination.suspects:
        return suspected_labels(examination)
    if examination.labels_not_judged:
        return f"labels that the label check cannot judge ({examination.labels_not_judged})"
    return ""


def suspected_labels(examination: Examination) -> str:
    """The number of labels that are probably wrong, with the first of their rows, for people."""
    named = ", ".join([*examination.suspect_rows[:5], *(["..."] if examination.suspects > 5 else [])])
    if not examination.label_limit_applies:
        named += "; learned from so few texts, the check doubts right ones too"
    return f"{examination.suspects:,} of {examination.examined:,} labels probably wrong ({named})"


def _unfinished(past: History, settings: RetrainSettings) -> Decision | None:
    """The decision of the last run, to be tried again, if it was not for a span and has no verdict."""
    if not past.attempts or past.attempts[-1].concluded:
        return None
    decision = past.attempts[-1].decision
    enabled = {
        "schedule": settings.schedule is not None,
        "drift": settings.on_drift,
        "decay": settings.decay_floor is not None,
    }
    given_up = past.failures[decision.cause] >= settings.max_attempts
    return decision if enabled.get(decision.trigger) and not given_up else None


def _trial(seen: Observation, past: History, settings: RetrainSettings) -> Decision | None:
    """A trial: a run with one span that the gate had refused for a loss before another version was live."""
    for span in sorted((span for span in seen.spans if span.ready), key=lambda span: span.key):
        key = span.key
        if key not in past.refused or past.trials[key] >= settings.refused_trials:
            continue
        if seen.live is None or str(seen.live) == past.refused[key]:
            continue
        why = f"{key}, which the gate refused for a loss, is tried again beside the data that has come since"
        cause = f"trial {span_cause(key)} with version {seen.live}"
        found = _unless_concluded(past, settings, "trial", cause, why, {"span": key})
        if found is not None:
            return dataclasses.replace(found, covers=(key,))
    return None


def _decay(
    seen: Observation, past: History, settings: RetrainSettings, keys: Sequence[SpanContent]
) -> Decision | None:
    if settings.decay_floor is None or not keys:
        return None
    examination = past.examination(keys[-1], live=seen.live)
    if examination is None or examination.accuracy is None or examination.accuracy >= settings.decay_floor:
        return None
    why = (
        f"the live version {seen.live} reaches {examination.accuracy:.4f} on {keys[-1]}, below "
        f"retrain.decay_floor = {settings.decay_floor:g}"
    )
    evidence = dataclasses.asdict(examination)
    return _unless_concluded(
        past, settings, "decay", f"decay {keys[-1]} {keys[-1].fingerprint}", why, evidence
    )


def _drift(seen: Observation, past: History, settings: RetrainSettings) -> Decision | None:
    """One run per live version and newest span while there is drift."""
    if not settings.on_drift or seen.drift is None or not seen.drift.drift:
        return None
    exceeded = [str(one.get("why") or one["name"]) for one in seen.drift.findings if one.get("exceeded")]
    why = f"served traffic has drifted: {'; '.join(exceeded) or 'by the comparison'}"
    spans = max((span.key for span in seen.spans if span.ready), default=None)
    evidence = {"drift": True, "findings": [dict(one) for one in seen.drift.findings]}
    return _unless_concluded(
        past, settings, "drift", f"drift from version {seen.live} at {spans}", why, evidence
    )


def _schedule(seen: Observation, past: History, settings: RetrainSettings) -> Decision | None:
    if settings.schedule is None or past.schedule_counts_from is None:
        return None
    due = schedule.last_due(
        settings.schedule, settings.time_zone, after=past.schedule_counts_from, now=seen.now.at
    )
    if due is None:
        return None
    why = f"retrain.schedule = {settings.schedule!r} was due at {due:%Y-%m-%d %H:%M} UTC"
    found = _unless_concluded(
        past, settings, "schedule", f"schedule {due.isoformat()}", why, {"due": due.isoformat()}
    )
    return found and dataclasses.replace(found, due=due.isoformat())


def _unless_concluded(
    past: History, settings: RetrainSettings, trigger, cause: str, why: str, evidence
) -> Decision | None:
    """The run for a cause; None if a run for it has a verdict, or too many have failed."""
    if past.concluded(cause) or past.failures[cause] >= settings.max_attempts:
        return None
    return Decision(kind="run", trigger=trigger, cause=cause, why=why, evidence=evidence)
