"""The observed state that a decision depends on: spans, versions, running work and drift."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.retraining.policy.clock import Timestamp
from pipeline.retraining.policy.records import SpanContent


@dataclasses.dataclass(frozen=True, kw_only=True)
class ObservedSpan:
    """A span in the source; `ready` once it is complete and its files have settled."""

    key: SpanContent
    rows: int = 0
    ready: bool = True


@dataclasses.dataclass(frozen=True, kw_only=True)
class Drift:
    """The result of comparing served traffic with the live model's training data."""

    drift: bool
    findings: Sequence[Mapping[str, Any]] = ()
    problem: str | None = None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Observation:
    """The observed state that a decision depends on, besides the history.

    Attributes:
      now: the current time.
      spans: one content per number.
      needs_span: whether a run without a span has nothing to read.
      live, previous: the numbers of the versions; None if there is none.
      busy: what else is running in this workspace, for people; "" if nothing is.
      drift: None if nothing was compared.
    """

    now: Timestamp
    spans: Sequence[ObservedSpan] = ()
    needs_span: bool = False
    live: int | None = None
    previous: int | None = None
    busy: str = ""
    drift: Drift | None = None
