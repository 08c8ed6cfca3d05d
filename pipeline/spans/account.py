"""The row counts of a span's files, by the reader that training uses."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from components.example_gen.reading import Reading, merged, usable
from components.example_gen.settings import DataSettings
from components.example_gen.sources.files import FilePart


@dataclass(frozen=True)
class Account:
    """The counts of a span's rows, and figures of its examples."""

    reading: Reading
    """Its `classes` has the examples of each class by name."""
    positive: int | None
    """Examples of the positive class of two; None with more classes."""
    duplicates: int
    """Examples with the text of an earlier row."""
    contradictions: int
    """Those of them with another label."""
    texts: frozenset[bytes] = frozenset()
    """The `text_digest` of each distinct text."""

    @property
    def account(self) -> dict[str, Any]:
        """The counts of the rows, as in the result of a run; see `Reading.account`."""
        return dataclasses.replace(self.reading, duplicates=self.duplicates).account()

    def with_left_out(self, reading: Reading) -> Account:
        """The Account with the rows that `reading` left out of the file that these examples come from."""
        left_out = dataclasses.replace(reading, taken=0, classes=Counter())
        return dataclasses.replace(self, reading=merged([self.reading, left_out]))

    @property
    def positive_share(self) -> float | None:
        """The share of positive examples; None without examples, and with more than two classes."""
        if self.positive is None or not self.reading.taken:
            return None
        return self.positive / self.reading.taken


def account(paths: Iterable[str], settings: DataSettings) -> Account:
    """Reads files from their first row to their last.

    Raises:
      InputError: one of them cannot be read, or lacks a column.
    """
    reading, positive, duplicates, contradictions = Reading(), 0, 0, 0
    names = settings.class_names
    labels: dict[bytes, int] = {}
    for path in paths:
        part = FilePart(path, settings.columns, settings.dialect)
        for review, normalized in usable(part.rows(), name=path, reading=reading, names=names):
            reading.taken += 1
            positive += review.label
            digest = text_digest(normalized)
            if digest in labels:
                duplicates += 1
                contradictions += labels[digest] != review.label
            labels.setdefault(digest, review.label)
    positives = positive if len(names) == 2 else None
    return Account(reading, positives, duplicates, contradictions, frozenset(labels))


def text_digest(normalized: str) -> bytes:
    """16 bytes that are equal for two equal texts."""
    return blake2b(normalized.encode(), digest_size=16).digest()
