"""The conversion of TensorProtos to arrays and back, as TensorFlow Serving does it."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.core.framework import tensor_pb2, types_pb2

from serving.model.predictor import Signature, TensorSpec
from serving.status import invalid

_FIELDS = {
    "string": "string_val",
    "bool": "bool_val",
    "float32": "float_val",
    "float64": "double_val",
    "int64": "int64_val",
    "uint32": "uint32_val",
    "uint64": "uint64_val",
    **dict.fromkeys(("int32", "int16", "int8", "uint16", "uint8"), "int_val"),
}
"""Data type -> the field of its values in a TensorProto."""


def rows_of(tensors: Mapping[str, tensor_pb2.TensorProto]) -> int:
    """The number of rows according to the shapes of the inputs, before their values are read."""
    shapes = [tensor.tensor_shape.dim for tensor in tensors.values()]
    return max((shape[0].size for shape in shapes if shape), default=0)


def to_arrays(
    tensors: Mapping[str, tensor_pb2.TensorProto], signature: Signature, *, most: int
) -> dict[str, np.ndarray]:
    """The inputs of a request for `signature`: name -> array; strings are objects (bytes).

    Raises:
      RequestError: the inputs are not those of the signature; or one of them has another type, expands to
        more than `most` values, or repeats its last string to more than `most` bytes.
    """
    _require_names(tensors, signature)
    places = {name: place for place, name in enumerate(sorted(signature.inputs))}
    return {
        name: _to_array(tensors[name], spec, name=name, place=places[name], most=most)
        for name, spec in signature.inputs.items()
    }


def _require_names(tensors: Mapping[str, Any], signature: Signature) -> None:
    """Raises RequestError with TensorFlow Serving's text, from predict_util.cc, for other names."""
    sent, needed = set(tensors), set(signature.inputs)
    if sent == needed:
        return
    if len(sent) == len(needed):
        unknown = min(sent - needed)
        raise invalid(
            f"input tensor alias not found in signature: {unknown}. "
            f"Inputs expected to be in the set {_set(needed)}."
        )
    raise invalid(
        f"input size does not match signature: {len(sent)}!={len(needed)} "
        f"len({_set(sent)}) != len({_set(needed)}). Sent extra: {_set(sent - needed)}. "
        f"Missing but required: {_set(needed - sent)}."
    )


def _to_array(
    tensor: tensor_pb2.TensorProto, spec: TensorSpec, *, name: str, place: int, most: int
) -> np.ndarray:
    wanted = tf.as_dtype(spec.dtype)
    if tensor.dtype != wanted.as_datatype_enum:
        raise invalid(
            f"Expects arg[{place}] to be {_type_name(wanted.as_datatype_enum)} "
            f"but {_type_name(tensor.dtype)} is provided"
        )
    _check_size(tensor, name=name, most=most)
    try:
        value = tf.io.parse_tensor(tensor.SerializeToString(), wanted).numpy()
    except (tf.errors.OpError, ValueError):  # ValueError: numpy cannot make an array of that shape
        raise invalid(f"tensor parsing error: {name}") from None
    return np.array(value, object) if isinstance(value, bytes) else np.asarray(value)


def _check_size(tensor: tensor_pb2.TensorProto, *, name: str, most: int) -> None:
    """Raises RequestError for too many values: a shape repeats the last value any number of times."""
    sizes = [dim.size for dim in tensor.tensor_shape.dim]
    values = math.prod(sizes)
    if values > most:
        raise invalid(f"Input {name} has the shape {sizes}, more than {most} values")
    given = tensor.string_val
    if given and (values - len(given)) * len(given[-1]) > most:
        raise invalid(f"Input {name} repeats its last text to more than {most} bytes")


def to_proto(values: np.ndarray, spec: TensorSpec) -> tensor_pb2.TensorProto:
    """An output, with its values in the field of their type: some clients read only that field."""
    field = _FIELDS.get(spec.dtype)
    if field is None:
        return tf.make_tensor_proto(values, tf.as_dtype(spec.dtype))
    proto = tensor_pb2.TensorProto(dtype=tf.as_dtype(spec.dtype).as_datatype_enum)
    for size in values.shape:
        proto.tensor_shape.dim.add(size=size)
    getattr(proto, field).extend(values.ravel().tolist())
    return proto


def _type_name(number: int) -> str:
    known = number in types_pb2.DataType.values()
    return types_pb2.DataType.Name(number).removeprefix("DT_").lower() if known else f"type {number}"


def _set(names: set[str]) -> str:
    return f"{{{','.join(sorted(names))}}}"
