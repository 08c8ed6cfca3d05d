"""The parser of JSON bodies with TensorFlow Serving's (RapidJSON's) rules and error texts.

orjson parses strict JSON. Other bodies are parsed a second time: NaN, Infinity and Inf are numbers, a byte
order mark and the text after the object are ignored, and strings may contain any bytes.
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
    parts: list[str] = []
    _show(value, 0, parts, [SHOWN_CHARACTERS])
    return "".join(parts)


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


def _show(value: Any, level: int, parts: list[str], room: list[int]) -> None:
    """Appends the JSON of `value` to `parts`, until `room`, a list with the characters left, is used up."""
    if room[0] <= 0:
        return
    if isinstance(value, list):
        _put("[", parts, room)
        for index, item in enumerate(value):
            if room[0] <= 0:
                return
            _put(", " if index else "", parts, room)
            _show(item, level + 1, parts, room)
        _put("]", parts, room)
    elif isinstance(value, dict):
        _put("{", parts, room)
        for index, (key, item) in enumerate(value.items()):
            if room[0] <= 0:
                return
            _put(f"{',' if index else ''}\n{' ' * _INDENT * (level + 1)}{_scalar(key)}: ", parts, room)
            _show(item, level + 1, parts, room)
        _put(f"\n{' ' * _INDENT * level}}}" if value else "}", parts, room)
    else:
        _put(_scalar(value), parts, room)


def _put(text: str, parts: list[str], room: list[int]) -> None:
    parts.append(text)
    room[0] -= len(text)


def _scalar(value: Any) -> str:
    if isinstance(value, str):
        cut = value[:_SHOWN_OF_A_STRING]
        return json.dumps(to_bytes(cut).decode("utf-8", "replace"), ensure_ascii=False)
    return json.dumps(value)
