"""An alert: an event with a title for people and fields for programs."""

from __future__ import annotations

import dataclasses
import socket
from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.settings.alerts import EventName


@dataclasses.dataclass(frozen=True, kw_only=True)
class Alert:
    """An event of a run or of retraining.

    Attributes:
      id: equal for equal events, so that a receiver can drop duplicates.
      at: UTC in ISO 8601.
      title: the line for people.
      version: the version that is live now.
    """

    id: str
    event: EventName
    at: str
    title: str
    model: str
    workspace: str
    run: str | None = None
    version: str | None = None
    trigger: str | None = None
    reasons: Sequence[str] = ()
    metrics: Mapping[str, float | None] = dataclasses.field(default_factory=dict)
    report: str | None = None
    host: str = dataclasses.field(default_factory=socket.gethostname)

    def to_json(self) -> dict[str, Any]:
        return dataclasses.asdict(self)

    def as_text(self) -> str:
        """The title and the reasons, for a chat."""
        return "\n".join([self.title, *(f"• {reason}" for reason in self.reasons)])
