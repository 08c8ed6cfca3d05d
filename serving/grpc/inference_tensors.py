"""Tensors of `inference.GRPCInferenceService`: typed contents or raw contents."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from serving.grpc.inference_messages import ModelInferResponse
from serving.model.predictor import Outputs, Signature, strings
from serving.open_inference.tensors import (
    DATATYPES,
    check_count,
    from_raw,
    input_shape,
    input_spec,
    output_dtype,
    shaped,
    to_bytes,
    to_raw,
)
from serving.status import invalid

_FIELDS = {
    "bool": "bool_contents",
    **dict.fromkeys(("int8", "int16", "int32"), "int_contents"),
    "int64": "int64_contents",
    **dict.fromkeys(("uint8", "uint16", "uint32"), "uint_contents"),
    "uint64": "uint64_contents",
    "float32": "fp32_contents",
    "float64": "fp64_contents",
    "string": "bytes_contents",
}
"""Data type -> its field in InferTensorContents; half-precision numbers are always raw."""
_CARRIERS = {"int_contents": np.int32, "uint_contents": np.uint32}
"""The types of the fields for several data types."""


def read(request: Any, signature: Signature) -> dict[str, np.ndarray]:
    """The inputs of a ModelInferRequest: name -> array of the given shape; strings are objects (bytes).

    Raises:
      RequestError: an input is not one of the signature, or its contents do not fit its shape and datatype.
    """
    raw: Sequence[bytes] = request.raw_input_contents
    if raw and len(raw) != len(request.inputs):
        raise invalid(
            f"'raw_input_contents' must have {len(request.inputs)} elements, one for each input, and not "
            f"{len(raw)}"
        )
    inputs: dict[str, np.ndarray] = {}
    for place, tensor in enumerate(request.inputs):
        if tensor.name in inputs:
            raise invalid(f"Duplicate input {tensor.name}")
        spec = input_spec(tensor.name, tensor.datatype, signature.inputs, text=f'"{tensor.datatype}"')
        shape = input_shape(tensor.name, list(tensor.shape))
        if not raw:
            values = _from_contents(tensor, shape, spec.dtype)
        elif tensor.HasField("contents"):
            raise invalid(f"Input {tensor.name} has both 'contents' and 'raw_input_contents'")
        else:
            values = from_raw(tensor.name, memoryview(raw[place]), shape, spec.dtype)
        inputs[tensor.name] = shaped(tensor.name, values, shape)
    return inputs


def write(response: ModelInferResponse, outputs: Outputs, names: Iterable[str], *, raw: bool) -> None:
    """Adds the named outputs to a response, all of them raw if one has no field for its type."""
    dtypes = {name: output_dtype(name, outputs[name]) for name in names}
    raw = raw or not _FIELDS.keys() >= set(dtypes.values())
    for name, dtype in dtypes.items():
        array = outputs[name]
        flat = array.reshape(-1)
        tensor = response.outputs.add(name=name, datatype=DATATYPES[dtype], shape=array.shape)
        if raw:
            response.raw_output_contents.append(to_raw(flat))
        else:
            values = map(to_bytes, flat) if dtype == "string" else flat.tolist()
            getattr(tensor.contents, _FIELDS[dtype]).extend(values)


def _from_contents(tensor: Any, shape: tuple[int, ...], dtype: str) -> np.ndarray:
    field = _FIELDS.get(dtype)
    if field is None:
        raise invalid(
            f"Input {tensor.name} has the datatype {tensor.datatype}, which goes into 'raw_input_contents'"
        )
    others = [one.name for one, _ in tensor.contents.ListFields() if one.name != field]
    if others:
        raise invalid(f"Input {tensor.name} of {tensor.datatype} has '{others[0]}'; it goes into '{field}'")
    values = getattr(tensor.contents, field)
    check_count(tensor.name, len(values), shape)
    if dtype == "string":
        return strings(list(values))
    array = np.array(values, _CARRIERS.get(field, dtype))
    if "int" in dtype and array.size:
        limits = np.iinfo(dtype)
        wrong = [value for value in (array.min(), array.max()) if not limits.min <= value <= limits.max]
        if wrong:
            raise invalid(f"Input {tensor.name} holds {wrong[0]}, which is not of type {tensor.datatype}")
    return array.astype(dtype)
