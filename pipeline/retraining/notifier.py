"""The notifier of retraining: console lines and alerts on decisions, runs, rollbacks and drift."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from components.errors import GreenlightError, InputError
from pipeline.alerts.alert import Alert
from pipeline.alerts.run_alert import EVENTS
from pipeline.results.data_account import first_left_out, in_words
from pipeline.results.outcome import RunResult
from pipeline.retraining.policy.clock import Timestamp, read_clock
from pipeline.retraining.policy.records import (
    KILLED,
    Compared,
    Decided,
    Decision,
    Ended,
    Examination,
    Examined,
    Record,
    RolledBack,
    Trained,
    Watching,
)
from pipeline.retraining.policy.triggers import label_words
from pipeline.settings.alerts import EventName

if TYPE_CHECKING:
    from pipeline.alerts.outbox import Outbox
    from pipeline.retraining.paths import Paths


class Notifier:
    """Writes console lines and queues alerts.

    Args:
      model: the model's name, the first word of each alert's title.
      say: prints a line.
      outbox: queues the alerts.
      live: returns the number of the live version, or None.
    """

    def __init__(
        self,
        *,
        model: str,
        paths: Paths,
        outbox: Outbox,
        say: Callable[[str], None],
        live: Callable[[], int | None],
    ) -> None:
        self._model = model
        self._paths = paths
        self._outbox = outbox
        self._say = say
        self._live = live

    def run_started(self, decision: Decision, run: str, moment: Timestamp) -> None:
        self._line(moment, f"run: {decision.why} (run {run})")

    def examined(self, examination: Examination) -> None:
        """Reports what was left out of an examination."""
        if examination.previous_problem is not None:
            self._line(read_clock(), f"{examination.span} is {_without_previous(examination)}")

    def decided(self, decision: Decision, moment: Timestamp, *, dry_run: bool = False) -> None:
        """Reports a decision. Runs are reported when they start and end, except in a dry run."""
        if decision.kind != "run" or dry_run:
            subject = f"{_spans(decision)} quarantined" if decision.kind == "set-aside" else decision.kind
            self._line(moment, f"{subject}: {decision.why}")

    def cannot_decide(self, error: str) -> None:
        """Reports the error that prevents decisions."""
        moment = read_clock()
        self._line(moment, f"cannot decide: {error}")
        key = f"trouble-{moment.at:%Y%m%dT%H%M%S}"
        title = f"{self._model}: retraining cannot decide"
        self._alert(key, "failed", title, version=self._version(), reasons=(error,))

    def run_ended(self, decision: Decision, ended: Ended) -> None:
        """Reports the end of a run."""
        live = f"version {ended.version} is live" if ended.version else "no version is live"
        words = [f"{ended.verdict}: {live}", *filter(None, [ended.noted]), *ended.reasons, *_account(ended)]
        words += [_quarantined(number, ended) for number in ended.set_aside]
        self._line(read_clock(), "; ".join(words))
        event = EVENTS.get("failed" if ended.verdict == KILLED else ended.verdict)
        if event is None:
            return
        result = self._result(ended.run)
        self._alert(
            f"{ended.run}-{event}",
            event,
            f"{self._model}: {event}, {live} ({decision.why})",
            run=ended.run,
            version=ended.version,
            trigger=decision.trigger,
            reasons=(*ended.reasons, *(_quarantined(number, ended) for number in ended.set_aside)),
            metrics=result.metrics if result else {},
            report=result.report if result else None,
        )

    def quarantined(self, decision: Decision) -> None:
        names = "-".join(f"{span.number}-{span.fingerprint[:12]}" for span in decision.covers)
        title = f"{self._model}: {_spans(decision)} is quarantined, nothing was trained on it"
        self._alert(
            f"set-aside-{names}",
            "stopped",
            title,
            version=self._version(),
            trigger=decision.trigger,
            reasons=(decision.why,),
        )

    def rolled_back(self, done: RolledBack) -> None:
        live = f"version {done.live} is live" if done.live else "no version is live"
        title = f"{self._model}: version {done.version} was rolled back, {live}"
        self._line(read_clock(), title)
        version = str(done.live) if done.live else None
        self._alert(f"rolled-back-{done.version}", "rolled_back", title, version=version, reasons=(done.why,))

    def drift_detected(self, compared: Compared, moment: Timestamp) -> None:
        reasons = [str(one.get("why") or one["name"]) for one in compared.findings if one.get("exceeded")]
        title = f"{self._model}: the traffic of version {compared.live} has drifted"
        self._line(moment, "; ".join([title, *reasons]))
        key = f"drift-{compared.live}-{moment.at:%Y%m%dT%H%M%S}"
        self._alert(key, "drift", title, version=str(compared.live), trigger="drift", reasons=reasons)

    def _alert(self, key: str, event: EventName, title: str, *, reasons: Sequence[str], **facts) -> None:
        alert = Alert(
            id=key,
            event=event,
            at=read_clock().at.isoformat(timespec="seconds"),
            title=title,
            model=self._model,
            workspace=str(self._paths.workspace.root),
            reasons=tuple(reasons),
            **facts,
        )
        try:
            self._outbox.send(alert)
        except GreenlightError as error:  # a full disk must not prevent the record of the run's end
            self._say(f"The alert was not kept: {error}")

    def _version(self) -> str | None:
        try:
            live = self._live()
        except GreenlightError:  # the store itself may be the problem
            return None
        return None if live is None else str(live)

    def _result(self, run: str) -> RunResult | None:
        try:
            return RunResult.load(self._paths.workspace.result(run))
        except InputError:
            return None

    def _line(self, moment: Timestamp, text: str) -> None:
        self._say(f"{moment.at:%Y-%m-%d %H:%M:%SZ}  {text}")


def _account(ended: Ended) -> list[str]:
    """The counts of rows that the run read, in one line with the first rows that it skipped."""
    if not ended.data:
        return []
    first = "; ".join(first_left_out(ended.data))
    return [in_words(ended.data) + (f": {first}" if first else "")]


def _quarantined(number: int, ended: Ended) -> str:
    if number not in ended.refused:
        return f"span {number} is quarantined"
    return (
        f"span {number} is quarantined, since the gate refused its run for a loss: later runs leave it out "
        "until it is tried again (retrain.refused_trials) or released "
        f"(greenlight retrain --release {number} --reason TEXT)"
    )


def _spans(decision: Decision) -> str:
    return ", ".join(map(str, decision.covers))


def history_line(record: Record) -> str:
    """One record of the journal as a line for people."""
    content, at = record.content, f"{record.moment.at:%Y-%m-%d %H:%M:%SZ}"
    if isinstance(content, Watching):
        return f"{at}  schedule   counts from now on: {content.why}"
    if isinstance(content, Trained):
        spans = ", ".join(map(str, content.spans))
        return f"{at}  trained    version {content.version}, by a run of a person, on {spans}"
    if isinstance(content, Examined):
        return f"{at}  examined   {_seen(content.examination)}"
    if isinstance(content, Compared):
        return f"{at}  compared   served traffic: {'drift' if content.drift else 'no drift'}"
    if isinstance(content, Decided):
        if content.decision.kind == "set-aside":
            return f"{at}  quarantined  {_spans(content.decision)}: {content.decision.why}"
        return f"{at}  {content.decision.kind:<9}  {content.decision.why}"
    if isinstance(content, Ended):
        words = [content.run, *content.reasons, *filter(None, [content.noted]), *_account(content)]
        words += [_quarantined(number, content) for number in content.set_aside]
        return f"{at}  {content.verdict:<9}  {'; '.join(words)}"
    if isinstance(content, RolledBack):
        return f"{at}  rolled back  version {content.version}, version {content.live} is live: {content.why}"
    return f"{at}  released   {content.span} by {content.who}: {content.why}"


def _without_previous(examination: Examination) -> str:
    return f"measured without the previous version: {examination.previous_problem}"


def _seen(examination: Examination) -> str:
    if examination.problem is not None:
        return f"{examination.span}: {examination.problem}"
    data = examination.data
    words = f"{examination.span}: " + (
        in_words(data) if data and data["left_out"] else f"{examination.rows:,} rows"
    )
    if examination.in_base:
        words += f", {examination.in_base:,} of them packaged reviews"
    if examination.accuracy is not None:
        words += f", version {examination.live} gets {examination.accuracy:.4f} right"
    if examination.previous_accuracy is not None:
        words += f", version {examination.previous} {examination.previous_accuracy:.4f}"
    if examination.previous_problem is not None:
        words += f", {_without_previous(examination)}"
    if labels := label_words(examination):
        words += f", {labels}"
    return words
