"""Answers are written by the rules of TensorFlow Serving's json_tensor.cc."""

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.rest.response_json import predictions
from serving.rest.tensor_json import Form
from serving.status import RequestError


def texts(*values: bytes) -> np.ndarray:
    return np.array(values, object)


@pytest.mark.parametrize(
    ("outputs", "rows", "columns"),
    [
        ({"p": np.array([0.1, 0.5], np.float32)}, [0.1, 0.5], [0.1, 0.5]),
        ({"p": np.array([[1, 2], [3, 4]])}, [[1, 2], [3, 4]], [[1, 2], [3, 4]]),
        ({"t": texts(b"a", "é".encode())}, ["a", "é"], ["a", "é"]),
        ({"t_bytes": texts(b"hi")}, [{"b64": "aGk="}], [{"b64": "aGk="}]),
        (
            {"p": np.array([0.1, 1], np.float32), "t": texts(b"a", b"b")},
            [{"p": 0.1, "t": "a"}, {"p": 1.0, "t": "b"}],
            {"p": [0.1, 1.0], "t": ["a", "b"]},
        ),
        ({"f": np.array([True, False])}, [True, False], [True, False]),
        ({"p": np.zeros((0,), np.float32)}, [], []),
    ],
)
def test_rows_and_columns_and_a_single_output_without_its_name(outputs, rows, columns):
    assert json.loads(predictions(outputs, Form.ROW)) == {"predictions": rows}
    assert json.loads(predictions(outputs, Form.COLUMN)) == {"outputs": columns}


def test_numbers_take_the_shortest_text_and_floats_a_point():
    outputs = {"p": np.array([0.1, 1, 0.95257413, 1e-7], np.float32)}
    assert predictions(outputs, Form.ROW) == b'{"predictions":[0.1,1.0,0.95257413,1e-7]}'


def test_nan_and_infinity_are_sent():
    outputs = {"p": np.array([[math.nan, math.inf], [-math.inf, 0.5]], np.float32)}
    assert predictions(outputs, Form.COLUMN) == b'{"outputs":[[NaN,Infinity],[-Infinity,0.5]]}'


def test_a_text_that_is_no_utf8_becomes_readable():
    assert json.loads(predictions({"t": texts(b"\xff")}, Form.ROW)) == {"predictions": ["\ufffd"]}


def test_a_lone_number_has_a_column_but_no_row():
    assert predictions({"p": np.array(3)}, Form.COLUMN) == b'{"outputs":3}'
    with pytest.raises(RequestError, match="Tensor name: p has no shape information "):
        predictions({"p": np.array(3)}, Form.ROW)


def test_rows_need_outputs_of_one_length():
    outputs = {"a": np.zeros(2), "b": np.zeros(3)}
    with pytest.raises(RequestError, match="Tensor name: b has inconsistent batch size: 3 expecting: 2"):
        predictions(outputs, Form.ROW)


@pytest.mark.parametrize(
    ("outputs", "text"),
    [
        ({}, "Cannot convert empty tensor map to JSON"),
        ({"c": np.zeros(1, np.complex64)}, "Failed to write JSON value for tensor type: complex64"),
        ({"c": np.zeros(1, np.complex128)}, "Failed to write JSON value for tensor type: complex128"),
    ],
)
def test_what_json_cannot_carry_is_said(outputs, text):
    with pytest.raises(RequestError, match=text):
        predictions(outputs, Form.ROW)


@given(st.lists(st.floats(width=32)), st.sampled_from(Form))
def test_every_number_comes_back_as_it_was(values, form):
    array = np.array(values, np.float32)
    (found,) = json.loads(predictions({"p": array}, form)).values()
    np.testing.assert_array_equal(np.array(found, np.float32), array)
