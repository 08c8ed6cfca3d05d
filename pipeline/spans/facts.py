"""The facts of each span for `greenlight data list`: row counts, and the runs that read it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from components.errors import InputError
from components.example_gen.sources.spans import Span
from pipeline.spans.listing import list_spans, span_data
from pipeline.spans.record import record_of

if TYPE_CHECKING:
    from components.example_gen.settings import DataSettings
    from pipeline.config import Settings


@dataclass(frozen=True)
class SpanFacts:
    """One span, in its newest version."""

    span: int
    version: int | None
    files: list[str]
    size: int
    """Bytes."""
    modified: float
    """Seconds since 1970."""
    fingerprint: str
    """The fingerprint of its content; empty if it cannot be read."""
    landed: bool
    """Whether `greenlight data add` wrote it, and it is unchanged since."""
    rows: int | None
    reviews: int | None
    examples: int | None
    """The same as `reviews`, its former name."""
    bad_rows: int | None
    duplicates: int | None
    left_out: dict[str, int] | None
    """Reason -> rows that are not used."""
    left_out_labels: dict[str, int] | None
    """Label -> rows that `data.labels` leaves out."""
    first_left_out: list[str] | None
    """File, line and reason of the first of them."""
    data: dict[str, Any] | None
    """The counts of the rows, as in the result of a run; see `Reading.account`."""
    positive_share: float | None
    """None with more than two classes."""
    classes: dict[str, int]
    """Name of the class -> examples; empty for spans that an older release landed."""
    runs: list[str]
    """The runs that read it with its current content, oldest first."""
    error: str | None
    """Why it cannot be read."""


def span_facts(settings: Settings, source: str) -> list[SpanFacts]:
    """The facts of the spans that `source` finds, oldest first.

    Raises:
      InputError: as `list_spans`.
    """
    found = list_spans(settings, source)
    if not found:
        return []
    from pipeline.lineage.span_usage import runs_by_span
    from pipeline.workspace.layout import Workspace

    runs = runs_by_span(Workspace.of(settings).metadata)
    data = span_data(settings, source)
    return [_facts(span, data, runs) for span in found]


def _facts(span: Span, data: DataSettings, runs: dict[tuple[int, str], list[str]]) -> SpanFacts:
    account: dict[str, Any] | None = None
    bad_rows = positive_share = error = None
    classes: dict[str, int] = {}
    fingerprint = ""
    kept = record_of(span)
    if kept:
        fingerprint, account, bad_rows = kept.fingerprint, kept.data, kept.bad_rows
        positive_share = None if kept.positive is None else kept.positive / kept.taken
        classes = kept.classes
    else:
        from components.example_gen.sources.file_fingerprints import content_fingerprint
        from pipeline.spans.account import account as count

        try:
            fingerprint = content_fingerprint(span.paths)
            counted = count(span.paths, data)
            account, bad_rows = counted.account, counted.reading.bad_rows
            positive_share, classes = counted.positive_share, dict(counted.reading.classes)
        except InputError as raised:
            error = str(raised)
    known = account or {}
    return SpanFacts(
        span=span.number,
        version=span.version,
        files=span.paths,
        size=span.size,
        modified=span.modified,
        fingerprint=fingerprint,
        landed=kept is not None,
        rows=known.get("rows"),
        reviews=known.get("used"),
        examples=known.get("used"),
        bad_rows=bad_rows,
        duplicates=known.get("duplicates"),
        left_out=known.get("left_out"),
        left_out_labels=known.get("left_out_labels"),
        first_left_out=known.get("first_left_out"),
        data=account,
        positive_share=positive_share,
        classes=classes,
        runs=runs.get((span.number, fingerprint), []),
        error=error,
    )
