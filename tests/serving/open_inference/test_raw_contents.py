"""Tensors of the Open Inference Protocol: what a signature allows, shapes, and raw contents byte by byte."""

import numpy as np
import pytest
from refusals import invalid_argument

from serving.model.predictor import TensorSpec
from serving.open_inference.tensors import (
    DATATYPES,
    check_count,
    datatype,
    from_raw,
    input_shape,
    input_spec,
    output_dtype,
    shaped,
    to_bytes,
    to_raw,
)


def spec(dtype: str) -> TensorSpec:
    return TensorSpec(dtype=dtype, shape=None, tensor="x:0")


SPECS = {"x": spec("float32"), "b": spec("complex64")}


def test_the_protocols_names_of_types():
    assert DATATYPES == {
        "string": "BYTES",
        "bool": "BOOL",
        "int8": "INT8",
        "int16": "INT16",
        "int32": "INT32",
        "int64": "INT64",
        "uint8": "UINT8",
        "uint16": "UINT16",
        "uint32": "UINT32",
        "uint64": "UINT64",
        "float16": "FP16",
        "float32": "FP32",
        "float64": "FP64",
    }
    assert (datatype(spec("string")), datatype(spec("complex64"))) == ("BYTES", "COMPLEX64")


def test_an_input_has_to_be_one_of_the_signatures_and_of_its_type():
    assert input_spec("x", "FP32", SPECS, text="FP32") is SPECS["x"]
    assert invalid_argument(input_spec, "y", "FP32", SPECS, text="FP32") == (
        "Unexpected input y; the inputs are b, x"
    )
    assert invalid_argument(input_spec, "x", "FP64", SPECS, text="'FP64'") == (
        "Input x must have the datatype FP32, and not 'FP64'"
    )
    assert invalid_argument(input_spec, "b", "COMPLEX64", SPECS, text="") == (
        "Input b has the type complex64, which the protocol does not have"
    )


@pytest.mark.parametrize("sizes", [[], [0], [1, 2, 3], [2**31 - 1], [1] * 32])
def test_a_shape_is_a_list_of_sizes(sizes):
    assert input_shape("x", sizes) == tuple(sizes)


@pytest.mark.parametrize("sizes", [None, (1,), "1", [-1], [1.0], [True], [None], [1] * 33])
def test_what_is_not_a_shape_is_refused(sizes):
    assert invalid_argument(input_shape, "x", sizes) == (
        "Input x needs a 'shape', a list of whole numbers, 32 at most"
    )


@pytest.mark.parametrize("sizes", [[2**31], [1, 2**40]])
def test_a_size_that_no_tensor_has_is_refused(sizes):
    assert invalid_argument(input_shape, "x", sizes) == "Input x has a 'shape' that is too large"


def test_elements_have_to_make_the_shape():
    check_count("x", 6, (2, 3))
    check_count("x", 1, ())
    check_count("x", 0, (2, 0))
    assert invalid_argument(check_count, "x", 5, (2, 3)) == "Input x has 5 elements, but its shape says 6"
    assert shaped("x", np.arange(6), (2, 3)).tolist() == [[0, 1, 2], [3, 4, 5]]


def test_a_shape_without_elements_may_be_too_large_for_an_array():
    huge = (2**31 - 1, 2**31 - 1, 2**31 - 1, 0)
    assert invalid_argument(shaped, "x", np.zeros(0), huge) == "Input x has a 'shape' that is too large"


@pytest.mark.parametrize(
    ("dtype", "content", "values"),
    [
        ("int16", b"\x01\x02\xff\xff", [0x0201, -1]),
        ("uint32", b"\x01\0\0\0\0\0\0\x80", [1, 2**31]),
        ("float32", b"\0\0\x80\x3f\0\0\0\xc0", [1.0, -2.0]),
        ("bool", b"\0\x02", [False, True]),
        ("string", b"\x02\0\0\0hi\0\0\0\0", [b"hi", b""]),
    ],
)
def test_raw_contents_are_little_endian_and_a_text_follows_its_length(dtype, content, values):
    found = from_raw("x", memoryview(content), (2,), dtype)
    assert found.tolist() == values
    assert found.dtype == (object if dtype == "string" else np.dtype(dtype))
    assert found.dtype.isnative
    if dtype == "bool":
        assert found.view(np.uint8).tolist() == [0, 1]
    if dtype != "bool":
        assert to_raw(found) == content


def test_raw_contents_of_another_size_than_the_shape_says_are_refused():
    eight = memoryview(bytes(8))
    assert invalid_argument(from_raw, "x", eight, (3,), "float32") == (
        "Input x has 8 binary bytes, but its shape and datatype say 12"
    )
    assert invalid_argument(from_raw, "x", eight, (1,), "string") == (
        "Input x has 2 elements, but its shape says 1"
    )
    assert from_raw("x", memoryview(b""), (0,), "float64").tolist() == []


def test_values_go_out_as_they_came_in_whatever_the_machine():
    big = np.array([1, 258], ">u2")
    assert to_raw(big) == b"\x01\0\x02\x01"
    assert to_raw(np.array(["é", b"\xff"], object)) == b"\x02\0\0\0\xc3\xa9\x01\0\0\0\xff"
    assert to_raw(np.array([b"ab"])) == b"\x02\0\0\0ab"
    assert (to_bytes("é"), to_bytes(b"\xff")) == (b"\xc3\xa9", b"\xff")


def test_an_output_has_a_type_of_the_protocol():
    assert output_dtype("y", np.array([b"a"], object)) == "string"
    assert output_dtype("y", np.array([b"a"])) == "string"
    assert output_dtype("y", np.zeros(1, np.uint8)) == "uint8"
    assert invalid_argument(output_dtype, "y", np.zeros(1, np.complex64)) == (
        "Output y has the type complex64, which the protocol does not have"
    )
