"""Records out of CSV and TSV text: quoted fields may span lines, and one broken quote costs one row."""

import csv
import re
from collections import deque
from collections.abc import Iterable, Iterator

from components.errors import InputError
from components.example_gen.formats.rows import BadRow, Reason, Record, Records

LONGEST_FIELD = 2**20
"""Characters; the longest IMDB review has 13,704. A quote that is never closed is noticed here at the
latest.
"""
DATA_COLUMNS = "Name the right ones with data.text_column and data.label_column."


class _Lines:
    """Lines with their numbers, of which those of the current record can be given back."""

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

    def give_back_all_but_first(self) -> None:
        rest = self.record[1:]
        self._returned.extendleft(reversed(rest))
        self.number -= len(rest)


def delimited_records(
    lines: Iterable[str], *, file: str, needed: set[str], delimiter: str, remedy: str = DATA_COLUMNS
) -> Records:
    """The rows under a header line.

    Args:
      lines: of the file, with their line ends (`newline=""`), bytes that are not UTF-8 as surrogates.
      file: how the file is called in messages.
      needed: columns that have to be there.
      remedy: what to do where they are not.

    Raises:
      InputError: there is no header, or it does not name each needed column once.
    """
    csv.field_size_limit(max(LONGEST_FIELD, csv.field_size_limit()))
    source = _Lines(lines)
    reader = csv.reader(source, delimiter=delimiter, strict=True)
    header = _header(reader, source, file)
    if not needed <= set(header) and not _is_text(source.record):
        raise InputError(f"{file} is not UTF-8 text; save it as UTF-8, or name another file.")
    require_columns(needed, present=header, file=file, remedy=remedy)
    if twice := sorted(name for name in needed if header.count(name) > 1):
        raise InputError(f"{file} has more than one column {twice[0]!r}; leave or rename all but one.")
    places = {name: header.index(name) for name in header}
    recovered_until = 0
    while True:
        source.start_record()
        first = source.number + 1
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            # The quote that broke this record may have swallowed sound rows: read the lines after the first
            # again.
            recovered_until = max(recovered_until, source.number)
            source.give_back_all_but_first()
            yield BadRow(file, first, Reason.QUOTING, _explained(error))
            continue
        if not fields:
            continue
        if len(fields) != len(header):
            yield BadRow(file, first, Reason.COLUMNS, f"{len(fields)} instead of {len(header)}")
        elif first <= recovered_until and _is_torn(fields, source.record):
            yield BadRow(file, first, Reason.QUOTING, "rest of a row that broke above")
        else:
            yield Record(first, {name: fields[place] for name, place in places.items()})


def require_columns(
    needed: set[str], *, present: Iterable[str], file: str, remedy: str = DATA_COLUMNS
) -> None:
    """Raises InputError unless all needed columns are there."""
    names = list(present)
    missing = sorted(needed - set(names))
    if not missing:
        return
    absent = " and no column ".join(repr(name) for name in missing)
    there = ", ".join(names[:10]) + (", ..." if len(names) > 10 else "")
    raise InputError(f"{file} has no column {absent}; it has: {there or 'none'}. {remedy}")


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


def _is_text(lines: Iterable[str]) -> bool:
    """Whether no byte stands there that was not UTF-8, and no zero."""
    return not any("\0" in line or re.search("[\ud800-\udfff]", line) for line in lines)


def _is_torn(fields: list[str], lines: list[str]) -> bool:
    """Whether a quote stands in a field that was not quoted: the tail of a broken row, not a row."""
    return any('"' in field for field in fields) and not any('""' in line for line in lines)


def _explained(error: csv.Error) -> str:
    text = str(error)
    if "unexpected end of data" in text:
        return "a quote is opened and never closed"
    if "field larger than" in text:
        return f"a field is longer than {LONGEST_FIELD:,} characters; is a quote never closed?"
    if "expected after" in text:
        return 'a quote inside a quoted field is not doubled ("")'
    return text
