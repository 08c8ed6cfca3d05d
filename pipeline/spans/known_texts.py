"""Duplicate deliveries: an older span that has all texts of a new one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set

from components.errors import InputError
from components.example_gen.reading import Reading, usable
from components.example_gen.settings import DataSettings
from components.example_gen.sources.files import FilePart
from components.example_gen.sources.spans import Span
from pipeline.spans.account import text_digest
from pipeline.spans.record import record_of
from pipeline.spans.rewriting import as_landed

SPANS_COMPARED = 20
"""The number of newest spans that are compared: repeated deliveries are rarely old."""


def span_with_all(texts: Set[bytes], spans: Sequence[Span], data: DataSettings) -> int | None:
    """The number of the newest span that has all texts; None if none of the newest SPANS_COMPARED has.

    Args:
      texts: the `text_digest` of each text.
      spans: the spans to compare, the newest last; unreadable ones are skipped.
      data: the settings with the names of their columns.
    """
    for span in reversed(spans[-SPANS_COMPARED:]):
        if texts and _may_have(span, len(texts)) and _has_all(span, texts, data):
            return span.number
    return None


def _may_have(span: Span, texts: int) -> bool:
    """Whether a span can have so many distinct texts, by its record, without reading it."""
    kept = record_of(span)
    return kept is None or kept.taken - kept.duplicates >= texts


def _has_all(span: Span, texts: Set[bytes], data: DataSettings) -> bool:
    missing = set(texts)
    for digest in _digests(span, as_landed(data)):
        missing.discard(digest)
        if not missing:
            return True
    return False


def _digests(span: Span, data: DataSettings) -> Iterator[bytes]:
    for path in span.paths:
        part = FilePart(path, data.columns, data.dialect)
        try:
            rows = usable(part.rows(), name=path, reading=Reading(), names=data.class_names)
            for _, normalized in rows:
                yield text_digest(normalized)
        except InputError:
            return
