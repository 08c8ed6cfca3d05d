"""Tensors come from JSON by the rules of TensorFlow Serving's json_tensor.cc, with its error texts."""

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from refusals import invalid_argument

from serving.model.predictor import TensorSpec
from serving.rest.tensor_json import Form, inputs_of, read
from serving.status import Code, RequestError


def specs(**dtypes: str) -> dict[str, TensorSpec]:
    return {name: TensorSpec(dtype=dtype, shape=None, tensor=f"{name}:0") for name, dtype in dtypes.items()}


def error_of(document, given_specs) -> str:
    return invalid_argument(inputs_of, document, given_specs)


def in_row(number: int, text: str, key: str = "") -> str:
    return f"Failed to process element: {number}{key} of 'instances' list. Error: INVALID_ARGUMENT: {text}"


@pytest.mark.parametrize(
    ("document", "form", "values"),
    [
        ({"instances": ["a", "é"]}, Form.ROW, [b"a", "é".encode()]),
        ({"instances": [{"b64": "aGk="}, "a"]}, Form.ROW, [b"hi", b"a"]),
        ({"instances": [{"b64": "aGk"}]}, Form.ROW, [b"hi"]),
        ({"instances": [{"x": "a"}, {"x": {"b64": "aGk="}}]}, Form.ROW, [b"a", b"hi"]),
        ({"instances": [["a", "b"], ["c", "d"]]}, Form.ROW, [[b"a", b"b"], [b"c", b"d"]]),
        ({"instances": [[], []]}, Form.ROW, [[], []]),
        ({"inputs": ["a"]}, Form.COLUMN, [b"a"]),
        ({"inputs": "a"}, Form.COLUMN, b"a"),
        ({"inputs": {"b64": "aGk="}}, Form.COLUMN, b"hi"),
        ({"inputs": {"x": ["a"], "of no interest": 1}}, Form.COLUMN, [b"a"]),
        ({"inputs": []}, Form.COLUMN, []),
    ],
)
def test_texts_come_in_rows_and_columns(document, form, values):
    found, tensors = inputs_of(document, specs(x="string"))
    assert (found, tensors["x"].tolist(), tensors["x"].dtype) == (form, values, np.dtype(object))


@pytest.mark.parametrize(
    ("dtype", "values", "read"),
    [
        ("float32", [1, 2.5, 1e300, -1e300, math.inf], [1, 2.5, math.inf, -math.inf, math.inf]),
        ("float64", [1, 1e300], [1, 1e300]),
        ("int32", [-(2**31), 2**31 - 1], [-(2**31), 2**31 - 1]),
        ("int64", [-(2**63), 2**63 - 1], [-(2**63), 2**63 - 1]),
        ("int8", [300, -1], [44, -1]),  # TensorFlow carries it as int32, and cuts it off
        ("uint8", [256, 7], [0, 7]),
        ("uint32", [2**32 - 1], [2**32 - 1]),
        ("uint64", [2**64 - 1], [2**64 - 1]),
        ("bool", [True, False], [True, False]),
    ],
)
def test_numbers_are_converted_as_there(dtype, values, read):
    _, tensors = inputs_of({"instances": values}, specs(x=dtype))
    assert tensors["x"].dtype == np.dtype(dtype) and tensors["x"].tolist() == read


@pytest.mark.parametrize(
    ("dtype", "value", "kind", "type_text"),
    [
        ("float32", "1", '"1" Type: String', "float"),
        ("float64", True, "true Type: True", "double"),
        ("float32", None, "null Type: Null", "float"),
        ("float32", {"b64": "aGk="}, '{\n    "b64": "aGk="\n} Type: Object', "float"),
        ("int32", 1.0, "1.0 Type: Number", "int32"),
        ("int32", 2**31, "2147483648 Type: Number", "int32"),
        ("int32", False, "false Type: False", "int32"),
        ("uint32", -1, "-1 Type: Number", "uint32"),
        ("int64", 2**63, "9223372036854775808 Type: Number", "int64"),
        ("bool", 1, "1 Type: Number", "bool"),
        ("string", 1, "1 Type: Number", "string"),
    ],
)
def test_a_value_of_another_type_is_refused(dtype, value, kind, type_text):
    text = f"JSON Value: {kind} is not of expected type: {type_text}"
    assert error_of({"instances": [value]}, specs(x=dtype)) == in_row(0, text)
    assert error_of({"inputs": [value]}, specs(x=dtype)) == text


