"""The retrainer: observes, decides, records the decision, acts, and records the result."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from components.errors import GreenlightError, MachineFault
from pipeline.failure import explain
from pipeline.retraining import attempts, observer
from pipeline.retraining.journal import Journal
from pipeline.retraining.model_client import LiveModel
from pipeline.retraining.paths import Paths
from pipeline.retraining.policy import triggers
from pipeline.retraining.policy.clock import Timestamp
from pipeline.retraining.policy.decision import decide, to_examine
from pipeline.retraining.policy.history import History
from pipeline.retraining.policy.observation import Drift, Observation
from pipeline.retraining.policy.records import (
    Compared,
    Content,
    Decided,
    Decision,
    Ended,
    Examined,
    Record,
    RolledBack,
    SpanContent,
    Trained,
    Watching,
)
from pipeline.workspace.layout import new_run_id

if TYPE_CHECKING:
    from pipeline.config import Settings
    from pipeline.retraining.notifier import Notifier

BUSY = "another run is using the workspace"
STOPPING = Decision(kind="wait", why="stopping")


@dataclasses.dataclass(frozen=True)
class Step:
    """A decision and, if it was a run, the result.

    Attributes:
      moment: the time of the decision.
      run: the id of the run.
      ended: the result of the run.
    """

    decision: Decision
    moment: Timestamp
    run: str | None = None
    ended: Ended | None = None

    @property
    def is_final(self) -> bool:
        """Whether nothing more can be decided at this time."""
        return self.decision.kind not in ("set-aside", "rollback")


class Retrainer:
    """Retrains in one workspace. The caller must hold `paths.exclusively()`.

    Args:
      clock: returns the current time.
      stop: when set, the current run is ended, and no other is started.
      notifier: reports decisions, runs and rollbacks.
      dry: decide, but write and do nothing.
    """

    def __init__(
        self,
        settings: Settings,
        paths: Paths,
        *,
        clock: Callable[[], Timestamp],
        stop: threading.Event,
        notifier: Notifier,
        dry: bool = False,
    ) -> None:
        self._settings = settings
        self._paths = paths
        self._clock = clock
        self._stop = stop
        self._notifier = notifier
        self.dry = dry
        self._journal = Journal(paths.journal)
        self._past, self._read_to = History(), -1
        self._no_spans: set[int] = set()
        self._spans = observer.SpanObserver(settings)
        self._live_model = LiveModel(settings, stop=stop)
        self._drift: Drift | None = None
        self._compared_at: Timestamp | None = None
        self._compared_version: int | None = None

    def step(self) -> Step:
        """Decides once and acts on the decision.

        Raises:
          GreenlightError: a read, a write or a call of the model failed. No unrecorded action was taken.
        """
        try:
            return self._step()
        except BrokenPipeError:  # the reader of the output has exited
            raise
        except OSError as error:  # a full disk must not end a watcher
            failure = explain(error, place=self._paths.workspace.root)
            kind = MachineFault if failure.machine else GreenlightError
            raise kind(failure.message) from error

    def _step(self) -> Step:
        self._reload_history()
        self._recover()
        decision = self._decide()
        moment = self._clock()
        if self._stop.is_set():  # set while deciding: the decision is not carried out
            return Step(STOPPING, moment)
        if self.dry:
            return Step(decision, moment)
        if decision.kind == "run":
            return self._run(decision, moment)
        self._record_unless_repeated(decision)
        if decision.kind == "set-aside":
            self._notifier.quarantined(decision)
        elif decision.kind == "rollback":
            self._roll_back(decision)
        return Step(decision, moment)

    def _reload_history(self) -> None:
        """Reads the journal again if it has changed: a person may have released a span."""
        if (size := self._journal.size()) != self._read_to:
            self._past, self._read_to = History(self._journal.records()), size

    def _recover(self) -> None:
        """Records the result of a run whose parent process died, and the start of the schedule."""
        attempt = self._past.open_attempt
        ended = attempts.recovered(attempt, self._settings, self._paths) if attempt else None
        if attempt is not None and ended is not None:
            if not self.dry:
                self._notifier.run_ended(attempt.decision, ended)
            self._record(ended)
        now = self._clock()
        if why := triggers.why_schedule_restarts(now.at, self._past, self._settings.retrain):
            self._record(Watching(why=why))
        self._adopt()

    def _adopt(self) -> None:
        """Records the spans of a live version that a person trained: a run of each would begin anew with the
        oldest, and its model, trained on less, could replace the live one.
        """
        live, _ = observer.live_and_previous_versions(self._settings, self._paths.workspace)
        if live is None or live.number in self._past.trained | self._no_spans or live.manifest is None:
            return
        if any(attempt.run == live.manifest.facts.run_id for attempt in self._past.attempts):
            return
        if spans := self._spans.trained_on(live):
            self._record(Trained(version=live.number, spans=spans))
        else:
            self._no_spans.add(live.number)

    def _decide(self) -> Decision:
        while not self._stop.is_set():
            seen = self._observe()
            span = to_examine(seen, self._past, self._settings.retrain)
            if span is None:
                return self._decide_on(seen)
            self._examine(span.key, live=seen.live)
        return STOPPING

    def _observe(self) -> Observation:
        live, previous = observer.live_and_previous(self._settings, self._paths)
        return Observation(
            now=self._clock(),
            spans=self._spans.observe(),
            needs_span=self._settings.data.has_spans,
            live=live,
            previous=previous,
            drift=self._compare(live),
        )

    def _decide_on(self, seen: Observation) -> Decision:
        decision = decide(seen, self._past, self._settings.retrain)
        if decision.kind == "run" and self._paths.workspace.in_use():
            return decide(dataclasses.replace(seen, busy=BUSY), self._past, self._settings.retrain)
        return decision

    def _examine(self, span: SpanContent, *, live: int | None) -> None:
        examination = self._live_model.span(span, live=live)
        if examination is not None:
            self._record(Examined(examination=examination))
            self._notifier.examined(examination)

    def _compare(self, live: int | None) -> Drift | None:
        """Compares served requests every `retrain.drift_minutes`; in between returns the last comparison."""
        retrain = self._settings.retrain
        if not retrain.on_drift or live is None:
            return None
        if live != self._compared_version:
            self._compared_version, self._compared_at, self._drift = live, None, None
        now = self._clock()
        if self._compared_at is None or now.since(self._compared_at) >= 60 * retrain.drift_minutes:
            self._compared_at = now
            told = self._live_model.served()
            if told is not None:
                self._drift = Drift(drift=told["drift"], findings=told["findings"], problem=told["problem"])
                self._report_drift(live, self._drift)
        return self._drift

    def _report_drift(self, live: int, drift: Drift) -> None:
        """Records and reports drift when it begins or ends, or when another version is live."""
        before = self._past.last_comparison
        if before is not None and (before.live, before.drift) == (live, drift.drift):
            return
        compared = Compared(live=live, drift=drift.drift, findings=drift.findings, problem=drift.problem)
        self._record(compared)
        if drift.drift and not self.dry:
            self._notifier.drift_detected(compared, self._clock())

    def _run(self, decision: Decision, moment: Timestamp) -> Step:
        """Runs the decision. It is on the disk before the run starts, and its end before any other action."""
        run_id = new_run_id()
        settings = attempts.run_settings(self._settings, decision)
        self._record(Decided(decision=decision, run=run_id))
        attempt = self._past.attempts[-1]
        self._notifier.run_started(decision, run_id, moment)
        child = attempts.start(settings, run_id, self._paths)
        ended = attempts.finish(child, attempt, settings, self._paths, stop=self._stop)
        self._notifier.run_ended(decision, ended)
        self._record(ended)
        return Step(decision, moment, run_id, ended)

    def _record_unless_repeated(self, decision: Decision) -> None:
        """Records a decision, unless it does nothing and equals the last recorded one."""
        last = self._past.last_decision
        if decision.kind in ("nothing", "wait") and last is not None and _same(decision, last):
            return
        if decision is not self._past.pending_rollback:
            self._record(Decided(decision=decision))

    def _roll_back(self, decision: Decision) -> None:
        """Rolls the version back, unless a person or this process before a crash has done so."""
        from components.store_errors import as_greenlight_errors
        from pipeline.workspace.version_store import store_root
        from serving.versions import VersionStore

        assert decision.version is not None
        with as_greenlight_errors():
            settings = self._settings
            store = VersionStore(store_root(settings), single_writer=settings.push.single_writer)
            live = store.live()
            if live is not None and live.number == decision.version:
                store.rollback(decision.why, expect=decision.version)
                live = store.live()
        rolled_back = RolledBack(
            version=decision.version, live=live.number if live else None, why=decision.why
        )
        self._notifier.rolled_back(rolled_back)
        self._record(rolled_back)

    def _record(self, content: Content) -> None:
        moment = self._clock()
        if self.dry:
            self._past.take(Record(moment, content))
        else:
            self._past.take(self._journal.append(moment, content))  # the next step reads the journal again


def _same(decision: Decision, last: Decision) -> bool:
    """Whether two decisions that do nothing are equal, apart from the time to wait."""
    if decision.kind == "nothing":
        return (last.kind, last.why) == (decision.kind, decision.why)
    return (last.kind, last.cause) == (decision.kind, decision.cause)
