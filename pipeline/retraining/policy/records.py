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
    """The content of a span: its number and the hash of its files. Changed files are another content."""

    number: int
    fingerprint: str

    def __str__(self) -> str:
        return f"span {self.number}"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Examination:
    """A span as the live model predicts it, before anything is trained on it.

    Attributes:
      span: the span.
      rows: the number of usable rows.
      in_base: rows that are packaged reviews; a run that also reads those keeps the packaged copies.
      problem: why its rows cannot be used; None if they can.
      live: the version that predicted; None if none is live, and then the fields below are unset.
      accuracy: the share of rows, 0 to 1, whose label the live version predicts.
      sure, sure_wrong: rows that the live version is sure of, and those of them with the other label.
      previous, previous_accuracy: the previous version and its accuracy; None without one that can be loaded.
      previous_problem: why the previous version may not be loaded, a sentence; else None.
      live_only, previous_only: rows that only this one of the two versions gets right.
      suspects, examined: rows whose label is probably wrong (components.label_check), and rows checked.
      suspect_rows: FILE:LINE of the first of them, the most probable errors first.
      labels_not_judged: why the label check has no result; None if it has.
      label_limit_applies: whether it learned from enough texts to hold the share of suspects against a limit.
      data: the counts of its rows, as in the result of a run; None if they could not be read.
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
    previous_problem: str | None = None
    live_only: int = 0
    previous_only: int = 0
    suspects: int = 0
    examined: int = 0
    suspect_rows: Sequence[str] = ()
    labels_not_judged: str | None = None
    label_limit_applies: bool = True
    data: Mapping[str, Any] | None = None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Decision:
    """The next action and its reason.

    Attributes:
      kind: the action.
      why: the reason, for people.
      trigger: what asked for it.
      cause: the identity of a run's purpose; no cause gets two verdicts.
      covers: the spans that the run is for, or that are quarantined.
      newest: the largest number of a span that the run reads; None if it reads none.
      without: the numbers below it that it must not read: quarantined, incomplete, or not yet examined.
      refused: those of them that are quarantined because the gate refused their own run for a loss.
      due: when a scheduled run was due (ISO 8601).
      retry_in: seconds after which to decide again, if known.
      version: the version to roll back.
      evidence: the figures behind the decision, for JSON.
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
    """The schedule counts from this time on: at the first decision, and after the clock was set back."""

    why: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class Trained:
    """The live version `version` came out of a run of a person, which read `spans`: they get none of their
    own.
    """

    version: int
    spans: Sequence[SpanContent]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Examined:
    """A span was examined."""

    examination: Examination


@dataclasses.dataclass(frozen=True, kw_only=True)
class Decided:
    """A decision was made. `run`: the id of the run, recorded before it starts."""

    decision: Decision
    run: str | None = None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Ended:
    """A run ended.

    Attributes:
      run: its id.
      verdict: that of `greenlight run`, or INTERRUPTED (stopped on purpose), KILLED or NOT_STARTED.
      exit_code: that of its process; None if it never started.
      version: the live version afterwards.
      reasons: for people.
      noted: how the end was found out, if not by the process that started the run.
      set_aside: the numbers of its spans that are quarantined because of the result.
      refused: those of them that the gate refused for a loss.
      machine_fault: whether the machine is to blame; then no span is.
      data: the counts of the rows that the run read, as in its result.
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
    """Version `version` was rolled back; `live` is live now, None if no version is."""

    version: int
    live: int | None
    why: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class Compared:
    """Served requests were compared with the training data of version `live`; `problem`: why not, if so."""

    live: int
    drift: bool
    findings: Sequence[Mapping[str, Any]] = ()
    problem: str | None = None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Released:
    """A person (`who`) released a quarantined span, so that later runs may read it."""

    span: SpanContent
    who: str
    why: str


Content = Watching | Trained | Examined | Compared | Decided | Ended | RolledBack | Released
KINDS: Mapping[str, type[Content]] = {
    "watching": Watching,
    "trained": Trained,
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
        """The inverse of `to_json`; keys of a newer Greenlight are ignored.

        Raises:
          KeyError, ValueError, TypeError, AttributeError: the data is not a record.
        """
        kind = KINDS[data["kind"]]
        values = _known(kind, data)
        if kind is Trained:
            values["spans"] = tuple(SpanContent(*key) for key in values["spans"])
        elif kind is Examined:
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
