"""The state that follows from the journal's records: finished spans, failed runs, times. Pure."""

from __future__ import annotations

import dataclasses
import datetime
from collections import Counter
from collections.abc import Iterable, Sequence

from pipeline.retraining.policy.clock import Timestamp
from pipeline.retraining.policy.records import (
    BROKEN,
    CONCLUDED,
    NOT_STARTED,
    Compared,
    Decided,
    Decision,
    Ended,
    Examination,
    Examined,
    Record,
    Released,
    RolledBack,
    SpanContent,
    Trained,
    Watching,
)


@dataclasses.dataclass(frozen=True)
class Attempt:
    """A run that was decided; `verdict` is None until its result is known."""

    run: str
    decision: Decision
    began: Timestamp
    verdict: str | None = None
    ended: Timestamp | None = None

    @property
    def concluded(self) -> bool:
        return self.verdict in CONCLUDED


class History:
    """The state that a decision needs of the past, built from the journal's records in order.

    Example: after Decided(run r1 on span 3) `open_attempt` is r1. Ended(r1, "refused", refused=(3,),
    version="2") closes it: `done` and `quarantined` contain span 3, and `refused` maps it to "2", the live
    version that it lost against. Released(span 3) removes it from all of these, so that it gets another run.

    Attributes:
      attempts: the runs in the order of their decisions, without those that never started.
      quarantined: the spans that no run may read, with the reason: a defect, or the result of their run.
      refused: those of them that the gate refused for a loss, with the version that was live then.
      doubtful: spans that runs read although the gate refused their own run for another reason than a loss,
        with that reason; until a model that was trained on them is promoted.
      trials: how often each refused span was tried again.
      done: the spans of runs with a verdict, and those that a person trained a live version on.
      trained: the versions of such runs of a person.
      released: the spans that a person has released.
      consecutive_failures: the runs that failed since the last verdict.
      failures: cause -> number of failed runs, without those that the machine is to blame for.
      pending_rollback: a rollback that was decided and not yet recorded as done.
      schedule_counts_from: the time after which the schedule is due again; None before the first record.
    """

    def __init__(self, records: Iterable[Record] = ()) -> None:
        self.attempts: list[Attempt] = []
        self.quarantined: dict[SpanContent, str] = {}
        self.refused: dict[SpanContent, str | None] = {}
        self.doubtful: dict[SpanContent, str] = {}
        self.trials: Counter[SpanContent] = Counter()
        self.done: set[SpanContent] = set()
        self.trained: set[int] = set()
        self.released: set[SpanContent] = set()
        self.consecutive_failures: list[Attempt] = []
        self.failures: Counter[str] = Counter()
        self.examinations: list[Examination] = []
        self.pending_rollback: Decision | None = None
        self.last_decision: Decision | None = None
        self.last_comparison: Compared | None = None
        self.schedule_counts_from: datetime.datetime | None = None
        for record in records:
            self.take(record)

    def take(self, record: Record) -> None:
        """Applies the next record."""
        content = record.content
        if isinstance(content, Watching):
            self.schedule_counts_from = record.moment.at
        elif isinstance(content, Trained):
            self.trained.add(content.version)
            self.done |= set(content.spans)
            for span in content.spans:
                self.doubtful.pop(span, None)
        elif isinstance(content, Examined):
            self.examinations.append(content.examination)
        elif isinstance(content, Compared):
            self.last_comparison = content
        elif isinstance(content, Decided):
            self._decided(content, record.moment)
        elif isinstance(content, Ended):
            self._ended(content, record.moment)
        elif isinstance(content, Released):
            self._released(content.span)
        elif isinstance(content, RolledBack):
            self.pending_rollback = None

    @property
    def open_attempt(self) -> Attempt | None:
        """The run without a result; None if there is none."""
        return next((attempt for attempt in self.attempts if attempt.verdict is None), None)

    def concluded(self, cause: str) -> bool:
        """Whether a run for this cause has a verdict."""
        return any(attempt.concluded for attempt in self.attempts if attempt.decision.cause == cause)

    def examination(self, span: SpanContent, *, live: int | None) -> Examination | None:
        """The newest examination of this span by this live version; None if there is none."""
        found = [one for one in self.examinations if one.span == span and one.live == live]
        return found[-1] if found else None

    def _decided(self, content: Decided, moment: Timestamp) -> None:
        decision = content.decision
        self.last_decision = decision
        if decision.kind == "set-aside":
            self.quarantined |= dict.fromkeys(decision.covers, decision.why)
        elif decision.kind == "rollback":
            self.pending_rollback = decision
        elif content.run:
            self.attempts.append(Attempt(content.run, decision, moment))

    def _ended(self, content: Ended, moment: Timestamp) -> None:
        index = next((n for n, one in enumerate(self.attempts) if one.run == content.run), None)
        if index is None:
            return
        if content.verdict == NOT_STARTED:
            del self.attempts[index]
            return
        before = self.attempts[index]
        ended = before.began if content.noted else moment  # recovered later: the time of its end is unknown
        attempt = dataclasses.replace(before, verdict=content.verdict, ended=ended)
        self.attempts[index] = attempt
        if attempt.verdict in BROKEN:
            self.consecutive_failures.append(attempt)
            if not content.machine_fault:
                self.failures[attempt.decision.cause] += 1
        elif attempt.concluded:
            self._concluded(attempt, content)

    def _concluded(self, attempt: Attempt, content: Ended) -> None:
        decision = attempt.decision
        self.consecutive_failures.clear()
        self.done |= set(decision.covers)
        if decision.due:
            self.schedule_counts_from = datetime.datetime.fromisoformat(decision.due)
        if decision.trigger == "trial":
            self._tried(decision.covers)
        why = "; ".join(content.reasons) or f"the run {content.run} {content.verdict}"
        if attempt.verdict in ("promoted", "unchanged"):
            self.doubtful.clear()  # a run reads them all
        elif attempt.verdict == "refused":
            left_out = {*content.set_aside, *content.refused}
            self.doubtful |= {span: why for span in decision.covers if span.number not in left_out}
        for span in decision.covers:
            if span.number in content.set_aside:
                self.quarantined[span] = why
            if span.number in content.refused:
                self.quarantined[span] = f"the gate refused its run {content.run} for a loss: {why}"
                self.refused[span] = content.version

    def _tried(self, spans: Sequence[SpanContent]) -> None:
        """Counts a trial and readmits its spans; `_concluded` quarantines them again if they were refused."""
        for span in spans:
            self.trials[span] += 1
            self.quarantined.pop(span, None)
            self.refused.pop(span, None)

    def _released(self, span: SpanContent) -> None:
        self.quarantined.pop(span, None)
        self.refused.pop(span, None)
        self.doubtful.pop(span, None)
        self.done.discard(span)
        self.released.add(span)
        # Rows that no run could use may be usable now, with other settings: the span is examined once more.
        self.examinations = [one for one in self.examinations if one.span != span or one.problem is None]
        self.failures[span_cause(span)] = 0


def span_cause(span: SpanContent) -> str:
    """The cause of a run for this span; the same for equal content under the same number."""
    return f"span {span.number} {span.fingerprint}"
