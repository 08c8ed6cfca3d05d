"""The rows of an input file: usable examples, and bad rows with position and reason."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

from components.errors import InputError
from components.example_gen.formats.labels import ACCEPTED, LabelRule, is_missing, spelling
from serving.machine import faults

MOST_TEXT_SHOWN = 40


class Reason(StrEnum):
    """Why a row cannot be used; bad rows are counted by reason."""

    BAD_LABEL = "bad label"
    UNMAPPED_LABEL = "label not in data.labels"
    """The reason of rows that the user's mapping leaves out; they are not bad."""
    NO_LABEL = "no label"
    BAD_SLICE = "bad slice value"
    NO_TEXT = "no text"
    EMPTY_TEXT = "empty text"
    LIST = "a list instead of one value"
    NOT_UTF8 = "not UTF-8"
    COLUMNS = "wrong number of columns"
    QUOTING = "broken quoting"
    NOT_JSON = "not a JSON object"
    REPEATED_KEY = "a key more than once"
    NOT_EXAMPLE = "not a tf.Example"
    REFUSED = "refused by the server"


class Record(NamedTuple):
    """A row as in its file, unchecked."""

    line: int
    """See `Review.line`."""
    fields: Mapping[str, Any]


class Review(NamedTuple):
    """A usable row."""

    line: int
    """The line on which the row starts, from 1; its number in TFRecord, Parquet, TFDS and arrays of JSON."""
    text: str
    """May contain surrogates, which UTF-8 cannot encode."""
    label: int
    """Index into the names of the classes."""
    slices: tuple[tuple[str, str], ...] = ()
    """The columns of `data.slice_columns` with their values; "" for a missing one."""


class BadRow(NamedTuple):
    """An unusable row."""

    file: str
    line: int
    reason: Reason
    detail: str
    """The value, for people; may be empty."""
    label: str = ""
    """The spelling of a label of neither class; empty for other reasons."""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.reason}" + (f" ({self.detail})" if self.detail else "")


Records = Iterator[Record | BadRow]
Rows = Iterator[Review | BadRow]

DATA_COLUMNS = "Name the right ones with data.text_column and data.label_column."
SLICE_COLUMNS = "Name the right ones with data.slice_columns."


@dataclass(frozen=True)
class Columns:
    """The columns (keys, features) that a reader needs."""

    text: str
    label: str | None = None
    """None if rows need no label, or the name of the label column is unknown."""
    label_needed: bool = True
    """Whether a file without the label column is refused."""
    labels: LabelRule = ACCEPTED
    remedy: str = DATA_COLUMNS
    """The remedy if a column is missing."""
    slices: tuple[str, ...] = ()
    """The columns of `data.slice_columns`."""

    @property
    def needed(self) -> set[str]:
        return {self.text, *self.slices} | ({self.label} if self.label and self.label_needed else set())

    @property
    def named(self) -> set[str]:
        """The names of the columns to read."""
        return {self.text, *self.slices} | ({self.label} if self.label else set())


def make_row(
    *, file: str, line: int, text: object, label: object, labels: LabelRule = ACCEPTED
) -> Review | BadRow:
    """An example or bad row from the values of a row's two columns; None for a missing value."""
    if text is None:
        return BadRow(file, line, Reason.NO_TEXT, "")
    if isinstance(text, list):
        return BadRow(file, line, Reason.LIST, _listed("text", text))
    if not isinstance(text, str):
        return BadRow(file, line, Reason.NO_TEXT, f"{shortened(text)} is not text")
    if isinstance(label, list):
        return BadRow(file, line, Reason.LIST, _listed("label", label))
    parsed = labels.class_of(label)
    if parsed is not None:
        return Review(line, text, parsed)
    if is_missing(label):
        return BadRow(file, line, Reason.NO_LABEL, "")
    detail = f"{shortened(label)}; expected {labels.expected}"
    reason = Reason.UNMAPPED_LABEL if labels.given else Reason.BAD_LABEL
    return BadRow(file, line, reason, detail, shortened_label(label))


