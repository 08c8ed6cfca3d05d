"""Bodies are read as RapidJSON reads them for TensorFlow Serving, and refused with its texts."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from refusals import invalid_argument

from serving.rest.json_document import parse, shown, to_bytes, type_name
from serving.status import Code, RequestError


def error_of(body: bytes) -> str:
    return invalid_argument(parse, body)


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"", "The document is empty"),
        (b" \n", "The document is empty. at offset: 2"),
        (b"instances = [1, 2]", "Invalid value. at offset: 0"),
        (b'{"a": }', "Invalid value. at offset: 6"),
        (b'{"a": [1, ', "Invalid value. at offset: 10"),
        (b"{a: 1}", "Missing a name for object member. at offset: 1"),
        (b'{"a" 1}', "Missing a colon after a name of object member. at offset: 5"),
        (b'{"a": 1 "b"}', "Missing a comma or } after an object member. at offset: 8"),
        (b'{"a": [1 2]}', "Missing a comma or ] after an array element. at offset: 9"),
        (b'{"a": {"b": [1, 2] "c"}}', "Missing a comma or } after an object member. at offset: 19"),
        (b'{"a": "b', "Missing a closing quotation mark in string. at offset: 6"),
        (b'{"a": "\\x"}', "Invalid escape character in string. at offset: 7"),
        (b'{"a": "\\u12G4"}', "Incorrect hex digit after \\u escape in string. at offset: 8"),
        (b'{"a": "\x01"}', "Invalid encoding in string. at offset: 7"),
        (b'{"a": "\\ud800"}', "The surrogate pair in string is invalid. at offset: 7"),
        (b'{"a": "\\ude00\\ud83d"}', "The surrogate pair in string is invalid. at offset: 7"),
        (b'{"a": 1e400}', "Number too big to be stored in double."),
        (b'{"a": 1' + b"0" * 400 + b"}", "Number too big to be stored in double."),
        (b'{"a": ' + b"[" * 100_000, "Arrays and objects are nested too deeply."),
        ('{"é": "ü"; }'.encode(), "Missing a comma or } after an object member. at offset: 11"),
        (b'\xef\xbb\xbf{"a" 1}', "Missing a colon after a name of object member. at offset: 8"),
    ],
)
def test_what_is_no_json_is_refused_with_rapidjsons_text(body, text):
    assert error_of(body) == f"JSON Parse error: {text}"


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b'{"a": 1, "b": [true, false, null, -2.5]}', {"a": 1, "b": [True, False, None, -2.5]}),
        (
            b'{"a": [Infinity, -Infinity, Inf, -Inf, 1e300]}',
            {"a": [math.inf, -math.inf, math.inf, -math.inf, 1e300]},
        ),
        (b'{"a": "Inf NaN -Inf", "b": Inf}', {"a": "Inf NaN -Inf", "b": math.inf}),
        (b'{"a": "\\"Inf", "b": Inf}', {"a": '"Inf', "b": math.inf}),
        (b'{"a": 1} and more', {"a": 1}),
        (b' \n{"a": 1}{"a": 2}', {"a": 1}),
        (b'\xef\xbb\xbf{"a": 1}', {"a": 1}),
        (b'{"a": "\\ud83d\\ude00\\\\ud800"} x', {"a": "😀\\ud800"}),
        (b'{"a": 18446744073709551615}', {"a": 2**64 - 1}),
        (b'{"a": [18446744073709551616, -9223372036854775809]}', {"a": [2.0**64, -(2.0**63)]}),
        (
            b'{"a": [Infinity, 18446744073709551616, -9223372036854775809]}',
            {"a": [math.inf, 2.0**64, -(2.0**63)]},
        ),
        (b'{"a": 123456789012345678901234567890}', {"a": 1.2345678901234568e29}),
        (b'{"a": 123456789012345678901234567890} x', {"a": 1.2345678901234568e29}),
    ],
)
def test_more_than_strict_json_is_read(body, value):
    assert parse(body) == value


def test_a_long_string_without_end_is_read_once():
    assert "Missing a closing quotation mark" in error_of(b'{"a": Inf, "b": "' + b'\\"' * 200_000)


def test_nan_is_read():
    assert str(parse(b'{"a": [NaN, -NaN]}')) == "{'a': [nan, nan]}"


def test_bytes_that_are_no_utf8_stay_as_they_are():
    assert to_bytes(parse(b'{"a": "caf\xe9 \xff"}')["a"]) == b"caf\xe9 \xff"


@pytest.mark.parametrize(("body", "value"), [(b"[1, 2]", "[1, 2]"), (b"5", "5"), (b'"x"', '"x"')])
def test_only_an_object_will_do(body, value):
    assert error_of(body) == f"JSON Value: {value} Is not object"


def test_a_value_in_an_error_text_is_pretty_and_cut():
    assert shown({"a": [1, {"b": None}], "c": {}}) == (
        '{\n    "a": [1, {\n            "b": null\n        }],\n    "c": {}\n}'
    )
    assert len(shown(list(range(100_000)))) < 300
    assert len(shown("x" * 100_000)) < 1100
    assert len(shown({"k" * 10_000: "x"})) < 1100


def test_types_are_named_as_rapidjson_names_them():
    values = (None, True, False, {}, [], "", 0, 0.5)
    assert [type_name(value) for value in values] == [
        "Null",
        "True",
        "False",
        "Object",
        "Array",
        "String",
        "Number",
        "Number",
    ]


@given(st.binary(max_size=200) | st.text(alphabet='{}[]",:\\u0dD8c 1e-NaInfy.', max_size=60).map(str.encode))
def test_whatever_bytes_come_they_are_read_or_refused(body):
    try:
        assert isinstance(parse(body), dict)
    except RequestError as error:
        assert error.code is Code.INVALID_ARGUMENT
        error.message.encode()
