"""Classify and Regress: compatible signatures, and the meaning of their outputs.

The rules and error messages are those of TensorFlow Serving's classifier.cc and regressor.cc. As there, a
signature is identified by the names of its tensors, not by its method name: `inputs` takes serialized
tf.Examples; `classes`, `scores`, or both classify, `outputs` regresses.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from serving.model.predictor import DEFAULT_SIGNATURE, Predictor, Signature, strings
from serving.status import invalid

INPUTS = "inputs"
CLASSES, SCORES = "classes", "scores"
REGRESSED = "outputs"

CLASSIFY = "classify"
"""The signature of our models that gives the names of the classes."""

_PROTO_TYPES = {"float64": "DT_DOUBLE", "float32": "DT_FLOAT", "object": "DT_STRING", "float16": "DT_HALF"}


def find_signature(signatures: Mapping[str, Signature], name: str) -> Signature:
    """The signature with that name; an empty name means the default.

    Raises:
      RequestError: it does not exist.
    """
    wanted = name or DEFAULT_SIGNATURE
    if wanted not in signatures:
        raise invalid(f"No signature was found with the name: {wanted}")
    return signatures[wanted]


def class_names(model: Predictor) -> tuple[str, ...]:
    """The names of the classes, in the order of the probabilities; () without the signature `classify`.

    Raises:
      RequestError: the signature takes something else than tf.Examples with a text, or gives no classes.
    """
    import tensorflow as tf

    if CLASSIFY not in model.signatures:
        return ()
    check_classification(model.signatures[CLASSIFY])
    example = tf.train.Example()
    example.features.feature["text"].bytes_list.value.append(b"")
    (row,) = classifications(model.run(CLASSIFY, {INPUTS: strings([example.SerializeToString()])}), 1)
    return tuple(name.decode("utf-8", "replace") for name, _ in row)


def check_classification(signature: Signature) -> None:
    """Raises RequestError unless the signature can answer Classify."""
    if len(signature.inputs) != 1:
        raise invalid("Expected one input Tensor.")
    if len(signature.outputs) not in (1, 2):
        raise invalid(f"Expected one or two output Tensors, found {len(signature.outputs)}")
    if INPUTS not in signature.inputs:
        raise invalid(f"No classification inputs found in SignatureDef: {signature.definition}")
    if CLASSES not in signature.outputs and SCORES not in signature.outputs:
        raise invalid(
            "Expected classification signature outputs to contain at least one of "
            f'"{CLASSES}" or "{SCORES}". Signature was: {signature.definition}'
        )


def check_regression(signature: Signature) -> None:
    """Raises RequestError unless the signature can answer Regress."""
    if len(signature.inputs) != 1:
        raise invalid("Expected one input Tensor.")
    if len(signature.outputs) != 1:
        raise invalid("Expected one output Tensor.")
    if INPUTS not in signature.inputs:
        raise invalid(f"No regression inputs found in SignatureDef: {signature.definition}")
    if REGRESSED not in signature.outputs:
        raise invalid(f"No regression outputs found in SignatureDef: {signature.definition}")


def serialized_examples(
    given: Any, *, check: Callable[[int, int], None] = lambda count, context_bytes: None
) -> np.ndarray:
    """The examples of TensorFlow Serving's Input message, each after its context: objects [N], bytes.

    check: called first with the number of examples and the bytes of the context.

    Raises:
      RequestError: there is no example; or what `check` raises.
    """
    context = b""
    examples: Sequence[Any] = given.example_list.examples
    if given.WhichOneof("kind") == "example_list_with_context":
        context = given.example_list_with_context.context.SerializeToString()
        examples = given.example_list_with_context.examples
    if not examples:
        raise invalid("Input is empty.")
    check(len(examples), len(context))
    return strings([context + example.SerializeToString() for example in examples])


def classifications(outputs: Mapping[str, np.ndarray], rows: int) -> list[list[tuple[bytes, Any]]]:
    """The classes of each row, as label and score (np.float32); empty or zero if the signature lacks one.

    Raises:
      RequestError: the outputs are not a classification of `rows` rows.
    """
    classes, scores = outputs.get(CLASSES), outputs.get(SCORES)
    if classes is not None:
        _check_table(classes, rows, CLASSES, np.dtype(object))
    if scores is not None:
        _check_table(scores, rows, SCORES, np.dtype(np.float32))
    if classes is not None and scores is not None and classes.shape != scores.shape:
        raise invalid(
            "Tensors class and score should match in dim_size(1). "
            f"Got {classes.shape[1]} vs. {scores.shape[1]}"
        )
    if classes is None:
        classes = np.full(scores.shape if scores is not None else (rows, 0), b"", object)
    if scores is None:
        scores = np.zeros(classes.shape, np.float32)
    return [list(zip(labels, values, strict=True)) for labels, values in zip(classes, scores, strict=True)]


def regressions(outputs: Mapping[str, np.ndarray], rows: int) -> np.ndarray:
    """The number of each row: float32 [rows].

    Raises:
      RequestError: the outputs are not a regression of `rows` rows.
    """
    values = outputs[REGRESSED]
    if not (values.ndim == 1 or (values.ndim == 2 and values.shape[1] == 1)):
        raise invalid(
            "Expected output Tensor shape to be either [batch_size] or [batch_size, 1] but got "
            f"{_shape_text(values)}"
        )
    if len(values) != rows:
        raise invalid(f"Input batch size did not match output batch size: {rows} vs. {len(values)}")
    if values.dtype != np.float32:
        raise invalid(f"Expected output Tensor of DT_FLOAT.  Got: {_type_text(values)}")
    return values.reshape(rows)


def _check_table(values: np.ndarray, rows: int, name: str, dtype: np.dtype) -> None:
    if values.ndim != 2:
        raise invalid(f"Expected Tensor shape: [batch_size num_classes] but got {_shape_text(values)}")
    if values.dtype != dtype:
        raise invalid(f"Expected {name} Tensor of {_PROTO_TYPES[dtype.name]}. Got: {_type_text(values)}")
    if len(values) != rows:
        raise invalid(f"Expected {name} output batch size of {rows}. Got: {len(values)}")


def _shape_text(values: np.ndarray) -> str:
    return f"[{','.join(map(str, values.shape))}]"


def _type_text(values: np.ndarray) -> str:
    return _PROTO_TYPES.get(values.dtype.name, f"DT_{values.dtype.name.upper()}")