def text_problem(text: object) -> tuple[Reason, str] | None:
    """Why a value is not a usable text, with the detail; None if it is usable."""
    if text is None:
        return Reason.NO_TEXT, ""
    if isinstance(text, list):
        return Reason.LIST, _listed("text", text)
    if not isinstance(text, str):
        return Reason.NO_TEXT, f"{shortened(text)} is not text"
    if not text.strip():
        return Reason.EMPTY_TEXT, ""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        return Reason.NOT_UTF8, f"character {error.start + 1} of the text"
    return None


def _listed(what: str, values: list[object]) -> str:
    return f"the {what} has {len(values):,} value{'' if len(values) == 1 else 's'}"


def as_reviews(records: Records, *, file: str, columns: Columns) -> Rows:
    """The examples and bad rows of the records of a file."""
    for record in records:
        if isinstance(record, BadRow):
            yield record
            continue
        text, label = record.fields.get(columns.text), record.fields.get(columns.label or "")
        row = make_row(file=file, line=record.line, text=text, label=label, labels=columns.labels)
        if columns.slices and isinstance(row, Review):
            yield _with_slices(row, record.fields, file, columns.slices)
        else:
            yield row


def _with_slices(
    row: Review, fields: Mapping[str, Any], file: str, columns: tuple[str, ...]
) -> Review | BadRow:
    slices = []
    for name in columns:
        value = slice_value(fields.get(name))
        if value is None:
            detail = f"{shortened(fields[name])} in the column {shortened(name)}"
            return BadRow(file, row.line, Reason.BAD_SLICE, detail)
        if re.search("[\ud800-\udfff]", value):
            return BadRow(file, row.line, Reason.NOT_UTF8, f"the column {shortened(name)}")
        slices.append((name, value))
    return row._replace(slices=tuple(slices))


def slice_value(value: object) -> str | None:
    """The value of a slice column as text, without white space around it; "" for a missing one.

    None for what cannot be one, such as a list.

    >>> slice_value(" de "), slice_value(7.0), slice_value(True), slice_value(None), slice_value([1])
    ('de', '7', 'true', '', None)
    """
    if is_missing(value):
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip() if isinstance(value, str | int | float) else None


def require_columns(columns: Columns, *, present: Iterable[str], file: str) -> None:
    """Raises InputError unless each needed column exists exactly once."""
    names = list(present)
    if twice := sorted(name for name in columns.needed if names.count(name) > 1):
        raise InputError(f"{file} has more than one column {twice[0]!r}; leave or rename all but one.")
    missing = sorted(columns.needed - set(names))
    if not missing:
        return
    absent = " and no column ".join(repr(name) for name in missing)
    there = ", ".join(map(_name_shown, names[:10])) + (", ..." if len(names) > 10 else "")
    remedy = SLICE_COLUMNS if set(missing) <= set(columns.slices) else columns.remedy
    raise InputError(f"{file} has no column {absent}; it has: {there or 'none'}. {remedy}")


def _name_shown(name: str) -> str:
    """A column's name, cut, because it may be a whole text."""
    return name if len(name) <= MOST_TEXT_SHOWN else f"{name[: MOST_TEXT_SHOWN - 3]}..."


def shortened_label(label: object) -> str:
    """The spelling of a label, cut, as a key of counts."""
    shown = spelling(label)
    if shown is None:
        return ""
    return ascii(shown)[1:-1][:MOST_TEXT_SHOWN]


def shortened(value: object) -> str:
    """A value for messages: quoted if it is text, on one line, cut, and printable on any terminal."""
    shown = ascii(value)
    return shown if len(shown) <= MOST_TEXT_SHOWN else shown[: MOST_TEXT_SHOWN - 3] + "..."


def unreadable(path: str, error: Exception) -> InputError:
    """The InputError for a `path` that the system, or TensorFlow, failed to read."""
    why = getattr(error, "strerror", None) or getattr(error, "message", None) or error
    told = f"{path} cannot be read: {why}."
    if faults.remedy_whatever_the_input(error):  # `machine_fault_of` adds the remedy
        return InputError(told)
    return InputError(f"{told} See that it is a file that the user of this process may read.")
