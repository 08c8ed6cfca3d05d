"""The parser of JSON bodies with TensorFlow Serving's (RapidJSON's) rules and error texts.

orjson parses strict JSON. Other bodies are parsed a second time: NaN, Infinity and Inf are numbers, a byte
order mark and the text after the object are ignored, and strings may contain any bytes.

Example: `{"instances": [Inf, -NaN]} rest` becomes `{"instances": [Infinity, NaN]} rest`, which Python's
decoder reads up to the brace: {"instances": [inf, nan]}. For `{"instances": [1 2]}` Python reports "Expecting
',' delimiter" at the 2. `_text_of` decides between array and object by a trial: with ",0" at that place the
decoder expects another comma in an array, but a name in an object. The error is RapidJSON's "Missing a comma
or ] after an array element. at offset: 17".
"""

import json
import re
from typing import Any

import orjson

from serving.status import RequestError, invalid

SHOWN_CHARACTERS = 256
"""The length at which an error text truncates a value, as in TensorFlow Serving."""
_SHOWN_OF_A_STRING = 1024
_INDENT = 4

_NOT_PYTHONS = re.compile(rb"Inf(?!inity)|-NaN")  # numbers for RapidJSON, but not for Python
_NUMBER_WORDS = (
    re.compile(  # an unterminated string extends to the end, so that each quote is not tried again
        rb'"[^"\\]*(?:\\.[^"\\]*)*(?:"|\\?\Z)|(-?)\b(?:Inf\b|(?<=-)NaN\b)', re.DOTALL
    )
)
_SURROGATES = re.compile(
    rb"\\\\|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(\\u[dD][89a-fA-F][0-9a-fA-F]{2})"
)
_TEXTS = (  # prefixes of Python's messages, in all versions, and RapidJSON's messages
    ("Expecting value", "Invalid value."),
    ("Illegal trailing comma before end of array", "Invalid value."),
    ("Expecting property name", "Missing a name for object member."),
    ("Illegal trailing comma before end of object", "Missing a name for object member."),
    ("Expecting ':'", "Missing a colon after a name of object member."),
    ("Unterminated string", "Missing a closing quotation mark in string."),
    ("Invalid \\uXXXX", "Incorrect hex digit after \\u escape in string."),
    ("Invalid \\escape", "Invalid escape character in string."),
    ("Invalid control character", "Invalid encoding in string."),
)


def parse(body: bytes) -> dict[str, Any]:
    """The object in `body`. Strings that are not UTF-8 have surrogate escapes; see `to_bytes`.

    Raises:
      RequestError: the body is not JSON, or not an object.
    """
    if not body:
        raise invalid("JSON Parse error: The document is empty")
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        document = _parse_leniently(body)
    if not isinstance(document, dict):
        raise invalid(f"JSON Value: {shown(document)} Is not object")
    return document


def to_bytes(text: str) -> bytes:
    """The bytes of a string from `parse`."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogateescape")


def shown(value: Any) -> str:
    """`value` for an error text: indented JSON, truncated after SHOWN_CHARACTERS."""
    excerpt = _Excerpt()
    excerpt.add(value)
    return excerpt.text


def type_name(value: Any) -> str:
    """The name of the type of `value` in JSON."""
    if value is None:
        return "Null"
    if isinstance(value, bool):
        return str(value)
    kinds: dict[type, str] = {dict: "Object", list: "Array", str: "String"}
    return kinds.get(type(value), "Number")


def _parse_leniently(body: bytes) -> Any:
    mark = 3 if body.startswith(b"\xef\xbb\xbf") else 0
    body = body[mark:]
    if _NOT_PYTHONS.search(body):
        body = _NUMBER_WORDS.sub(_as_python_reads_it, body)
    lone = next((found for found in _SURROGATES.finditer(body) if found[1]), None)
    if lone:
        raise _syntax_error("The surrogate pair in string is invalid.", lone.start() + mark)
    text = body.decode("utf-8", "surrogateescape")
    start = len(text) - len(text.lstrip(" \t\r\n"))
    if start == len(text):
        raise _syntax_error("The document is empty.", len(body) + mark)
    try:
        return _DECODER.raw_decode(text, start)[0]
    except json.JSONDecodeError as error:
        offset = len(to_bytes(text[: error.pos])) + mark
        raise _syntax_error(_text_of(error), offset) from error
    except OverflowError as error:
        raise invalid("JSON Parse error: Number too big to be stored in double.") from error
    except RecursionError as error:
        raise invalid("JSON Parse error: Arrays and objects are nested too deeply.") from error


def _as_python_reads_it(found: re.Match[bytes]) -> bytes:
    if found[0][:1] == b'"':
        return found[0]
    return b"NaN" if found[0].endswith(b"NaN") else (found[1] or b"") + b"Infinity"


def _syntax_error(text: str, offset: int) -> RequestError:
    return invalid(f"JSON Parse error: {text} at offset: {offset}")


def _text_of(error: json.JSONDecodeError) -> str:
    if error.msg.startswith("Expecting ','"):
        within_array = _fails_with(error.doc[: error.pos] + ",0", "Expecting ','")
        closing, kind = ("]", "array element") if within_array else ("}", "object member")
        return f"Missing a comma or {closing} after an {kind}."
    return next((text for start, text in _TEXTS if error.msg.startswith(start)), "Invalid value.")


def _fails_with(text: str, beginning: str) -> bool:
    try:
        _DECODER.raw_decode(text, len(text) - len(text.lstrip(" \t\r\n")))
    except json.JSONDecodeError as error:
        return error.msg.startswith(beginning)
    return False


def _integer(digits: str) -> int | float:
    """As in orjson and RapidJSON, a number that does not fit into 64 bits is a float."""
    if len(digits) <= 20 and -(2**63) <= (value := int(digits)) < 2**64:
        return value
    return _number(digits)


def _number(digits: str) -> float:
    value = float(digits)
    if value in (float("inf"), float("-inf")):
        raise OverflowError
    return value


_DECODER = json.JSONDecoder(parse_int=_integer, parse_float=_number)


class _Excerpt:
    """Indented JSON that stops to grow at SHOWN_CHARACTERS; `text` may exceed them by one scalar."""

    def __init__(self) -> None:
        self.text = ""

    @property
    def is_full(self) -> bool:
        return len(self.text) >= SHOWN_CHARACTERS

    def add(self, value: Any, level: int = 0) -> None:
        """Appends a value; `level` is the number of objects and arrays around it."""
        if self.is_full:
            return
        if isinstance(value, list):
            self._add_list(value, level)
        elif isinstance(value, dict):
            self._add_object(value, level)
        else:
            self.text += _scalar(value)

    def _add_list(self, items: list[Any], level: int) -> None:
        self.text += "["
        for index, item in enumerate(items):
            if self.is_full:
                return
            self.text += ", " if index else ""
            self.add(item, level + 1)
        self.text += "]"

    def _add_object(self, members: dict[str, Any], level: int) -> None:
        self.text += "{"
        for index, (name, member) in enumerate(members.items()):
            if self.is_full:
                return
            self.text += f"{',' if index else ''}\n{' ' * _INDENT * (level + 1)}{_scalar(name)}: "
            self.add(member, level + 1)
        self.text += f"\n{' ' * _INDENT * level}}}" if members else "}"


def _scalar(value: Any) -> str:
    if isinstance(value, str):
        cut = value[:_SHOWN_OF_A_STRING]
        return json.dumps(to_bytes(cut).decode("utf-8", "replace"), ensure_ascii=False)
    return json.dumps(value)
