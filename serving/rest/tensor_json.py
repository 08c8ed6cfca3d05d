"""The tensors of a `:predict` request in JSON, as TensorFlow Serving's REST interface takes them.

The rules and the error texts are those of its util/json_tensor.cc. Row form: `instances`, one element per
row; column form: `inputs`, one array per tensor.
"""

import base64
import binascii
import dataclasses
import enum
import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from serving.model.predictor import DEFAULT_SIGNATURE, TensorSpec, strings
from serving.rest.json_document import parse, shown, type_name
from serving.rest.json_document import to_bytes as text_to_bytes
from serving.status import Code, RequestError, invalid

BASE64_KEY = "b64"
_MOST_DIMENSIONS = 31  # numpy 1 allows 32, one of them for the rows
_DATA_TYPES = {"float16": "half", "float32": "float", "float64": "double"}  # numpy's name -> TensorFlow's
_BOUNDS = {
    **dict.fromkeys(("int32", "int16", "int8", "uint8"), (-(2**31), 2**31 - 1)),
    "int64": (-(2**63), 2**63 - 1),
    "uint32": (0, 2**32 - 1),
    "uint64": (0, 2**64 - 1),
}
_FLOATS = ("float32", "float64")


class Form(enum.Enum):
    """The form of the tensors of a request and of its response."""

    ROW = "predictions"
    COLUMN = "outputs"


@dataclasses.dataclass(frozen=True, kw_only=True)
class PredictRequest:
    """A `:predict` request after parsing; the signature is needed to read its tensors.

    rows: the number of rows in the JSON. signature_name: empty for the default signature.
    """

    document: Mapping[str, Any]
    signature_name: str
    rows: int

    def inputs(self, specs: Mapping[str, TensorSpec]) -> tuple[Form, dict[str, np.ndarray]]:
        """The form and the tensors for a signature with the inputs `specs`; raises as `inputs_of`."""
        return inputs_of(self.document, specs, self.signature_name or "DEFAULT")


def read(body: bytes) -> PredictRequest:
    """Parses a `:predict` request; raises RequestError if it is not one."""
    document = parse(body)
    return PredictRequest(document=document, signature_name=signature_name(document), rows=_rows_of(document))


def signature_name(document: Mapping[str, Any]) -> str:
    """The name of the signature in a request; empty for the default signature."""
    name = document.get("signature_name", "")
    if not isinstance(name, str):
        raise _malformed(document, "not formatted correctly. 'signature_name' key must be a string value.")
    return name


def _rows_of(document: Mapping[str, Any]) -> int:
    columns = document.get("inputs")
    tensors = list(columns.values()) if isinstance(columns, dict) else [columns]
    lists = [value for value in (document.get("instances"), *tensors) if isinstance(value, list)]
    return max(map(len, lists), default=0)


def inputs_of(
    document: Mapping[str, Any], specs: Mapping[str, TensorSpec], name: str = DEFAULT_SIGNATURE
) -> tuple[Form, dict[str, np.ndarray]]:
    """The tensors of a `:predict` request for a signature with the inputs `specs`: name -> array.

    Raises:
      RequestError: the request does not fit the signature; the text is TensorFlow Serving's.
    """
    if not specs:
        raise invalid(f"Failed to get input map for signature: {name}")
    if "instances" in document:
        return Form.ROW, _from_rows(_rows(document), specs)
    if "inputs" in document:
        return Form.COLUMN, _from_columns(document["inputs"], specs)
    raise invalid("Missing 'inputs' or 'instances' key")


def is_base64(value: Any) -> bool:
    """Whether `value` is the object for bytes: `{"b64": "..."}`."""
    return isinstance(value, dict) and len(value) == 1 and isinstance(value.get(BASE64_KEY), str)


def decode_base64(value: Mapping[str, str]) -> bytes:
    """The bytes of such an object; the padding is optional."""
    text = value[BASE64_KEY].rstrip("=")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise invalid("Unable to base64 decode") from error


def _rows(document: Mapping[str, Any]) -> list[Any]:
    rows = document["instances"]
    if "inputs" in document:
        raise _malformed(
            document, "Not formatted correctly expecting only one of 'inputs' or 'instances' keys to exist "
        )
    if not isinstance(rows, list):
        raise _malformed(document, "Expecting 'instances' to be an list/array")
    if not rows:
        raise _malformed(document, "No values in 'instances' array")
    return rows


def _from_rows(rows: list[Any], specs: Mapping[str, TensorSpec]) -> dict[str, np.ndarray]:
    if len(specs) == 1:
        ((name, spec),) = specs.items()
        if spec.dtype == "string" and set(map(type, rows)) == {str}:
            return {name: strings([text_to_bytes(row) for row in rows])}
    elif not isinstance(rows[0], dict):
        raise invalid(
            "instances is a plain list, but expecting list of objects as multiple input tensors required as "
            "per tensorinfo_map"
        )
    named = _is_named(rows[0])
    tensors: dict[str, _Rows] = {}
    for place, row in enumerate(rows):
        if _is_named(row) != named:
            expected = ("object", "list") if named else ("value/list", "object")
            raise invalid(f"Expecting {expected[0]} but got {expected[1]} at item {place} of input list")
        items = row.items() if named else [(next(iter(specs)), row)]
        for name, value in items:
            _add_row(value, name, specs, tensors, f"{place} key: {name}" if named else str(place))
        if named and row.keys() != specs.keys():
            raise invalid(
                f"Failed to process element: {place} of 'instances' list. JSON object: {shown(row)} keys "
                f"must be equal to: {','.join(sorted(specs))}"
            )
    return {name: tensor.array(len(rows)) for name, tensor in tensors.items()}


