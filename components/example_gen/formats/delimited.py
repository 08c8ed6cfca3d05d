"""The reader of delimited text: quoted fields may span lines, and a broken quote costs one row."""

import csv
import re
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import NoReturn

from components.errors import InputError
from components.example_gen.formats.dialect import (
    DELIMITERS,
    TOLD_BY_THE_FILE,
    Dialect,
    cells_of,
    delimiter_hint,
    delimiter_of,
    is_a_row,
    mark_between,
    names_columns,
)
from components.example_gen.formats.labels import MOST_CLASSES, LabelRule
from components.example_gen.formats.rows import (
    BadRow,
    Columns,
    Reason,
    Record,
    Records,
    require_columns,
    shortened,
)

LONGEST_FIELD = 2**20
"""The maximum number of characters of a field, at which an unclosed quote is noticed. The longest IMDB review
has 13,704.
"""
_MOST_LINES_ABOVE = 20
"""Further lines that are searched for the header."""
_WORD = re.compile(r"\S{1,20}")
_NUMBER = re.compile(r"\s*[+-]?[0-9]+(?:[.,][0-9]+)?\s*")
_JSON = re.compile(r'\ufeff?\s*(?:\[\s*(?:\{|$)|\{\s*(?:"|$))')


class _Lines:
    """Numbered lines; those of the current record can be read again."""

    def __init__(self, lines: Iterable[str]):
        self._source = iter(lines)
        self._returned: deque[str] = deque()
        self.number = 0
        self.record: list[str] = []

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._returned.popleft() if self._returned else next(self._source)
        self.number += 1
        self.record.append(line)
        return line

    def start_record(self) -> None:
        self.record = []

    def give_back(self, *, keep: int) -> None:
        """Returns the lines of the record after the first `keep`, to be read again."""
        rest = self.record[keep:]
        self._returned.extendleft(reversed(rest))
        self.number -= len(rest)
        self.record = self.record[:keep]


def delimited_records(
    lines: Iterable[str], *, file: str, columns: Columns, promised: str, dialect: Dialect = TOLD_BY_THE_FILE
) -> Records:
    """The rows under a header line.

    Args:
      lines: those of the file, with their line ends (`newline=""`); bytes that are not UTF-8 as surrogates.
      file: the name of the file in messages.
      columns: the needed columns, each once.
      promised: the delimiter by the file's name.
      dialect: the user's settings.

    Raises:
      InputError: there is no header, or it does not name each needed column once.
    """
    csv.field_size_limit(max(LONGEST_FIELD, csv.field_size_limit()))
    source = _Lines(lines)
    delimiter = _delimiter(source, file, columns, promised, dialect)
    reader = dialect.reader(source, delimiter)
    source.start_record()
    header = _header(reader, source, file)
    if not columns.needed <= set(header):
        _refuse(header, source, file, columns, dialect)
    require_columns(columns, present=header, file=file)
    places = {name: header.index(name) for name in header}
    swallowed = _Swallowed(header, columns, delimiter, dialect)
    recovered_until = 0
    while True:
        source.start_record()
        first = source.number + 1
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            # The quote that broke this record may have swallowed valid rows: read the lines after the first
            # again.
            recovered_until = max(recovered_until, source.number)
            source.give_back(keep=1)
            detail = _ESCAPED_END if _ends_escaped(source.record[0], dialect) else _explained(error)
            yield BadRow(file, first, Reason.QUOTING, detail)
            continue
        if not fields:
            continue
        if len(source.record) > 1 and (rows := swallowed.rows(source.record, fields)):
            detail = f"a quoted field contains lines that look like rows, from line {first + rows.offset} on"
            if rows.from_the_first:
                recovered_until = max(recovered_until, source.number)
                source.give_back(keep=1)
                detail = "a quote is opened and not closed before the next row"
                if _ends_escaped(source.record[0], dialect):
                    detail = _ESCAPED_END
            yield BadRow(file, first, Reason.QUOTING, detail)
        elif len(fields) != len(header):
            yield BadRow(file, first, Reason.COLUMNS, f"{len(fields)} instead of {len(header)}")
        elif first <= recovered_until and _is_torn(fields, source.record):
            yield BadRow(file, first, Reason.QUOTING, "the rest of a broken row above")
        else:
            swallowed.note(fields)
            yield Record(first, {name: fields[place] for name, place in places.items()})


