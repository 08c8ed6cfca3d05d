"""Tensors of the Open Inference Protocol over HTTP: as JSON, or as binary data after the JSON."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from serving.model.predictor import TensorSpec, strings
from serving.open_inference.tensors import (
    DATATYPES,
    check_count,
    from_raw,
    input_shape,
    input_spec,
    output_dtype,
    shaped,
    to_raw,
)
from serving.rest.json_document import shown, to_bytes
from serving.rest.response_json import map_values, numbers, text
from serving.status import invalid

_BINARY_SIZE = "binary_data_size"


@dataclasses.dataclass
class Binary:
    """The bytes after the JSON, consumed tensor by tensor."""

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
        """Raises RequestError if bytes are left that belong to no input."""
        if len(self.content):
            raise invalid(f"{len(self.content)} binary bytes in the body belong to no input")


def read(given: Any, specs: Mapping[str, TensorSpec], binary: Binary) -> tuple[str, np.ndarray]:
    """The name of one element of `inputs` and its array, in the shape of the request.

    Raises:
      RequestError: the element is malformed, or does not have the type in the signature.
    """
    if not isinstance(given, dict) or not isinstance(given.get("name"), str):
        raise invalid("Each of 'inputs' must be an object with a 'name'")
    name, given_datatype = given["name"], given.get("datatype")
    spec = input_spec(name, given_datatype, specs, text=shown(given_datatype))
    shape = input_shape(name, given.get("shape"))
    size = _binary_size(name, given)
    if size is None:
        values = _from_json(name, given, shape, spec.dtype)
    elif given.get("data") is not None:
        raise invalid(f"Input {name} has both 'data' and '{_BINARY_SIZE}'")
    else:
        values = from_raw(name, binary.take(size, name), shape, spec.dtype)
    return name, shaped(name, values, shape)


def write(name: str, array: np.ndarray, *, binary: bool) -> tuple[dict[str, Any], bytes]:
    """One element of `outputs`, and its bytes for the part after the JSON; empty unless `binary`."""
    dtype = output_dtype(name, array)
    tensor: dict[str, Any] = {"name": name, "datatype": DATATYPES[dtype], "shape": list(array.shape)}
    flat = array.reshape(-1)
    if binary:
        content = to_raw(flat)
        return tensor | {"parameters": {_BINARY_SIZE: len(content)}}, content
    tensor["data"] = map_values(text, flat) if dtype == "string" else numbers(flat)
    return tensor, b""


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
    check_count(name, len(values), shape)
    wrong = [value for value in values if not _fits(value, dtype)]
    if wrong:
        raise invalid(f"Input {name} holds {shown(wrong[0])}, which is not of type {DATATYPES[dtype]}")
    if dtype == "string":
        return strings([to_bytes(value) for value in values])
    with np.errstate(over="ignore"):  # a number that is too large for a float becomes infinite
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
    """The values of nested lists in order; the protocol allows any nesting."""
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