class _Rows:
    """The rows of one tensor read so far: flat values, and the shape of each row."""

    def __init__(self, spec: TensorSpec, shape: tuple[int, ...]) -> None:
        self.dtype = spec.dtype
        self.shape = shape
        self.size = math.prod(shape)
        self.values: list[Any] = []

    def add(self, values: list[Any], shape: tuple[int, ...]) -> None:
        if self.size != len(values):
            raise invalid(f"Expecting tensor size: {self.size} but got: {len(values)}")
        if self.shape != shape:
            raise invalid(f"Expecting shape {_shape_text(self.shape)} but got: {_shape_text(shape)}")
        self.values += values

    def array(self, rows: int) -> np.ndarray:
        return _array(self.values, (rows, *self.shape), self.dtype)


def _add_row(
    value: Any, name: str, specs: Mapping[str, TensorSpec], tensors: dict[str, _Rows], where: str
) -> None:
    try:
        if name not in specs:
            raise invalid(f"JSON object: does not have named input: {name}")
        shape = _shape_of(value)
        values = list(_flat(value, shape, specs[name].dtype))
        if name not in tensors:
            tensors[name] = _Rows(specs[name], shape)
        tensors[name].add(values, shape)
    except RequestError as error:
        raise RequestError(
            Code.INVALID_ARGUMENT,
            f"Failed to process element: {where} of 'instances' list. Error: {error.code.name}: "
            f"{error.message}",
        ) from error


def _is_named(row: Any) -> bool:
    return isinstance(row, dict) and not is_base64(row)


def _from_columns(value: Any, specs: Mapping[str, TensorSpec]) -> dict[str, np.ndarray]:
    if _is_named(value):
        for name in specs:
            if name not in value:
                raise invalid(f"Missing named input: {name} in 'inputs' object.")
        return {name: _tensor(value[name], spec) for name, spec in specs.items()}
    if len(specs) > 1:
        raise invalid(
            "inputs is a plain value/list, but expecting an object as multiple input tensors required as per "
            "tensorinfo_map"
        )
    ((name, spec),) = specs.items()
    return {name: _tensor(value, spec)}


def _tensor(value: Any, spec: TensorSpec) -> np.ndarray:
    shape = _shape_of(value)
    return _array(list(_flat(value, shape, spec.dtype)), shape, spec.dtype)


def _shape_of(value: Any) -> tuple[int, ...]:
    """The shape according to the first elements; reading the values checks the others."""
    shape: list[int] = []
    while isinstance(value, list):
        shape.append(len(value))
        if len(shape) > _MOST_DIMENSIONS:
            raise invalid(f"JSON lists are nested deeper than a tensor's {_MOST_DIMENSIONS} dimensions")
        if not value:
            break
        value = value[0]
    return tuple(shape)


def _flat(value: Any, shape: tuple[int, ...], dtype: str, level: int = 0) -> Iterator[Any]:
    """The values of a tensor in order, each checked for `dtype`."""
    if not isinstance(value, list):
        if level != len(shape):
            raise invalid(
                f"JSON Value: {shown(value)} found at incorrect level: {level + 1} in the JSON DOM. Expected "
                f"at level: {len(shape)}"
            )
        yield _fit(value, dtype)
        return
    if level >= len(shape):
        raise invalid(f"Encountered list at unexpected level: {level} expected < {len(shape)}")
    if len(value) != shape[level]:
        raise invalid(
            f"Encountered list at unexpected size: {len(value)} at level: {level} "
            f"expected size: {shape[level]}"
        )
    if level + 1 == len(shape) and not any(isinstance(item, list) for item in value):
        yield from [_fit(item, dtype) for item in value]
        return
    for item in value:
        yield from _flat(item, shape, dtype, level + 1)


def _fit(value: Any, dtype: str) -> Any:
    if dtype == "string":
        if isinstance(value, str):
            return text_to_bytes(value)
        if isinstance(value, dict):
            if not is_base64(value):
                raise invalid(f"JSON Value: {shown(value)} not formatted correctly for base64 data")
            return decode_base64(value)
    elif isinstance(value, dict):
        raise _type_error(value, dtype)
    elif dtype == "bool":
        if isinstance(value, bool):
            return value
    elif dtype in _FLOATS:
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return value
    elif dtype in _BOUNDS:
        low, high = _BOUNDS[dtype]
        if isinstance(value, int) and not isinstance(value, bool) and low <= value <= high:
            return value
    else:
        raise RequestError(
            Code.UNIMPLEMENTED, f"Conversion of JSON Value: {shown(value)} to type: {data_type(dtype)}"
        )
    raise _type_error(value, dtype)


def _array(values: list[Any], shape: tuple[int, ...], dtype: str) -> np.ndarray:
    if dtype == "string":
        return strings(values).reshape(shape)
    if dtype in ("int8", "int16", "uint8"):  # TensorFlow stores them as int32 and truncates them
        return np.array(values, np.int32).astype(dtype).reshape(shape)
    with np.errstate(over="ignore"):  # a number that is too large for a float becomes infinite
        return np.array(values, dtype).reshape(shape)


def _shape_text(shape: tuple[int, ...]) -> str:
    return f"[{','.join(map(str, shape))}]"


def data_type(dtype: str) -> str:
    """TensorFlow's name of a type, as in its error texts."""
    return _DATA_TYPES.get(dtype, dtype)


def _type_error(value: Any, dtype: str) -> RequestError:
    return invalid(
        f"JSON Value: {shown(value)} Type: {type_name(value)} is not of expected type: {data_type(dtype)}"
    )


def _malformed(document: Mapping[str, Any], text: str) -> RequestError:
    return invalid(f"JSON Value: {shown(document)} {text}")
