"""The decision: the next action, from the observed state, the history and the settings. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from pipeline.retraining.policy import label_quality, rate_limits, triggers
from pipeline.retraining.policy.history import History, span_cause
from pipeline.retraining.policy.observation import Observation, ObservedSpan
from pipeline.retraining.policy.records import Decision
from pipeline.settings.retrain import RetrainSettings


def pending(seen: Observation, past: History) -> list[ObservedSpan]:
    """The ready spans that no run has dealt with and that are not quarantined, by number."""
    ready = (span for span in seen.spans if span.ready)
    return sorted(
        (span for span in ready if span.key not in past.done and span.key not in past.quarantined),
        key=lambda span: span.key,
    )


def to_examine(seen: Observation, past: History, settings: RetrainSettings) -> ObservedSpan | None:
    """The span that the live model must examine before a decision is possible; None if there is none."""
    waiting = pending(seen, past)
    if settings.on_span:
        waiting = waiting[:1]
    return next((span for span in waiting if past.examination(span.key, live=seen.live) is None), None)


def decide(seen: Observation, past: History, settings: RetrainSettings) -> Decision:
    """The next action.

    Quarantines and rollbacks come first, then runs within their rate limits.

    Args:
      seen: the observed state. Every span that `to_examine` returns has been examined.
      past: the history.
      settings: the settings of retraining.
    """
    if attempt := past.open_attempt:
        return Decision(kind="wait", why=f"run {attempt.run} is still running", evidence={"run": attempt.run})
    return (
        past.pending_rollback
        or _quarantine(seen, past, settings)
        or _rollback(seen, past, settings)
        or _run(seen, past, settings)
        or _nothing(seen, past, settings)
    )


def _quarantine(seen: Observation, past: History, settings: RetrainSettings) -> Decision | None:
    for span in pending(seen, past):
        examination = past.examination(span.key, live=seen.live)
        vouched = span.key in past.released
        why = label_quality.defect(examination, settings, vouched=vouched) if examination else None
        failures = past.failures[span_cause(span.key)]
        if why is None and failures >= settings.max_attempts:
            why = f"{failures} of its runs failed; see their logs"
        if why is not None:
            evidence = dataclasses.asdict(examination) if examination else {"broken": failures}
            return Decision(kind="set-aside", trigger="span", why=why, covers=(span.key,), evidence=evidence)
    return None


def _rollback(seen: Observation, past: History, settings: RetrainSettings) -> Decision | None:
    if not settings.auto_rollback or seen.live is None or seen.previous is None:
        return None
    watched = [
        one
        for one in past.examinations
        if one.live == seen.live and one.previous == seen.previous and one.span not in past.quarantined
    ]
    worse = label_quality.worse_than_before(watched, settings)
    if worse is None:
        return None
    return Decision(
        kind="rollback",
        trigger="decay",
        why=worse.why,
        version=seen.live,
        evidence={"live": seen.live, "previous": seen.previous, **worse.evidence},
    )


def _run(seen: Observation, past: History, settings: RetrainSettings) -> Decision | None:
    cause = triggers.first(seen, past, settings, pending=pending(seen, past))
    if cause is None:
        return None
    run = _restricted_to_approved_spans(cause, seen, past)
    if run.newest is None and seen.needs_span:
        why = f"{run.why}, but there is no span that a run may read"
        return Decision(kind="wait", trigger=run.trigger, cause=run.cause, why=why)
    if seen.busy:
        return Decision(kind="wait", trigger=run.trigger, cause=run.cause, why=seen.busy)
    return rate_limits.wait_instead(run, seen.now, past, settings) or run


def _restricted_to_approved_spans(run: Decision, seen: Observation, past: History) -> Decision:
    """The run, restricted to the spans that exist now and whose content is approved."""
    approved = (past.done - past.quarantined.keys()) | set(run.covers)
    good = {span.key.number for span in seen.spans if span.ready and span.key in approved}
    newest = max(good, default=None)
    others = {span.key.number for span in seen.spans} - good
    without = sorted(number for number in others if newest is not None and number <= newest)
    kept_out = sorted(span.number for span in past.refused if span.number in without)
    doubtful = sorted(
        span.key.number
        for span in seen.spans
        if span.key.number in good and span.key in past.doubtful.keys() - set(run.covers)
    )
    why = f"{run.why}{_left_out(kept_out)}{_doubtful(doubtful)}"
    return dataclasses.replace(run, why=why, newest=newest, without=tuple(without), refused=tuple(kept_out))


def _left_out(refused: Sequence[int]) -> str:
    """The part of the reason about spans that the gate refused and this run does not read."""
    return f"; without {_spans(refused)}, which the gate refused for a loss" if refused else ""


def _doubtful(refused: Sequence[int]) -> str:
    """The part of the reason about spans that this run reads, though the gate refused their own run."""
    if not refused:
        return ""
    return f"; with {_spans(refused)}, whose own run the gate refused, though not for a loss"


def _spans(numbers: Sequence[int]) -> str:
    """span 3 / spans 3, 4"""
    return f"span{'' if len(numbers) == 1 else 's'} {', '.join(map(str, numbers))}"


def _nothing(seen: Observation, past: History, settings: RetrainSettings) -> Decision:
    unfinished = [str(span.key) for span in seen.spans if not span.ready]
    waiting = [str(span.key) for span in pending(seen, past)]
    if unfinished:
        why = (
            f"{', '.join(unfinished)}: added or changed less than retrain.settle_seconds = "
            f"{settings.settle_seconds:g} s ago, and may be incomplete"
        )
    elif waiting:
        why = f"{', '.join(waiting)}: new, but retrain.on_span is false and no other trigger applies"
    elif not seen.spans:
        why = "data.source has no span, and no other trigger applies"
    else:
        why = f"no span is new; the newest is {max(span.key for span in seen.spans)}"
    retry_in = settings.settle_seconds if unfinished else None
    evidence = {} if seen.drift is None else {"drift": dataclasses.asdict(seen.drift)}
    return Decision(kind="nothing", why=why, retry_in=retry_in, evidence=evidence)
