"""Tensors of the Open Inference Protocol over HTTP: values in JSON, and bytes behind it."""

import math
import struct

import numpy as np
import pytest
from refusals import invalid_argument

from serving.model.predictor import TensorSpec
from serving.open_inference.tensors import DATATYPES as NAMES
from serving.rest.v2_tensors import Binary, read, write

DTYPES = {"x": "float32", "n": "int32", "t": "string", "b": "bool"}
SPECS = {name: TensorSpec(dtype=dtype, shape=None, tensor=f"{name}:0") for name, dtype in DTYPES.items()}
DATATYPES = {"x": "FP32", "n": "INT32", "t": "BYTES", "b": "BOOL"}


def tensor(name: str, data, shape=None, **more) -> dict:
    shape = [len(data)] if shape is None else shape
    return {"name": name, "datatype": DATATYPES.get(name), "shape": shape, "data": data} | more


def values(given: dict, content: bytes = b"") -> list:
    name, array = read(given, SPECS, Binary(memoryview(content)))
    assert name == given["name"]
    return array.tolist()


def refusal(given: object, content: bytes = b"") -> str:
    return invalid_argument(read, given, SPECS, Binary(memoryview(content)))


@pytest.mark.parametrize(
    ("data", "shape", "read_as"),
    [
        ([1, 2, 3, 4], [4], [1, 2, 3, 4]),
        ([1, 2, 3, 4], [2, 2], [[1, 2], [3, 4]]),
        ([[1, 2], [3, 4]], [4], [1, 2, 3, 4]),
        ([1, [2, [3]], 4], [2, 2], [[1, 2], [3, 4]]),
        ([[], [[5]], []], [1], [5]),
        ([5], [], 5),
        ([], [0, 3], []),
    ],
)
def test_values_are_taken_in_order_however_they_are_nested(data, shape, read_as):
    assert values(tensor("x", data, shape)) == read_as


def test_each_type_takes_its_values():
    assert values(tensor("x", [1, 0.5, 1e300])) == [1, 0.5, math.inf]
    assert values(tensor("t", ["é", ""])) == ["é".encode(), b""]
    assert values(tensor("b", [True, False])) == [True, False]
    assert values(tensor("n", [-1, 0])) == [-1, 0]


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("x", True, "true"),
        ("x", "1", '"1"'),
        ("x", None, "null"),
        ("n", 1.0, "1.0"),
        ("n", False, "false"),
        ("n", "1", '"1"'),
        ("t", 1, "1"),
        ("t", None, "null"),
        ("b", 1, "1"),
        ("b", "true", '"true"'),
    ],
)
def test_a_value_of_another_type_is_refused(name, value, shown):
    good = {"x": 1.5, "n": 1, "t": "a", "b": True}[name]
    assert refusal(tensor(name, [good, value])) == (
        f"Input {name} holds {shown}, which is not of type {DATATYPES[name]}"
    )


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ([], "Each of 'inputs' must be an object with a 'name'"),
        ({}, "Each of 'inputs' must be an object with a 'name'"),
        ({"name": 1}, "Each of 'inputs' must be an object with a 'name'"),
        (tensor("y", [1]), "Unexpected input y; the inputs are b, n, t, x"),
        (tensor("x", [1], datatype="FP64"), 'Input x must have the datatype FP32, and not "FP64"'),
        (
            {"name": "x", "shape": [1], "data": [1]},
            "Input x must have the datatype FP32, and not null",
        ),
        (
            {"name": "x", "datatype": "FP32", "data": [1]},
            "Input x needs a 'shape', a list of whole numbers, 32 at most",
        ),
        (tensor("x", None, [1]), "Input x needs 'data', a list"),
        (tensor("x", {"a": 1}, [1]), "Input x needs 'data', a list"),
        (tensor("x", [1, 2], [3]), "Input x has 2 elements, but its shape says 3"),
        (tensor("x", [1], parameters=[]), None),
        (tensor("x", [1], parameters=[1]), "Input x: 'parameters' must be an object"),
        (
            tensor("x", [1], parameters={"binary_data_size": 4}),
            "Input x has both 'data' and 'binary_data_size'",
        ),
    ],
)
def test_an_input_that_is_not_one_is_refused(given, text):
    if text is None:
        assert values(given) == [1]
    else:
        assert refusal(given, content=bytes(4)) == text


@pytest.mark.parametrize("size", [-1, 1.0, "4", True, [4]])
def test_a_binary_size_is_a_whole_number(size):
    given = tensor("x", None, [1], parameters={"binary_data_size": size})
    assert refusal(given, content=bytes(4)) == "Input x: 'binary_data_size' must be a whole number"


