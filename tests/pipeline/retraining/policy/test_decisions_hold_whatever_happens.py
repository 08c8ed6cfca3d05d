"""The decision core against everything that can happen: spans, clocks, crashes, in any order (hypothesis)."""

import datetime
import itertools

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from pipeline.retraining.policy import rate_limits, triggers
from pipeline.retraining.policy.clock import Timestamp
from pipeline.retraining.policy.decision import decide, pending, to_examine
from pipeline.retraining.policy.history import History
from pipeline.retraining.policy.observation import Drift, Observation, ObservedSpan
from pipeline.retraining.policy.records import (
    CONCLUDED,
    Decided,
    Ended,
    Examination,
    Examined,
    Record,
    RolledBack,
    SpanContent,
    Watching,
)
from pipeline.settings.retrain import RetrainSettings

START = datetime.datetime(2026, 3, 28, 12, tzinfo=datetime.UTC)
RUNS_PER_DAY = 3
VERDICTS = ["promoted", "unchanged", "refused", "stopped", "failed", "interrupted", "killed"]


class Retraining(RuleBasedStateMachine):
    """A machine with spans, clocks and a journal. What happens between two decisions is drawn."""

    @initialize(
        on_span=st.booleans(),
        schedule=st.sampled_from([None, "0 3 * * *", "30 2 * * *"]),
        on_drift=st.booleans(),
        floor=st.sampled_from([None, 0.8]),
        needs_span=st.booleans(),
    )
    def start(self, on_span, schedule, on_drift, floor, needs_span):
        self.needs_span = needs_span
        self.settings = RetrainSettings(
            on_span=on_span,
            schedule=schedule,
            time_zone="Europe/Berlin",
            on_drift=on_drift,
            decay_floor=floor,
            runs_per_day=RUNS_PER_DAY,
            max_attempts=4,
        )
        self.real = 0.0  # seconds since the start of the world, which no clock shows
        self.booted, self.boot = 0.0, 1
        self.clock_error = 0.0
        self.lines: list[Record] = []
        self.spans: dict[int, str] = {}
        self.half_written: set[int] = set()
        self.bad: set[SpanContent] = set()
        self.landed: set[SpanContent] = set()
        self.starts: list[tuple[float, int]] = []
        self.breaks: list[tuple[float, int]] = []
        self.concluded: list[SpanContent] = []
        self.live, self.previous = 1, None
        self.drifting = self.busy = False
        self.ids = itertools.count(1)

    # What the world does.

    def now(self) -> Timestamp:
        at = START + datetime.timedelta(seconds=self.real + self.clock_error)
        return Timestamp(at, f"boot {self.boot}", self.real - self.booted)

    def append(self, content):
        self.lines.append(Record.from_json(Record(self.now(), content).to_json()))

    @rule(seconds=st.sampled_from([1, 20, 301, 3600, 6 * 3600, 86_400, 9 * 86_400]))
    def time_passes(self, seconds):
        self.real += seconds

    @rule(seconds=st.sampled_from([-86_400 * 400, -86_400, -7200, -3600, -5, 5, 3600, 86_400, 86_400 * 400]))
    def the_clock_is_set(self, seconds):
        self.clock_error += seconds

    @rule()
    def the_machine_starts_again(self):
        self.boot += 1
        self.booted = self.real

    @rule(number=st.integers(1, 6), content=st.sampled_from("ab"), bad=st.booleans(), whole=st.booleans())
    def a_span_comes_or_changes(self, number, content, bad, whole):
        key = SpanContent(number, content)
        self.spans[number] = content
        self.half_written.discard(number)
        if not whole:
            self.half_written.add(number)
        if bad and key not in self.landed:
            self.bad.add(key)
        self.landed.add(key)

    @rule(number=st.integers(1, 6))
    def a_span_is_removed(self, number):
        self.spans.pop(number, None)
        self.half_written.discard(number)

    @precondition(lambda self: self.half_written)
    @rule()
    def a_copy_gets_whole(self):
        self.half_written.pop()

    @rule()
    def the_traffic_changes(self):
        self.drifting = not self.drifting

    @rule()
    def a_person_starts_or_ends_a_run_of_their_own(self):
        self.busy = not self.busy

    # What the watcher does: real code decides, the world draws what comes of it.

    def seen(self) -> Observation:
        spans = [
            ObservedSpan(key=SpanContent(number, content), rows=200, ready=number not in self.half_written)
            for number, content in sorted(self.spans.items())
        ]
        return Observation(
            now=self.now(),
            spans=spans,
            needs_span=self.needs_span,
            live=self.live,
            previous=self.previous,
            busy="a person's run is under way" if self.busy else "",
            drift=Drift(drift=self.drifting),
        )

    @rule(
        verdict=st.sampled_from(VERDICTS),
        dies=st.sampled_from(["", "before", "after"]),
        accuracy=st.sampled_from([0.7, 0.9]),
        lost=st.integers(0, 40),
    )
    def the_watcher_looks(self, verdict, dies, accuracy, lost):
        self.look(verdict, dies, accuracy, lost)

    def look(self, verdict, dies="", accuracy=0.9, lost=0):
        """One pass; `dies` names the moment around the run's end at which the watcher is killed."""
        past = History(self.lines)
        if attempt := past.open_attempt:  # what a start after a crash does
            found = self.outcome if self.outcome in CONCLUDED else "killed"
            self.ended(attempt.run, attempt.decision, found)
            return None
        if why := triggers.why_schedule_restarts(self.now().at, past, self.settings):
            self.append(Watching(why=why))
            past = History(self.lines)
        while span := to_examine(self.seen(), past, self.settings):
            self.examine(span.key, accuracy, lost)
            past = History(self.lines)
        decision = decide(self.seen(), past, self.settings)
        if decision.kind == "run":
            self.run(decision, past, verdict, dies)
        elif decision.kind == "set-aside":
            self.append(Decided(decision=decision))
        elif decision.kind == "rollback":
            self.append(Decided(decision=decision))
            assert decision.version == self.live
            self.live, self.previous = self.previous, None
            self.append(RolledBack(version=decision.version, live=self.live, why=decision.why))
        return decision

    def examine(self, key, accuracy, lost):
        flipped = key in self.bad
        self.append(
            Examined(
                examination=Examination(
                    span=key,
                    rows=200,
                    live=self.live,
                    accuracy=0.1 if flipped else accuracy,
                    previous=self.previous,
                    previous_accuracy=None if self.previous is None else accuracy,
                    previous_only=lost,
                )
            )
        )

    def run(self, decision, past, verdict, dies):
        self.check_rate_limits(past)
        if decision.newest is None:
            assert not self.needs_span, "a run has nothing that it may read"
        else:
            assert decision.newest in self.spans.keys() - set(decision.without), "the newest span is gone"
        for key in decision.covers:
            assert key not in self.concluded, "a span is run twice"
            assert key.number not in self.half_written, "half a span is run"
            assert self.spans[key.number] == key.fingerprint
        for number, content in self.spans.items():
            if number <= (decision.newest or 0) and number not in decision.without:
                key = SpanContent(number, content)
                assert key not in self.bad, "a model is trained on flipped labels"
                assert number not in self.half_written, "half a span is read"
                assert key in self.concluded or key in decision.covers, "a span is read that was not examined"
        self.starts.append((self.real, self.boot))
        run = f"run {next(self.ids)}"
        self.append(Decided(decision=decision, run=run))
        if dies == "before":
            self.outcome = "killed"
            return
        self.real += 15
        self.outcome = verdict
        if dies != "after":
            self.ended(run, decision, verdict)

    def ended(self, run, decision, verdict):
        aside = [key.number for key in decision.covers] if verdict == "stopped" else []
        self.append(Ended(run=run, verdict=verdict, set_aside=aside))
        if verdict in CONCLUDED:
            self.concluded += decision.covers
            self.breaks.clear()
        elif verdict != "interrupted":
            self.breaks.append((self.real, self.boot))
        if verdict == "promoted":
            self.previous, self.live = self.live, self.live + 1

    # What has to hold.

    def check_rate_limits(self, past):
        """By the real time, within one start of the machine, whatever the clock shows."""
        today = [
            at for at, boot in self.starts if boot == self.boot and self.real - at < rate_limits.DAY_SECONDS
        ]
        assert len(today) < RUNS_PER_DAY, "more runs a day than the budget"
        if self.breaks and self.breaks[-1][1] == self.boot:
            waited = self.real - self.breaks[-1][0]
            assert waited >= rate_limits.back_off_seconds(len(past.consecutive_failures), self.settings), (
                "no back-off"
            )

    @invariant()
    def no_span_comes_to_a_verdict_twice(self):
        assert len(set(self.concluded)) == len(self.concluded)

    def teardown(self):
        """From any state: when nothing breaks any more, everything that is there and whole gets its turn."""
        if not hasattr(self, "spans"):
            return
        self.busy, self.half_written = False, set()
        asked = set()
        for _ in range(120):
            decision = self.look("refused")
            if decision is not None and decision.kind == "run":
                asked.add(decision.trigger)
            self.real += 1 if decision is None else min(decision.retry_in or 3600, 86_400)
        past, seen = History(self.lines), self.seen()
        waiting = {span.key for span in pending(seen, past)}
        if self.settings.on_span:
            assert not waiting, "a span is skipped"
        if self.settings.schedule is not None and not (self.needs_span and self.nothing_to_read()):
            assert "schedule" in asked, "the schedule fell silent"
        for number, content in self.spans.items():
            key = SpanContent(number, content)
            assert key in past.done or key in past.quarantined or not self.settings.on_span

    def nothing_to_read(self) -> bool:
        past = History(self.lines)
        return not any(
            SpanContent(*span) in past.done - past.quarantined.keys() for span in self.spans.items()
        )


Retraining.TestCase.settings = settings(
    max_examples=60,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
TestWhateverHappens = Retraining.TestCase
