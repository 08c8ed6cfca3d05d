"""The records of the journal: examinations, decisions and results."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple, Self

from pipeline.retraining.policy.clock import Timestamp

Kind = Literal["run", "nothing", "wait", "set-aside", "rollback"]
"""`set-aside` quarantines a span; journals and `--json` keep this spelling, people read `quarantined`."""
Trigger = Literal["", "span", "decay", "drift", "schedule", "trial"]

NOT_STARTED = "not started"
INTERRUPTED = "interrupted"
KILLED = "killed"
CONCLUDED = frozenset({"promoted", "unchanged", "refused", "stopped"})
BROKEN = frozenset({"failed", KILLED})


class SpanContent(NamedTuple):
    """One content of one span: where the files change, it is another."""

    number: int
    fingerprint: str

    def __str__(self) -> str:
        return f"span {self.number}"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Examination:
    """A span seen through the eyes of the live model, before anything is trained on it.

    problem: why its rows cannot be used; None where they can.
    in_base: rows that add nothing to a run, which reads the packaged reviews too and keeps their copies.
    live: the version that was asked; None where none is live, and then nothing below is known.
    sure, sure_wrong: rows that the live model is sure of, and how many of these have the other label.
    live_only, previous_only: rows that only this one of the two models gets right.
    suspects, examined: rows whose label is probably wrong (components.label_check), of those it examined.
    suspect_rows: the first of them by file and line, the most probably wrong ones first.
    labels_not_judged: why the label check can say nothing; None where it can.
    data: the account of its rows, as the result of a run has it; None where they could not be read.
    """

    span: SpanContent
    rows: int = 0
    in_base: int = 0
    problem: str | None = None
    live: int | None = None
    accuracy: float | None = None
    sure: int = 0
    sure_wrong: int = 0
    previous: int | None = None
    previous_accuracy: float | None = None
    live_only: int = 0
    previous_only: int = 0
    suspects: int = 0
    examined: int = 0
    suspect_rows: Sequence[str] = ()
    labels_not_judged: str | None = None
    data: Mapping[str, Any] | None = None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Decision:
    """What is to be done, and why.

    cause: names what a run is for; the same cause is never run to its end twice.
    covers: the spans that the run deals with, or that are quarantined.
    newest: the highest span that the run reads; None for a run that reads none.
    without: the spans up to there that it may not: quarantined, not complete, or not looked at yet.
    refused: of these, the ones that are quarantined because the gate refused their own run for a loss.
    due: of a scheduled run, when it was due (ISO 8601).
    retry_in: seconds after which it is worth asking again, where that is known.
    version: of a rollback, the version to take out.
    """

    kind: Kind
    why: str
    trigger: Trigger = ""
    cause: str = ""
    covers: Sequence[SpanContent] = ()
    newest: int | None = None
    without: Sequence[int] = ()
    refused: Sequence[int] = ()
    due: str | None = None
    retry_in: float | None = None
    version: int | None = None
    evidence: Mapping[str, Any] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Watching:
    """The schedule counts from this moment on: the first look, and again after the clock was set back."""

    why: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class Examined:
    examination: Examination


@dataclasses.dataclass(frozen=True, kw_only=True)
class Decided:
    """`run` is the id that the run was given before it started: the intent, whatever came of it."""

    decision: Decision
    run: str | None = None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Ended:
    """What became of a run: a verdict of `greenlight run`, or that it was interrupted (stopped on purpose),
    killed, or never started. `noted` says who found out, where it was not the process that started it;
    `set_aside` are the numbers of its spans that are quarantined for how it ended; of these `refused` are the
    ones that the gate refused for a loss. `machine_fault`: it says nothing of the spans. `data` is the
    account of the rows that the run read, as its result has it.
    """

    run: str
    verdict: str
    exit_code: int | None = None
    version: str | None = None
    reasons: Sequence[str] = ()
    noted: str = ""
    set_aside: Sequence[int] = ()
    refused: Sequence[int] = ()
    machine_fault: bool = False
    data: Mapping[str, Any] | None = None


@dataclasses.dataclass(frozen=True, kw_only=True)
class RolledBack:
    version: int
    live: int | None
    why: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class Compared:
    """Served traffic beside what version `live` was trained on; `problem` where that could not be done."""

    live: int
    drift: bool
    findings: Sequence[Mapping[str, Any]] = ()
    problem: str | None = None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Released:
    """A person released a quarantined span: later runs may read it."""

    span: SpanContent
    who: str
    why: str


Content = Watching | Examined | Compared | Decided | Ended | RolledBack | Released
KINDS: Mapping[str, type[Content]] = {
    "watching": Watching,
    "examined": Examined,
    "compared": Compared,
    "decided": Decided,
    "ended": Ended,
    "rolled back": RolledBack,
    "released": Released,
}
_NAMES = {kind: name for name, kind in KINDS.items()}


@dataclasses.dataclass(frozen=True)
class Record:
    """One line of the journal."""

    moment: Timestamp
    content: Content

    def to_json(self) -> dict[str, Any]:
        return {
            **self.moment.to_json(),
            "kind": _NAMES[type(self.content)],
            **dataclasses.asdict(self.content),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """What `to_json` wrote; keys of a newer Greenlight are ignored.

        Raises:
          KeyError, ValueError, TypeError, AttributeError: it is something else.
        """
        kind = KINDS[data["kind"]]
        values = _known(kind, data)
        if kind is Examined:
            values["examination"] = _examination(values["examination"])
        elif kind is Decided:
            values["decision"] = _decision(values["decision"])
        elif kind is Released:
            values["span"] = SpanContent(*values["span"])
        return cls(Timestamp.from_json(data), kind(**values))


def _known(kind: type[Any], data: Mapping[str, Any]) -> dict[str, Any]:
    names = {field.name for field in dataclasses.fields(kind)}
    return {key: value for key, value in data.items() if key in names}


def _examination(data: Mapping[str, Any]) -> Examination:
    rows = tuple(data.get("suspect_rows", ()))
    return Examination(
        **_known(Examination, data) | {"span": SpanContent(*data["span"]), "suspect_rows": rows}
    )


def _decision(data: Mapping[str, Any]) -> Decision:
    covers = tuple(SpanContent(*key) for key in data.get("covers", ()))
    numbers = {name: tuple(data.get(name, ())) for name in ("without", "refused")}
    return Decision(**_known(Decision, data) | {"covers": covers, **numbers})
