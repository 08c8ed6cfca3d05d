"""The examples of a `:classify` or `:regress` request in JSON, as serialized tf.Examples.

The rules and the error texts are those of TensorFlow Serving's util/json_tensor.cc.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from serving.model.predictor import strings
from serving.rest.json_document import shown, to_bytes, type_name
from serving.rest.tensor_json import decode_base64, is_base64
from serving.status import RequestError, invalid

_LARGEST = 2**63 - 1


def examples_of(document: Mapping[str, Any], *, check: Callable[[int, int], None]) -> np.ndarray:
    """The examples of a request, serialized: objects [N], bytes.

    Each has the features of `context`, overridden by its own.

    Args:
      document: the JSON of the request.
      check: called first, with the number of examples and the size of the context in bytes; it may raise.

    Raises:
      RequestError: the request is malformed.
    """
    context = _serialized(document["context"]) if "context" in document else b""
    if "examples" not in document:
        raise _malformed(document, "When method is classify, key 'examples' is expected and was not found")
    examples = document["examples"]
    if not isinstance(examples, list):
        raise _malformed(document, "Expecting 'examples' value to be an list/array")
    if not examples:
        raise _malformed(document, "'examples' value is an empty array")
    check(len(examples), len(context))
    return strings([context + _serialized(example) for example in examples])


def _serialized(value: Any) -> bytes:
    import tensorflow as tf

    if not isinstance(value, dict):
        raise invalid(f"Example must be JSON object but got JSON {type_name(value)}")
    features = {}
    for name, content in value.items():
        kind, values = _feature(name, content if isinstance(content, list) else [content])
        features[to_bytes(name).decode("utf-8", "replace")] = _KINDS[kind](tf.train, values)
    return tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString()


_KINDS = {
    "bytes": lambda train, values: train.Feature(bytes_list=train.BytesList(value=values)),
    "float": lambda train, values: train.Feature(float_list=train.FloatList(value=values)),
    "int64": lambda train, values: train.Feature(int64_list=train.Int64List(value=values)),
    "": lambda train, values: train.Feature(),
}


def _feature(name: str, items: list[Any]) -> tuple[str, list[Any]]:
    """The common kind of the items, and their values; an empty kind without items."""
    found = ""
    values = []
    for item in items:
        kind, value = _value(name, item)
        if found and kind != found:
            raise invalid(f"Unexpected element type in feature: {name} expecting type: {found}")
        found = kind
        values.append(value)
    return found, values


def _value(name: str, item: Any) -> tuple[str, Any]:
    if isinstance(item, str):
        return "bytes", to_bytes(item)
    if is_base64(item):
        return "bytes", decode_base64(item)
    if isinstance(item, int):  # also for a bool
        if item > _LARGEST:
            raise invalid(f"Feature: {name} has uint64_t element. Only int64_t is supported.")
        return "int64", int(item)
    if isinstance(item, float):
        with np.errstate(over="ignore"):
            return "float", float(np.float32(item))
    raise invalid(f"Feature: {name} has element with unexpected JSON type: {type_name(item)}")


def _malformed(document: Mapping[str, Any], text: str) -> RequestError:
    return invalid(f"JSON Value: {shown(document)} {text}")