def test_bytes_are_taken_one_tensor_after_the_other():
    binary = Binary(memoryview(b"\0\0\x80\x3f\x07\0\0\0"))
    first = tensor("x", None, [1], parameters={"binary_data_size": 4})
    second = tensor("n", None, [1], parameters={"binary_data_size": 4})
    assert read(first, SPECS, binary)[1].tolist() == [1.0]
    assert invalid_argument(binary.check_end) == "4 binary bytes in the body belong to no input"
    assert read(second, SPECS, binary)[1].tolist() == [7]
    binary.check_end()
    empty = tensor("x", None, [0], parameters={"binary_data_size": 0})
    assert read(empty, SPECS, binary)[1].tolist() == []
    assert invalid_argument(read, first, SPECS, binary) == (
        "Input x has 4 binary bytes, but 0 are left in the body"
    )


def test_an_output_in_json_and_in_bytes():
    array = np.array([[1.5, 0.5], [-2.0, 3.0]], np.float32)
    about = {"name": "y", "datatype": "FP32", "shape": [2, 2]}
    assert write("y", array, binary=False) == (about | {"data": [1.5, 0.5, -2.0, 3.0]}, b"")
    in_bytes, content = write("y", array, binary=True)
    assert in_bytes == about | {"parameters": {"binary_data_size": 16}}
    assert content == array.astype("<f4").tobytes()


def test_a_text_goes_out_as_text_in_json_and_behind_its_length_in_bytes():
    array = np.array(["é", b"good"], object)
    about = {"name": "label", "datatype": "BYTES", "shape": [2]}
    assert write("label", array, binary=False) == (about | {"data": ["é", "good"]}, b"")
    in_bytes, content = write("label", array, binary=True)
    assert (in_bytes["parameters"], content) == (
        {"binary_data_size": 14}, b"\x02\0\0\0\xc3\xa9\x04\0\0\0good",
    )  # fmt: skip


def read_tensor(dtype: str, *, data=None, content: bytes = b"", shape=(1,)) -> list:
    """The values of a tensor `x` of the type, from JSON or from binary content."""
    given = {"name": "x", "datatype": NAMES[dtype], "shape": list(shape), "data": data}
    if data is None:
        given["parameters"] = {"binary_data_size": len(content)}
    spec = {"x": TensorSpec(dtype=dtype, shape=None, tensor="x:0")}
    name, array = read(given, spec, Binary(memoryview(content)))
    assert (name, array.dtype) == ("x", np.dtype(object if dtype == "string" else dtype))
    return array.tolist()


@pytest.mark.parametrize("dtype", [dtype for dtype in NAMES if "int" in dtype])
def test_each_integer_type_takes_its_bounds_and_nothing_beyond(dtype):
    low, high = (int(bound) for bound in (np.iinfo(dtype).min, np.iinfo(dtype).max))
    assert read_tensor(dtype, data=[low, high], shape=[2]) == [low, high]
    packed = np.array([low, high], dtype).astype(np.dtype(dtype).newbyteorder("<")).tobytes()
    assert read_tensor(dtype, content=packed, shape=[2]) == [low, high]
    for beyond in (low - 1, high + 1):
        said = invalid_argument(read_tensor, dtype, data=[low, beyond], shape=[2])
        assert said == f"Input x holds {beyond}, which is not of type {NAMES[dtype]}"


def texts_with_lengths(*pairs: tuple[int, bytes]) -> bytes:
    return b"".join(struct.pack("<I", length) + text for length, text in pairs)


@pytest.mark.parametrize("texts", [[b""], [b"a"], [b"", b""], [b"good", b""], [b"", b"good"]])
def test_a_length_that_says_how_long_the_text_is_is_read(texts):
    content = texts_with_lengths(*((len(text), text) for text in texts))
    assert read_tensor("string", content=content, shape=[len(texts)]) == texts


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (texts_with_lengths((5, b"good")), "Input x: its binary data ends within an element"),
        (texts_with_lengths((1, b"")), "Input x: its binary data ends within an element"),
        (texts_with_lengths((2**32 - 1, b"good")), "Input x: its binary data ends within an element"),
        (
            texts_with_lengths((5, b"good"), (0, b"")),  # it takes a byte of the next one's length
            "Input x: its binary data ends within the length of an element",
        ),
        (texts_with_lengths((3, b"good")), "Input x: its binary data ends within the length of an element"),
        (b"\0\0\0", "Input x: its binary data ends within the length of an element"),
    ],
)
def test_a_length_that_is_wrong_by_one_is_refused(content, text):
    assert invalid_argument(read_tensor, "string", content=content) == text


def test_a_type_that_the_protocol_does_not_know_is_said():
    spec = {"x": TensorSpec(dtype="complex64", shape=None, tensor="x:0")}
    given = {"name": "x", "datatype": "COMPLEX64", "shape": [1], "data": [1]}
    said = "put x has the type complex64, which the protocol does not have"
    assert invalid_argument(read, given, spec, Binary(memoryview(b""))) == f"In{said}"
    assert invalid_argument(write, "x", np.zeros(1, np.complex64), binary=False) == f"Out{said}"