INT32 = (-(2**31), 2**31 - 1)
BOUNDS = {
    "int8": INT32,  # TensorFlow reads the small types as int32, and cuts them off
    "int16": INT32,
    "uint8": INT32,
    "int32": INT32,
    "int64": (-(2**63), 2**63 - 1),
    "uint32": (0, 2**32 - 1),
    "uint64": (0, 2**64 - 1),
}


@pytest.mark.parametrize(("dtype", "low", "high"), [(dtype, *bounds) for dtype, bounds in BOUNDS.items()])
def test_each_integer_type_takes_its_bounds_and_nothing_beyond(dtype, low, high):
    for document in ({"instances": [low, high]}, {"inputs": [low, high]}):
        _, tensors = inputs_of(document, specs(x=dtype))
        cut = np.array([low, high], object if "64" in dtype else np.int64).astype(dtype)
        assert tensors["x"].tolist() == cut.tolist()
    for beyond in (low - 1, high + 1):
        text = f"JSON Value: {beyond} Type: Number is not of expected type: {dtype}"
        assert error_of({"inputs": [low, beyond]}, specs(x=dtype)) == text
        assert error_of({"instances": [low, beyond]}, specs(x=dtype)) == in_row(1, text)


@pytest.mark.parametrize(
    ("dtype", "name"), [("complex64", "complex64"), ("float16", "half"), ("uint16", "uint16")]
)
def test_a_type_that_json_cannot_carry_is_not_implemented(dtype, name):
    with pytest.raises(RequestError) as caught:
        inputs_of({"inputs": [1]}, specs(x=dtype))
    assert caught.value.code is Code.UNIMPLEMENTED
    assert caught.value.message == f"Conversion of JSON Value: 1 to type: {name}"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"b64": 1}, 'JSON Value: {\n    "b64": 1\n} not formatted correctly for base64 data'),
        ({"b64": "a"}, "Unable to base64 decode"),
        ({"b64": "%%%%"}, "Unable to base64 decode"),
    ],
)
def test_broken_base64_is_refused(value, text):
    assert error_of({"inputs": [value]}, specs(x="string")) == text


@pytest.mark.parametrize(
    ("document", "text"),
    [
        ({}, "Missing 'inputs' or 'instances' key"),
        ({"instances": []}, "JSON Value: {\n    \"instances\": []\n} No values in 'instances' array"),
        (
            {"instances": "a"},
            'JSON Value: {\n    "instances": "a"\n} Expecting \'instances\' to be an list/array',
        ),
        (
            {"instances": [1], "inputs": [1]},
            'JSON Value: {\n    "instances": [1],\n    "inputs": [1]\n} Not formatted correctly expecting '
            "only one of 'inputs' or 'instances' keys to exist ",
        ),
        ({"instances": [[1, 2], [3]]}, in_row(1, "Expecting tensor size: 2 but got: 1")),
        ({"instances": [[], [1]]}, in_row(1, "Expecting tensor size: 0 but got: 1")),
        ({"instances": [[1], [[1]]]}, in_row(1, "Expecting shape [1] but got: [1,1]")),
        (
            {"instances": [[[1, 2], [3]]]},
            in_row(0, "Encountered list at unexpected size: 1 at level: 1 expected size: 2"),
        ),
        ({"inputs": [1, [2]]}, "Encountered list at unexpected level: 1 expected < 1"),
        (
            {"inputs": [[1], 2]},
            "JSON Value: 2 found at incorrect level: 2 in the JSON DOM. Expected at level: 2",
        ),
        (
            {"inputs": [[[1]], [2]]},
            "JSON Value: 2 found at incorrect level: 3 in the JSON DOM. Expected at level: 3",
        ),
        ({"inputs": [[1], [2, 3]]}, "Encountered list at unexpected size: 2 at level: 1 expected size: 1"),
        ({"instances": [{"x": 1}, 2]}, "Expecting object but got list at item 1 of input list"),
        ({"instances": [1, {"x": 2}]}, "Expecting value/list but got object at item 1 of input list"),
        ({"instances": [{"y": 1}]}, in_row(0, "JSON object: does not have named input: y", " key: y")),
        (
            {"instances": [{}]},
            "Failed to process element: 0 of 'instances' list. JSON object: {} keys must be equal to: x",
        ),
        ({"inputs": {"y": 1}}, "Missing named input: x in 'inputs' object."),
    ],
)
def test_what_does_not_fit_is_refused_with_its_place(document, text):
    assert error_of(document, specs(x="float32")) == text


