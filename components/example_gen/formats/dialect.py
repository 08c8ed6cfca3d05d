"""Dialects of delimited text: delimiter, quoting, escape, and their detection by the header."""

import csv
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

Quoting = Literal["minimal", "none"]
DELIMITERS = (",", ";", "\t", "|")
_EXCEL_HINT = re.compile('"?sep=(.)"?', re.IGNORECASE)
_MARKS = re.compile(r"""[^\w"'\r\n]""")
_BETWEEN_NAMES = re.compile(r"""\w[ \t]*([^\w \t\r\n"'.()\[\]-])[ \t]*\w""")
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
    """The delimiter: the first with which the header has the needed names, common ones first.

    Args:
      header: the file's first line.
      dialect: its delimiter, if set, is used.
      promised: the delimiter by the file's name, used if no other fits better.
      needed: the names of the needed columns.
    """
    if dialect.delimiter:
        return dialect.delimiter
    candidates = list(dict.fromkeys([promised, *DELIMITERS]))
    names = {candidate: cells_of(header, dialect, candidate) for candidate in candidates}
    for candidate in candidates:
        if needed <= set(names[candidate]):
            return candidate
    if len(needed) > 1:  # a single name may be a part of another one
        for mark in _MARKS.findall(header):
            if needed <= set(cells_of(header, dialect, mark)):
                return mark
    return promised if _is_prose(header) else max(candidates, key=lambda candidate: len(names[candidate]))


def names_columns(line: str, *, dialect: Dialect, needed: set[str]) -> bool:
    """Whether a line may be the header: it has the needed names, and more than one."""
    delimiter = delimiter_of(line, dialect=dialect, promised=",", needed=needed)
    names = cells_of(line, dialect, delimiter)
    return len(names) > 1 and needed <= set(names)


def mark_between(name: str) -> str | None:
    """The character that may be the delimiter of a header which was read as one name; None if there is none.

    >>> mark_between("body^stars"), mark_between("user_comment"), mark_between("# exported")
    ('^', None, None)
    """
    found = _BETWEEN_NAMES.search(name)
    return found[1] if found else None


def is_a_row(names: list[str], *, labels: int) -> bool:
    """Whether the first line is a row instead of a header.

    Args:
      names: the cells of the first line.
      labels: the number of cells that are usable as labels.
    """
    return labels == 1 or any(_is_prose(name) for name in names)


def cells_of(line: str, dialect: Dialect, delimiter: str) -> list[str]:
    """The cells of one line; empty if its quotes are broken."""
    try:
        fields = next(dialect.reader([line], delimiter), [])
    except csv.Error:
        return []
    return [name.strip() for name in fields]


def _is_prose(text: str) -> bool:
    return len(text) > _LONGEST_NAME and len(text.split()) > _MOST_WORDS
