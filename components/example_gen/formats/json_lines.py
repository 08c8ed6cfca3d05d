"""The reader of JSON: one object per line, or an array of objects."""

import io
import itertools
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Set
from typing import Any

from components.errors import InputError
from components.example_gen.formats.rows import (
    BadRow,
    Columns,
    Reason,
    Record,
    Records,
    require_columns,
    shortened,
)

_BLOCK = 2**16
_LONGEST_ELEMENT = 2**26
"""Characters."""
_SPACE = re.compile(r"[ \t\r\n]*")
_MOST_DIGITS = 400
"""Integers with more digits are infinity, as floats are; Python refuses to parse very long ones."""


def _whole_number(digits: str) -> int | float:
    return int(digits) if len(digits) <= _MOST_DIGITS else float(digits)


class _Repeated(dict[str, Any]):
    """An object with a duplicate key; JSON does not define which value counts."""

    keys_given_twice: Set[str] = frozenset()


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) == len(pairs):
        return made
    repeated = _Repeated(pairs)
    repeated.keys_given_twice = {key for key, count in Counter(key for key, _ in pairs).items() if count > 1}
    return repeated


_DECODER = json.JSONDecoder(parse_int=_whole_number, object_pairs_hook=_object)


def json_line_records(lines: Iterable[str], *, file: str, columns: Columns) -> Records:
    """The objects of a file, one per line; empty lines are skipped.

    Args:
      lines: those of the file; bytes that are not UTF-8 as surrogates.

    Raises:
      InputError: after the last line, if no object had a needed key.
    """
    return _records(_each_line(lines, file), file=file, columns=columns)


def json_array_records(text: io.TextIOBase, *, file: str, columns: Columns) -> Records:
    """The objects of a file that is one array of them.

    Args:
      text: as the lines of `json_line_records`. The line of a row is the number of its element.

    Raises:
      InputError: the array is invalid or cut off, after its valid part; or as `json_line_records`.
    """
    return _records(_array(text, file), file=file, columns=columns)


_NO_ROWS = (
    "one JSON object, not one a row; write an object a line, or an array of objects (pandas: "
    'to_json(path, orient="records", lines=True))'
)


def is_array(head: bytes) -> bool:
    """Whether a file that begins with these bytes is one array.

    Raises:
      ValueError: it is one object on several lines; the message is a clause with the remedy.
    """
    begun = head.lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n\0")
    if re.match(rb"\{\0?[ \t]*\0?[\r\n]", begun):
        raise ValueError(_NO_ROWS)
    return begun.startswith(b"[")


def _records(values: Iterator[tuple[int, Any]], *, file: str, columns: Columns) -> Records:
    keys: dict[str, None] = {}
    rows, value = 0, None
    for line, value in values:
        rows += 1
        if isinstance(value, BadRow):
            yield value
        elif isinstance(value, _Repeated) and value.keys_given_twice & columns.named:
            key = sorted(value.keys_given_twice & columns.named)[0]
            yield BadRow(file, line, Reason.REPEATED_KEY, f"{shortened(key)} stands more than once")
        elif not isinstance(value, dict):
            yield BadRow(file, line, Reason.NOT_JSON, shortened(value))
        else:
            keys.update(dict.fromkeys(value))
            yield Record(line, value)
    if rows == 1 and isinstance(value, dict) and _holds_rows(value, columns):
        raise InputError(f"{file} is {_NO_ROWS}.")
    if keys:
        require_columns(columns, present=keys, file=file)


def _holds_rows(value: dict[str, Any], columns: Columns) -> bool:
    """Whether the only object of a file is a table (by columns, or under a key) instead of a row."""
    text = value.get(columns.text)
    values = value.values() if text is None else [text]
    return any(isinstance(each, dict | list) for each in values)


