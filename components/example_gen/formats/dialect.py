"""Dialects of delimited text: delimiter, quoting, escape, and their detection by the header."""

import csv
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

Quoting = Literal["minimal", "none"]
DELIMITERS = (",", ";", "\t", "|")
_EXCEL_HINT = re.compile('"?sep=(.)"?', re.IGNORECASE)
_LONGEST_NAME = 60
_MOST_WORDS = 6


@dataclass(frozen=True)
class Dialect:
    """The user's settings of the dialect; the rest is detected."""

    delimiter: str | None = None
    """One character; None uses the delimiter of the file's name or header."""
    quoting: Quoting = "minimal"
    """`none` treats quotes as ordinary characters."""
    escape: str | None = None
    """The character after which a quote or delimiter is an ordinary character."""

    def reader(self, lines: Iterable[str], delimiter: str) -> Iterator[list[str]]:
        """The rows of the lines, as lists of cells."""
        quoting: Literal[0, 3] = csv.QUOTE_NONE if self.quoting == "none" else csv.QUOTE_MINIMAL
        return csv.reader(lines, delimiter=delimiter, quoting=quoting, escapechar=self.escape, strict=True)


TOLD_BY_THE_FILE = Dialect()


def delimiter_hint(line: str) -> str | None:
    """The delimiter of Excel's line `sep=;`; None for any other line."""
    found = _EXCEL_HINT.fullmatch(line.rstrip("\r\n"))
    return found[1] if found else None


def delimiter_of(header: str, *, dialect: Dialect, promised: str, needed: set[str]) -> str:
    """The delimiter: the first common one with which the header has the needed names.

    Args:
      header: the file's first line.
      dialect: its delimiter, if set, is used.
      promised: the delimiter by the file's name, used if no other fits better.
      needed: the names of the needed columns.
    """
    if dialect.delimiter:
        return dialect.delimiter
    candidates = list(dict.fromkeys([promised, *DELIMITERS]))
    names = {candidate: _names(header, dialect, candidate) for candidate in candidates}
    for candidate in candidates:
        if needed <= set(names[candidate]):
            return candidate
    return promised if _is_prose(header) else max(candidates, key=lambda candidate: len(names[candidate]))


def is_a_row(names: list[str], *, labels: int) -> bool:
    """Whether the first line is a row instead of a header.

    Args:
      names: the cells of the first line.
      labels: the number of cells that are usable as labels.
    """
    return labels == 1 or any(_is_prose(name) for name in names)


def _names(header: str, dialect: Dialect, delimiter: str) -> list[str]:
    try:
        fields = next(dialect.reader([header], delimiter), [])
    except csv.Error:
        return []
    return [name.strip() for name in fields]


def _is_prose(text: str) -> bool:
    return len(text) > _LONGEST_NAME and len(text.split()) > _MOST_WORDS