def test_rows_of_several_inputs_need_exactly_the_signatures_keys():
    several = specs(a="float32", b="string")
    form, tensors = inputs_of({"instances": [{"a": [1, 2], "b": "x"}, {"b": "y", "a": [3, 4]}]}, several)
    assert form is Form.ROW
    assert tensors["a"].tolist() == [[1, 2], [3, 4]] and tensors["b"].tolist() == [b"x", b"y"]
    assert error_of({"instances": [{"a": 1}]}, several) == (
        "Failed to process element: 0 of 'instances' list. JSON object: {\n"
        '    "a": 1\n} keys must be equal to: a,b'
    )
    assert error_of({"instances": [1]}, several).startswith(
        "instances is a plain list, but expecting list of"
    )
    assert error_of({"inputs": [1]}, several).startswith(
        "inputs is a plain value/list, but expecting an object"
    )
    assert error_of({"inputs": {"a": [1]}}, several) == "Missing named input: b in 'inputs' object."


def test_a_signature_without_inputs_cannot_be_called():
    assert error_of({"inputs": []}, {}) == "Failed to get input map for signature: serving_default"


def test_lists_have_no_more_levels_than_a_tensor():
    value = 1
    for _ in range(40):
        value = [value]
    assert "nested deeper than a tensor's" in error_of({"inputs": value}, specs(x="float32"))


@pytest.mark.parametrize("name", [1, None, ["x"]])
def test_the_signatures_name_must_be_a_text(name):
    with pytest.raises(RequestError, match="'signature_name' key must be a string value"):
        read(json.dumps({"signature_name": name}).encode())


@pytest.mark.parametrize(
    ("document", "rows"),
    [
        ({"instances": ["a", "b"]}, 2),
        ({"instances": "a"}, 0),
        ({"inputs": ["a"]}, 1),
        ({"inputs": {"x": ["a"], "y": [1, 2, 3]}}, 3),
        ({"inputs": {"x": "a"}}, 0),
        ({}, 0),
    ],
)
def test_a_request_claims_as_many_rows_as_its_longest_tensor_has(document, rows):
    request = read(json.dumps(document).encode())
    assert (request.document, request.signature_name, request.rows) == (document, "", rows)


def test_a_request_is_read_for_the_signature_that_it_names():
    request = read(b'{"signature_name": "by_name", "instances": ["a"]}')
    assert request.signature_name == "by_name"
    form, tensors = request.inputs(specs(x="string"))
    assert (form, {name: array.tolist() for name, array in tensors.items()}) == (Form.ROW, {"x": [b"a"]})
    no_inputs = "Failed to get input map for signature: "
    assert invalid_argument(request.inputs, {}) == f"{no_inputs}by_name"
    assert invalid_argument(read(b'{"instances": ["a"]}').inputs, {}) == f"{no_inputs}DEFAULT"


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just({"b64": "aGk="}),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2),
    max_leaves=8,
)


@given(
    st.dictionaries(st.sampled_from(["instances", "inputs"]), VALUES, max_size=2),
    st.sampled_from(["string", "float32", "int32", "int64", "bool", "uint8"]),
    st.booleans(),
)
def test_whatever_comes_is_a_tensor_of_the_type_or_refused(document, dtype, several):
    wanted = specs(a=dtype, b="string") if several else specs(a=dtype)
    try:
        _, tensors = inputs_of(document, wanted)
    except RequestError as error:
        assert error.code is Code.INVALID_ARGUMENT
    else:
        assert tensors["a"].dtype == (object if dtype == "string" else np.dtype(dtype))