def _each_line(lines: Iterable[str], file: str) -> Iterator[tuple[int, Any]]:
    """The number of each line with its value or bad row."""
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        if position := _not_utf8(line):
            yield number, BadRow(file, number, Reason.NOT_UTF8, f"character {position} of the line")
            continue
        try:
            yield number, _DECODER.decode(line.removeprefix("\ufeff"))
        except (ValueError, RecursionError) as error:
            yield number, BadRow(file, number, Reason.NOT_JSON, _objection(error))


def _array(source: io.TextIOBase, file: str) -> Iterator[tuple[int, Any]]:
    """The number of each element of an array, from 1, and the element; the file is read incrementally.

    An array may be a single line, which would name all of its rows alike.
    """
    text = _Buffer(source)
    text.skip("[")
    if text.skip("]"):
        _require_end(text, file)
        return
    for number in itertools.count(1):
        line = text.line
        try:
            value = text.value()
        except (ValueError, RecursionError) as error:
            raise InputError(
                f"{file}: the JSON array is broken or cut off at element {number:,} on line {line:,} "
                f"({_objection(error)}); write or copy it again."
            ) from error
        yield number, _utf8(value, number, file)
        if text.skip("]"):
            _require_end(text, file)
            return
        if not text.skip(","):
            raise InputError(
                f"{file}: the JSON array is broken or cut off after element {number:,} on line {line:,}; "
                "write or copy it again."
            )


def _require_end(text: "_Buffer", file: str) -> None:
    if text.rest():
        raise InputError(f"{file}: something follows the JSON array; leave one array in the file.")


class _Buffer:
    """A buffer with the text of the next elements of an array."""

    def __init__(self, source: io.TextIOBase) -> None:
        self._source = source
        self._text = ""
        self._at = 0
        self._read_from = 0
        self._line = 1

    @property
    def line(self) -> int:
        """The line of the next character that is not whitespace."""
        self._skip_space()
        self._line += self._text.count("\n", self._read_from, self._at)
        self._read_from = self._at
        return self._line

    def value(self) -> Any:
        """The next element; ValueError if it is cut off or invalid."""
        while True:
            self._skip_space()
            try:
                value, end = _DECODER.raw_decode(self._text, self._at)
                if end < len(self._text) or not self._more():  # otherwise a number may continue
                    self._at = end
                    return value
            except ValueError:
                if len(self._text) - self._at > _LONGEST_ELEMENT or not self._more():
                    raise

    def skip(self, character: str) -> bool:
        """Skips the next character after whitespace if it is this one; returns whether it was."""
        self._skip_space()
        if self._text[self._at : self._at + 1] != character:
            return False
        self._at += 1
        return True

    def rest(self) -> bool:
        """Whether anything but whitespace follows."""
        self._skip_space()
        return self._at < len(self._text)

    def _skip_space(self) -> None:
        while True:
            found = _SPACE.match(self._text, self._at)
            assert found is not None
            self._at = found.end()
            if self._at < len(self._text) or not self._more():
                return

    def _more(self) -> bool:
        """Doubles the unread text, so that an element of any length is decoded only a few times."""
        more = self._source.read(max(_BLOCK, len(self._text) - self._at))
        self._line += self._text.count("\n", self._read_from, self._at)
        self._text = self._text[self._at :] + more
        self._at = self._read_from = 0
        return bool(more)


def _utf8(value: Any, number: int, file: str) -> Any:
    """The element, or a bad row if its bytes were not UTF-8."""
    if isinstance(value, dict):
        for key, text in value.items():
            if isinstance(text, str) and (position := _not_utf8(text)):
                return BadRow(file, number, Reason.NOT_UTF8, f"character {position} of {shortened(key)}")
    return value


def _not_utf8(text: str) -> int:
    """The position of the first byte that was not UTF-8, from 1; 0 if there is none."""
    found = re.search("[\udc80-\udcff]", text)
    return found.start() + 1 if found else 0


def _objection(error: ValueError | RecursionError) -> str:
    if isinstance(error, json.JSONDecodeError):
        return error.msg
    return "nested too deeply" if isinstance(error, RecursionError) else str(error)
