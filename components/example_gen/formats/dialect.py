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
    """What a user says of the dialect; the file tells the rest."""

    delimiter: str | None = None
    """One character; None takes the one that the file's name promises, or that its header has."""
    quoting: Quoting = "minimal"
    """`none` takes quotes for characters like any other."""
    escape: str | None = None
    """The character after which a quote or delimiter is a plain character."""

    def reader(self, lines: Iterable[str], delimiter: str) -> Iterator[list[str]]:
        """The rows of cells in lines."""
        quoting: Literal[0, 3] = csv.QUOTE_NONE if self.quoting == "none" else csv.QUOTE_MINIMAL
        return csv.reader(lines, delimiter=delimiter, quoting=quoting, escapechar=self.escape, strict=True)


TOLD_BY_THE_FILE = Dialect()


def delimiter_hint(line: str) -> str | None:
    """The delimiter that a line of Excel's, `sep=;`, names; None for any other line."""
    found = _EXCEL_HINT.fullmatch(line.rstrip("\r\n"))
    return found[1] if found else None


def delimiter_of(header: str, *, dialect: Dialect, promised: str, needed: set[str]) -> str:
    """What parts the columns: the first of the usual delimiters by which the header has the needed names.

    Args:
      header: the file's first line.
      dialect: its delimiter, if it has one, is not questioned.
      promised: by the file's name; taken where no other does better.
      needed: names of columns.
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
    """Whether what should be a header is a row already.

    Args:
      names: the cells of the first line.
      labels: how many of them are usable as labels.
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