def _delimiter(source: _Lines, file: str, columns: Columns, promised: str, dialect: Dialect) -> str:
    """The delimiter, by the first line that is not blank; that line is read again."""
    for line in source:
        if not line.strip(" \r\n\v\f"):
            continue
        if hint := delimiter_hint(line):
            return dialect.delimiter or hint
        source.give_back(keep=len(source.record) - 1)
        return delimiter_of(line, dialect=dialect, promised=promised, needed=columns.needed)
    raise InputError(f"{file} is empty; its first line has to name the columns.")


def _header(reader: Iterator[list[str]], source: _Lines, file: str) -> list[str]:
    """The names in the first line that is not blank."""
    try:
        for fields in reader:
            if names := [name.strip() for name in fields if len(fields) > 1 or name.strip()]:
                return names
            source.start_record()
    except csv.Error as error:
        if not _is_text(source.record):
            return []
        raise InputError(f"{file}: the header line cannot be read: {_explained(error)}.") from error
    raise InputError(f"{file} is empty; its first line has to name the columns.")


def _refuse(header: list[str], source: _Lines, file: str, columns: Columns, dialect: Dialect) -> NoReturn:
    """Raises the error of a first line without the needed names."""
    record = source.record
    if not _is_text(record):
        raise InputError(f"{file} is not UTF-8 text; save it as UTF-8, or name another file.")
    if record and _JSON.match(record[0]):
        raise InputError(f"{file} is JSON, not delimited text; give it the ending .json.")
    if above := _lines_above_header(source, columns, dialect):
        raise InputError(
            f"{file}: the names of the columns are on line {above + 1}, not on the first; delete the "
            "lines above."
        )
    labels = [name for name in header if (columns.labels.class_of(name) is not None)]
    if is_a_row(header, labels=len(labels)):
        raise InputError(
            f"{file} has no header: its first line is a row, not the names of the columns. Put a line that "
            f"names them above it, such as: {_header_for(record[0] if record else '', columns, dialect)}"
        )
    if not dialect.delimiter and len(header) == 1 and (mark := mark_between(header[0])):
        remedy = f"If {shortened(mark)} separates several names, set data.delimiter to it."
        columns = replace(columns, remedy=remedy)
    require_columns(columns, present=header, file=file)
    raise AssertionError("a needed column is missing")


def _lines_above_header(source: _Lines, columns: Columns, dialect: Dialect) -> int:
    """The number of lines above the header; 0 if none of the next lines is one."""
    for line in islice(source, _MOST_LINES_ABOVE):
        if names_columns(line, dialect=dialect, needed=columns.needed):
            return source.number - 1
    return 0


def _header_for(line: str, columns: Columns, dialect: Dialect) -> str:
    """A header for a file that begins with the row `line`."""
    rule = columns.labels
    for delimiter in [dialect.delimiter] if dialect.delimiter else DELIMITERS:
        row = cells_of(line, dialect, delimiter)
        labels = [place for place, cell in enumerate(row) if rule.class_of(cell) is not None]
        if columns.label and len(labels) == 1 and len(row) > 1:
            text = max(set(range(len(row))) - set(labels), key=lambda place: len(row[place]))
            known = {text: columns.text, labels[0]: columns.label}
            names = [known.get(place, f"column{place + 1}") for place in range(len(row))]
            return ("<tab>" if delimiter == "\t" else delimiter).join(names)
    return ",".join(name for name in (columns.text, columns.label) if name)


def _is_text(lines: Iterable[str]) -> bool:
    """Whether the text has no bytes that were not UTF-8, and no zero bytes."""
    return not any("\0" in line or re.search("[\ud800-\udfff]", line) for line in lines)


def _is_torn(fields: list[str], lines: list[str]) -> bool:
    """Whether an unquoted field contains a quote, which shows the rest of a broken row."""
    return any('"' in field for field in fields) and not any('""' in line for line in lines)


