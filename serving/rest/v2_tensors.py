"""Tensors of the Open Inference Protocol: in JSON, and in its binary extension, behind the JSON."""

import dataclasses
import math
import struct
from collections.abc import Mapping
from typing import Any

import numpy as np

from serving.model.predictor import TensorSpec, strings
from serving.rest.answer_json import map_values, numbers, text
from serving.rest.json_document import shown, to_bytes
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
_BINARY_SIZE = "binary_data_size"


@dataclasses.dataclass
class Binary:
    """The bytes after the JSON, taken one tensor after the other."""

    content: memoryview

    def take(self, size: int, name: str) -> memoryview:
        """The next `size` bytes."""
        if size > len(self.content):
            raise invalid(
                f"Input {name} has {size} binary bytes, but {len(self.content)} are left in the body"
            )
        taken, self.content = self.content[:size], self.content[size:]
        return taken

    def check_end(self) -> None:
        """Raises RequestError if bytes are left that no input has claimed."""
        if len(self.content):
            raise invalid(f"{len(self.content)} binary bytes in the body belong to no input")


def datatype(spec: TensorSpec) -> str:
    """The protocol's name of the tensor's type."""
    return DATATYPES.get(spec.dtype, spec.dtype.upper())


def read(given: Any, specs: Mapping[str, TensorSpec], binary: Binary) -> tuple[str, np.ndarray]:
    """The name and the array of one element of `inputs`.

    Raises:
      RequestError: it is none, or not of the signature's type.
    """
    if not isinstance(given, dict) or not isinstance(given.get("name"), str):
        raise invalid("Each of 'inputs' must be an object with a 'name'")
    name = given["name"]
    if name not in specs:
        raise invalid(f"Unexpected input {name}; the inputs are {', '.join(sorted(specs))}")
    wanted = datatype(specs[name])
    if specs[name].dtype not in DATATYPES:
        raise invalid(f"Input {name} has the type {specs[name].dtype}, which the protocol does not know")
    if given.get("datatype") != wanted:
        raise invalid(f"Input {name} must have the datatype {wanted}, and not {shown(given.get('datatype'))}")
    shape = _shape(name, given.get("shape"))
    size = _binary_size(name, given)
    if size is None:
        values = _from_json(name, given, shape, specs[name].dtype)
    elif given.get("data") is not None:
        raise invalid(f"Input {name} has both 'data' and '{_BINARY_SIZE}'")
    else:
        values = _from_binary(name, binary.take(size, name), shape, specs[name].dtype)
    try:
        return name, values.reshape(shape)
    except ValueError:  # numpy has no array without elements that would be too large with them
        raise invalid(f"Input {name} has a 'shape' that is too large") from None


def write(name: str, array: np.ndarray, *, binary: bool) -> tuple[dict[str, Any], bytes]:
    """One element of `outputs`, and the bytes that follow the JSON for it."""
    dtype = "string" if array.dtype.kind in "OS" else array.dtype.name
    if dtype not in DATATYPES:
        raise invalid(f"Output {name} has the type {dtype}, which the protocol does not know")
    tensor: dict[str, Any] = {"name": name, "datatype": DATATYPES[dtype], "shape": list(array.shape)}
    flat = array.reshape(-1)
    if binary:
        content = _to_binary(flat)
        return tensor | {"parameters": {_BINARY_SIZE: len(content)}}, content
    tensor["data"] = map_values(text, flat) if dtype == "string" else numbers(flat)
    return tensor, b""


def _shape(name: str, shape: Any) -> tuple[int, ...]:
    if (
        not isinstance(shape, list)
        or len(shape) > _MOST_DIMENSIONS
        or not all(type(size) is int and size >= 0 for size in shape)
    ):
        raise invalid(f"Input {name} needs a 'shape', a list of whole numbers, {_MOST_DIMENSIONS} at most")
    if any(size >= 2**31 for size in shape):
        raise invalid(f"Input {name} has a 'shape' that is too large")
    return tuple(shape)


def _binary_size(name: str, given: Mapping[str, Any]) -> int | None:
    parameters = given.get("parameters") or {}
    if not isinstance(parameters, dict):
        raise invalid(f"Input {name}: 'parameters' must be an object")
    size = parameters.get(_BINARY_SIZE)
    if size is None:
        return None
    if type(size) is not int or size < 0:
        raise invalid(f"Input {name}: '{_BINARY_SIZE}' must be a whole number")
    return size


def _from_json(name: str, given: Mapping[str, Any], shape: tuple[int, ...], dtype: str) -> np.ndarray:
    if not isinstance(given.get("data"), list):
        raise invalid(f"Input {name} needs 'data', a list")
    values = _flat(given["data"])
    _check_count(name, len(values), shape)
    wrong = [value for value in values if not _fits(value, dtype)]
    if wrong:
        raise invalid(f"Input {name} holds {shown(wrong[0])}, which is no {DATATYPES[dtype]}")
    if dtype == "string":
        return strings([to_bytes(value) for value in values])
    with np.errstate(over="ignore"):  # what is too large for a float is infinite
        return np.array(values, dtype)


def _fits(value: Any, dtype: str) -> bool:
    if dtype == "string":
        return isinstance(value, str)
    if dtype == "bool":
        return isinstance(value, bool)
    if isinstance(value, bool):
        return False
    if dtype.startswith("float"):
        return isinstance(value, (int, float))
    limits = np.iinfo(dtype)
    return isinstance(value, int) and limits.min <= value <= limits.max


def _flat(data: list[Any]) -> list[Any]:
    """The values of lists in lists, in order; the protocol allows any nesting."""
    values: list[Any] = []
    open_lists = [iter(data)]
    while open_lists:
        for item in open_lists[-1]:
            if isinstance(item, list):
                open_lists.append(iter(item))
                break
            values.append(item)
        else:
            open_lists.pop()
    return values


def _from_binary(name: str, content: memoryview, shape: tuple[int, ...], dtype: str) -> np.ndarray:
    if dtype == "string":
        return strings(_texts(name, content, shape))
    kind = np.dtype(dtype).newbyteorder("<")
    if len(content) != math.prod(shape) * kind.itemsize:
        raise invalid(
            f"Input {name} has {len(content)} binary bytes, but its shape and datatype say "
            f"{math.prod(shape) * kind.itemsize}"
        )
    if dtype == "bool":
        return np.frombuffer(content, np.uint8) != 0
    return np.frombuffer(content, kind).astype(dtype)


def _texts(name: str, content: memoryview, shape: tuple[int, ...]) -> list[bytes]:
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
    _check_count(name, len(texts), shape)
    return texts


def _to_binary(flat: np.ndarray) -> bytes:
    if flat.dtype.kind in "OS":
        texts = [value.encode() if isinstance(value, str) else bytes(value) for value in flat]
        return b"".join(part for value in texts for part in (_LENGTH.pack(len(value)), value))
    return flat.astype(flat.dtype.newbyteorder("<")).tobytes()


def _check_count(name: str, count: int, shape: tuple[int, ...]) -> None:
    if count != math.prod(shape):
        raise invalid(f"Input {name} has {count} elements, but its shape says {math.prod(shape)}")
