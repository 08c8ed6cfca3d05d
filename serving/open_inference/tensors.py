"""Tensors of the Open Inference Protocol: datatypes and raw contents.

Raw contents are the values in row-major order, little-endian; a text is its length in 4 bytes, then itself.
HTTP has them behind the JSON (`binary_tensor_data`), gRPC in `raw_input_contents` and `raw_output_contents`.
"""

import math
import struct
from collections.abc import Mapping
from typing import Any

import numpy as np

from serving.model.predictor import TensorSpec, strings
from serving.status import invalid

DATATYPES = {
    "string": "BYTES",
    "bool": "BOOL",
    **{f"{sign}int{bits}": f"{sign.upper()}INT{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)},
    **{f"float{bits}": f"FP{bits}" for bits in (16, 32, 64)},
}
"""The protocol's name for each type of TensorFlow's that it has."""

_MOST_DIMENSIONS = 32
_LENGTH = struct.Struct("<I")


def datatype(spec: TensorSpec) -> str:
    """The protocol's name of the tensor's type."""
    return DATATYPES.get(spec.dtype, spec.dtype.upper())


def input_spec(name: str, given: object, specs: Mapping[str, TensorSpec], *, text: str) -> TensorSpec:
    """What the signature says of an input whose datatype is `given`; `text` shows that in an error.

    Raises:
      RequestError: it has no such input, or one of another type.
    """
    if name not in specs:
        raise invalid(f"Unexpected input {name}; the inputs are {', '.join(sorted(specs))}")
    spec = specs[name]
    if spec.dtype not in DATATYPES:
        raise invalid(f"Input {name} has the type {spec.dtype}, which the protocol does not have")
    if given != datatype(spec):
        raise invalid(f"Input {name} must have the datatype {datatype(spec)}, and not {text}")
    return spec


def input_shape(name: str, sizes: Any) -> tuple[int, ...]:
    """The shape of an input; raises RequestError for what is not one."""
    if (
        not isinstance(sizes, list)
        or len(sizes) > _MOST_DIMENSIONS
        or not all(type(size) is int and size >= 0 for size in sizes)
    ):
        raise invalid(f"Input {name} needs a 'shape', a list of whole numbers, {_MOST_DIMENSIONS} at most")
    if any(size >= 2**31 for size in sizes):
        raise _shape_too_large(name)
    return tuple(sizes)


def check_count(name: str, count: int, shape: tuple[int, ...]) -> None:
    """Raises RequestError unless `count` elements make the shape."""
    if count != math.prod(shape):
        raise invalid(f"Input {name} has {count} elements, but its shape says {math.prod(shape)}")


def shaped(name: str, values: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """The values, as many as the shape says, in that shape."""
    try:
        return values.reshape(shape)
    except ValueError:  # numpy has no array without elements that would be too large with them
        raise _shape_too_large(name) from None


def from_raw(name: str, content: memoryview, shape: tuple[int, ...], dtype: str) -> np.ndarray:
    """The values of raw contents, flat; strings are objects (bytes).

    Raises:
      RequestError: there are more or fewer than the shape says, or a text does not end.
    """
    if dtype == "string":
        texts = _texts(name, content)
        check_count(name, len(texts), shape)
        return strings(texts)
    kind = np.dtype(dtype).newbyteorder("<")
    if len(content) != math.prod(shape) * kind.itemsize:
        raise invalid(
            f"Input {name} has {len(content)} binary bytes, but its shape and datatype say "
            f"{math.prod(shape) * kind.itemsize}"
        )
    if dtype == "bool":
        return np.frombuffer(content, np.uint8) != 0
    return np.frombuffer(content, kind).astype(dtype)


def to_raw(flat: np.ndarray) -> bytes:
    """The raw contents of flat values."""
    if flat.dtype.kind in "OS":
        texts = [to_bytes(value) for value in flat]
        return b"".join(part for value in texts for part in (_LENGTH.pack(len(value)), value))
    return flat.astype(flat.dtype.newbyteorder("<")).tobytes()


def to_bytes(value: bytes | str) -> bytes:
    """A text of an output as bytes."""
    return value.encode() if isinstance(value, str) else bytes(value)


def output_dtype(name: str, array: np.ndarray) -> str:
    """TensorFlow's name of an output's type; raises RequestError for one that the protocol does not know."""
    dtype = "string" if array.dtype.kind in "OS" else array.dtype.name
    if dtype not in DATATYPES:
        raise invalid(f"Output {name} has the type {dtype}, which the protocol does not have")
    return dtype


def _texts(name: str, content: memoryview) -> list[bytes]:
    texts: list[bytes] = []
    place = 0
    while place < len(content):
        start = place + _LENGTH.size
        if start > len(content):
            raise invalid(f"Input {name}: its binary data ends within the length of an element")
        place = start + _LENGTH.unpack_from(content, place)[0]
        if place > len(content):
            raise invalid(f"Input {name}: its binary data ends within an element")
        texts.append(bytes(content[start:place]))
    return texts


def _shape_too_large(name: str) -> Exception:
    return invalid(f"Input {name} has a 'shape' that is too large")