_ESCAPED_END = "an escape character at the end of the line, which joins it with the next one"


def _ends_escaped(line: str, dialect: Dialect) -> bool:
    """Whether an escape character that is not escaped itself stands before the end of the line."""
    if not dialect.escape:
        return False
    text = line.rstrip("\r\n")
    return (len(text) - len(text.rstrip(dialect.escape))) % 2 == 1


def _explained(error: csv.Error) -> str:
    text = str(error)
    if "unexpected end of data" in text:
        return "a quote is opened and never closed"
    if "field larger than" in text:
        return f"a field is longer than {LONGEST_FIELD:,} characters; is a quote never closed?"
    if "expected after" in text:
        return 'a quote inside a quoted field is not doubled ("")'
    return text


class _Found:
    """Lines of a record that look like rows of their own."""

    def __init__(self, offset: int, *, from_the_first: bool) -> None:
        self.offset = offset
        """Of the first one, from the record's first line."""
        self.from_the_first = from_the_first
        """Whether the record's first line is such a row as well, so that all lines can be read again."""


class _Swallowed:
    """Distinguishes records of several lines from rows that a stray quote has swallowed.

    A quoted field may contain line breaks. But if a line in it has all columns and what may be a label (or,
    in files without labels, values like those of the other rows), a stray quote was closed by another stray
    quote, rows further down. A label need not be usable: `data.labels` leaves some out.
    """

    def __init__(self, header: Sequence[str], columns: Columns, delimiter: str, dialect: Dialect) -> None:
        self._width = len(header)
        self._delimiter = delimiter
        self._escape = dialect.escape
        self._rule: LabelRule = columns.labels
        self._label = header.index(columns.label) if columns.label in header else None
        text = header.index(columns.text)
        self._others = [place for place in range(len(header)) if place != text]
        self._seen: set[str] = set()

    def note(self, fields: Sequence[str]) -> None:
        """Remembers the label of a row, usable or not."""
        if self._label is not None and len(self._seen) < MOST_CLASSES:
            self._seen.add(fields[self._label].strip())

    def rows(self, lines: Sequence[str], fields: Sequence[str]) -> _Found | None:
        """The lines of a record that look like rows; None if they belong to the record.

        Args:
          lines: all lines of the record.
          fields: the fields that were read from them.
        """
        if self._width < 2:
            return None
        first, *inner, last = (self._is_row(line, fields) for line in lines)
        if any(inner):
            return _Found(1 + inner.index(True), from_the_first=first)
        # The first line alone may end as a row if the text is the last column, the last if it is the first.
        return _Found(len(lines) - 1, from_the_first=True) if first and last else None

    def _is_row(self, line: str, fields: Sequence[str]) -> bool:
        if line.count(self._delimiter) < self._width - 1:
            return False
        try:
            values = next(
                csv.reader(
                    [line], delimiter=self._delimiter, quoting=csv.QUOTE_NONE, escapechar=self._escape
                ),
                [],
            )
        except csv.Error:
            return False
        if len(values) != self._width:
            return False
        values = [value.strip('"\r\n') for value in values]
        if self._label is not None:
            label, own = values[self._label], fields[self._label] if len(fields) > self._label else ""
            known = self._rule.class_of(label) is not None
            return known or _alike(label, own) or self._may_be_label(label, values)
        return len(fields) == self._width and all(
            _alike(values[place], fields[place]) for place in self._others
        )

    def _may_be_label(self, label: str, values: Sequence[str]) -> bool:
        """Whether a cell in the place of the label is one, though of no class.

        In prose a space follows a delimiter, and a comma may stand between any two words: there only a
        label that another row has is one.
        """
        if any(value.startswith(" ") for value in values):
            return False
        if self._delimiter == ",":
            return label.strip() in self._seen - {""}
        missing = not label and self._delimiter in "\t|"
        return label.strip() in self._seen or missing or _WORD.fullmatch(label) is not None


def _alike(value: str, own: str) -> bool:
    """Whether two cells look like values of one column: both numbers, or the same word."""
    if _NUMBER.fullmatch(value):
        return _NUMBER.fullmatch(own) is not None
    return bool(value.strip()) and value == own
