"""One row of an input: a review that can be used, or a row that cannot, with its place and the reason."""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any, NamedTuple

from components.errors import InputError

MOST_TEXT_SHOWN = 40


class Reason(StrEnum):
    """Why a row cannot be used; the kinds under which bad rows are counted."""

    BAD_LABEL = "bad label"
    NO_LABEL = "no label"
    NO_TEXT = "no text"
    EMPTY_TEXT = "empty text"
    NOT_UTF8 = "not UTF-8"
    COLUMNS = "wrong number of columns"
    QUOTING = "broken quoting"
    NOT_JSON = "not a JSON object"
    NOT_EXAMPLE = "not a tf.Example"
    REFUSED = "refused by the server"


class Record(NamedTuple):
    """A row as it stands in its file, whatever its fields are worth."""

    line: int
    """As in Review."""
    fields: Mapping[str, Any]


class Review(NamedTuple):
    """A row that can be used."""

    line: int
    """Line of the file on which the row starts (for TFRecord and TFDS: number of the record), from 1."""
    text: str
    """May hold what UTF-8 cannot carry; who encodes it has to look."""
    label: int
    """0 or 1."""


class BadRow(NamedTuple):
    """A row that cannot be used."""

    file: str
    line: int
    reason: Reason
    detail: str
    """What stands there, for a person; may be empty."""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.reason}" + (f" ({self.detail})" if self.detail else "")


Records = Iterator[Record | BadRow]
Rows = Iterator[Review | BadRow]

_LABELS = {"0": 0, "neg": 0, "negative": 0, "false": 0, "1": 1, "pos": 1, "positive": 1, "true": 1}
ACCEPTED_LABELS = "0 or 1, neg or pos, negative or positive, false or true"


def parse_label(value: object) -> int | None:
    """0 or 1 for a label in any of the accepted spellings, whatever the case; None for anything else.

    >>> parse_label("Positive"), parse_label(0), parse_label(True), parse_label("good")
    (1, 0, 1, None)
    """
    return _LABELS.get(str(value).strip().lower()) if isinstance(value, str | int) else None


def make_row(*, file: str, line: int, text: object, label: object) -> Review | BadRow:
    """A review out of the values of a row's two columns; None stands for a value that is not there."""
    if text is None:
        return BadRow(file, line, Reason.NO_TEXT, "")
    if not isinstance(text, str):
        return BadRow(file, line, Reason.NO_TEXT, f"{shortened(text)} is not text")
    if label is None or label == "":
        return BadRow(file, line, Reason.NO_LABEL, "")
    parsed = parse_label(label)
    if parsed is None:
        return BadRow(file, line, Reason.BAD_LABEL, f"{shortened(label)}; expected {ACCEPTED_LABELS}")
    return Review(line, text, parsed)


def as_reviews(records: Records, *, file: str, text_column: str, label_column: str) -> Rows:
    """Reviews out of the records of a file."""
    for record in records:
        if isinstance(record, BadRow):
            yield record
            continue
        text, label = record.fields.get(text_column), record.fields.get(label_column)
        yield make_row(file=file, line=record.line, text=text, label=label)


def shortened(value: object) -> str:
    """A value as it may stand in a message: quoted if text, on one line, cut, and printable on any
    terminal.
    """
    shown = ascii(value)
    return shown if len(shown) <= MOST_TEXT_SHOWN else shown[: MOST_TEXT_SHOWN - 3] + "..."


def unreadable(path: str, error: Exception) -> InputError:
    """What to raise where the system, or TensorFlow for it, refused to read `path`."""
    why = getattr(error, "strerror", None) or getattr(error, "message", None) or error
    return InputError(
        f"{path} cannot be read: {why}. See that it is a file that the user of this process may read."
    )
