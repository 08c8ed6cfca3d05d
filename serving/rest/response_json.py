"""Model outputs in JSON, as TensorFlow Serving's REST interface writes them.

Numbers have the shortest text that parses to the same number; NaN, Infinity and -Infinity are written so.
"""

import base64
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import orjson

from serving.rest.tensor_json import BASE64_KEY, Form, data_type
from serving.status import invalid

_BYTES_SUFFIX = "_bytes"


def predictions(outputs: Mapping[str, np.ndarray], form: Form) -> bytes:
    """The JSON of the response to `:predict`; the name of a single output is omitted.

    Raises:
      RequestError: the outputs do not consist of rows, or have a type that JSON cannot represent.
    """
    if not outputs:
        raise invalid("Cannot convert empty tensor map to JSON")
    if form is Form.ROW:
        _check_rows(outputs)
    columns = {key: _values(key, outputs[key]) for key in sorted(outputs)}
    if len(columns) == 1:
        (content,) = columns.values()
    elif form is Form.COLUMN:
        content = columns
    else:
        content = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    return to_json({form.value: content})


def to_json(content: Any) -> bytes:
    """JSON of plain values, results of `numbers`, and numpy numbers."""
    return orjson.dumps(content, option=orjson.OPT_SERIALIZE_NUMPY)


def numbers(array: np.ndarray) -> Any:
    """An array of numbers for `to_json`; a list unless it is a scalar."""
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        return map_values(number, array)
    array = np.ascontiguousarray(array).reshape(array.shape)
    return list(array) if array.ndim else array[()]


def number(value: Any) -> Any:
    """A numpy number for `to_json`."""
    if np.isnan(value):
        return orjson.Fragment(b"NaN")
    if np.isinf(value):
        return orjson.Fragment(b"Infinity" if value > 0 else b"-Infinity")
    return value


def map_values(change: Callable[[Any], Any], array: np.ndarray) -> Any:
    """The values of the array, each passed through a function, in nested lists of the array's shape."""
    if array.ndim == 0:
        return change(array[()])
    if array.ndim == 1:
        return [change(value) for value in array]
    return [map_values(change, item) for item in array]


def text(value: bytes | str) -> str:
    """A string of a tensor as text; invalid UTF-8 becomes replacement characters."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def _check_rows(outputs: Mapping[str, np.ndarray]) -> None:
    rows: int | None = None
    for name in sorted(outputs):
        array = outputs[name]
        if array.ndim == 0:
            raise invalid(f"Tensor name: {name} has no shape information ")
        if rows is not None and len(array) != rows:
            raise invalid(f"Tensor name: {name} has inconsistent batch size: {len(array)} expecting: {rows}")
        rows = len(array)


def _values(name: str, array: np.ndarray) -> Any:
    if array.dtype.kind in "OS":
        return map_values(_base64 if name.endswith(_BYTES_SUFFIX) else text, array)
    if array.dtype.kind not in "fiub" or array.dtype.itemsize > 8:
        raise invalid(f"Failed to write JSON value for tensor type: {data_type(array.dtype.name)}")
    return numbers(array)


def _base64(value: bytes | str) -> dict[str, str]:
    content = value.encode() if isinstance(value, str) else value
    return {BASE64_KEY: base64.b64encode(content).decode()}
