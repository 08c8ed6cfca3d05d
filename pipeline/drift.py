"""Whether a file, a span or what was served differs from what the live model was trained on."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from components.drift.findings import DriftReport

if TYPE_CHECKING:
    from pipeline.config import Settings


@dataclasses.dataclass(frozen=True)
class FileInput:
    """Reviews in a file, labelled or not: CSV, TSV, JSONL, TXT (a text a line) or TFRecord."""

    path: str


@dataclasses.dataclass(frozen=True)
class SpanInput:
    """A span of `data.source`."""

    number: int


@dataclasses.dataclass(frozen=True)
class ServedInput:
    """The sampled requests that the server logged since `since`, in seconds since the epoch.

    Without it, those of the last `drift.request_hours`.
    """

    since: float | None = None


DriftInput = FileInput | SpanInput | ServedInput


def compare(settings: Settings, what: DriftInput, *, against: SpanInput | None = None) -> DriftReport:
    """Compares `what` with the live model's training data, or with the span `against`.

    Raises:
      InputError: there is nothing live, nothing to compare, or the training data is gone.
    """
    raise NotImplementedError
