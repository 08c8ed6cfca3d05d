"""The record beside a landed span: its row counts."""

from __future__ import annotations

import dataclasses
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from components.example_gen.sources.spans import Span

if TYPE_CHECKING:
    from pipeline.spans.account import Account

RECORD = ".span.json"
"""The file of the record, hidden from patterns of examples."""


@dataclasses.dataclass(frozen=True)
class SpanRecord:
    """The record of a span when it was landed."""

    rows: int
    taken: int
    bad_rows: int
    positive: int | None
    """None with more than two classes."""
    duplicates: int
    contradictions: int
    fingerprint: str
    """Of the content; see `components.example_gen.sources.file_fingerprints.content_fingerprint`."""
    file: str
    size: int
    modified: float
    origin: str
    """The path that it was landed from."""
    added: str
    """The time in UTC, ISO 8601."""
    left_out: dict[str, int] = dataclasses.field(default_factory=dict)
    """Reason -> rows that are not used."""
    left_out_labels: dict[str, int] = dataclasses.field(default_factory=dict)
    """Label -> rows that `data.labels` leaves out."""
    first_left_out: list[str] = dataclasses.field(default_factory=list)
    """File, line and reason of the first ones."""
    data: dict[str, Any] = dataclasses.field(default_factory=dict)
    """The counts of the rows, see `Reading.account`."""
    classes: dict[str, int] = dataclasses.field(default_factory=dict)
    """Name of the class -> examples; older records have none."""

    @classmethod
    def of(cls, counted: Account, **facts: Any) -> SpanRecord:
        return cls(
            rows=counted.reading.rows,
            taken=counted.reading.taken,
            bad_rows=counted.reading.bad_rows,
            positive=counted.positive,
            duplicates=counted.duplicates,
            contradictions=counted.contradictions,
            left_out=counted.account["left_out"],
            left_out_labels=counted.account["left_out_labels"],
            first_left_out=counted.account["first_left_out"],
            data=counted.account,
            classes=dict(counted.reading.classes),
            **facts,
        )

    def to_json(self) -> str:
        return json.dumps(dataclasses.asdict(self), indent=1) + "\n"


def record_of(span: Span) -> SpanRecord | None:
    """The record of a span; None if it was not landed by Greenlight, or was changed since."""
    if len(span.files) != 1:
        return None
    (file,) = span.files
    try:
        kept = SpanRecord(**json.loads(Path(file.path).with_name(RECORD).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
    found = (os.path.basename(file.path), file.size, file.modified)
    complete = bool(kept.data)  # older ones have no account
    return kept if complete and (kept.file, kept.size, kept.modified) == found else None
