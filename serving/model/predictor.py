"""One version of the model, loaded: its signatures, and calls through them.

A TensorFlow 1 session, as TensorFlow Serving has it, and not `tf.saved_model.load`: on one review a call
takes two thirds of the time, it runs in the caller's thread without the interpreter's lock, and closing it
gives all of the version back.
"""

import dataclasses
import functools
import gc
import threading
import warnings
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np

from serving.status import Code, RequestError
from serving.tensorflow_errors import cause_of

SERVE_TAG = "serve"
DEFAULT_SIGNATURE = "serving_default"
_NOT_FOR_CLIENTS = frozenset({"__saved_model_init_op", "__saved_model_train_op"})

Inputs = Mapping[str, np.ndarray]
Outputs = dict[str, np.ndarray]


class LoadError(Exception):
    """A version cannot be loaded, or does not answer; the message is one line."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class TensorSpec:
    """A tensor of a signature.

    dtype: TensorFlow's name, such as `string` or `float32`; strings arrive as arrays of objects (bytes).
    shape: None for an unknown rank, None within for a dimension of any size. tensor: its name in the graph.
    """

    dtype: str
    shape: tuple[int | None, ...] | None
    tensor: str

    @property
    def numpy(self) -> np.dtype:
        """The type of its arrays."""
        import tensorflow as tf

        return (
            np.dtype(object) if self.dtype == "string" else np.dtype(tf.as_dtype(self.dtype).as_numpy_dtype)
        )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Signature:
    """A way to call the model. `definition` is TensorFlow's SignatureDef."""

    name: str
    inputs: Mapping[str, TensorSpec]
    outputs: Mapping[str, TensorSpec]
    method_name: str
    definition: Any

    @functools.cached_property
    def batched(self) -> bool:
        """Whether rows of several requests can share a call: each tensor's first dimension is free."""
        tensors = (*self.inputs.values(), *self.outputs.values())
        return all(tensor.shape is not None and tensor.shape[:1] == (None,) for tensor in tensors)


class Predictor:
    """A loaded SavedModel. `run` may be called from several threads at a time."""

    def __init__(self, *, version: int, signatures: Mapping[str, Signature], session: Any) -> None:
        self.version = version
        self.signatures = MappingProxyType(dict(signatures))
        self._session = session
        self._calls: dict[str, Callable[..., list[np.ndarray]]] = {}
        self._making = threading.Lock()

    def run(self, signature_name: str, inputs: Inputs) -> Outputs:
        """The outputs for `inputs`, which are exactly the signature's.

        Raises:
          RequestError: the model refuses them; the code is TensorFlow's.
        """
        signature = self.signatures[signature_name]
        call = self._calls.get(signature_name) or self._make_call(signature)
        try:
            values = call(*[inputs[name] for name in signature.inputs])
        except Exception as error:  # whatever TensorFlow raises on a client's input is the client's answer
            raise _as_request_error(error) from error
        return dict(zip(signature.outputs, values, strict=True))

    def close(self) -> None:
        """Frees the version; no call may be running or follow."""
        self._calls.clear()
        self._session.close()

    def _make_call(self, signature: Signature) -> Callable[..., list[np.ndarray]]:
        from tensorflow.core.protobuf import config_pb2

        with self._making:
            options = config_pb2.CallableOptions(
                feed=[given.tensor for given in signature.inputs.values()],
                fetch=[output.tensor for output in signature.outputs.values()],
            )
            # As Keras does: the public `make_callable` prepares anew at each call, a third of a short one.
            self._calls[signature.name] = self._session._make_callable_from_options(options)
        return self._calls[signature.name]


def strings(values: Sequence[bytes]) -> np.ndarray:
    """A tensor of strings: objects [N], as signatures take them."""
    array = np.empty(len(values), object)
    array[:] = values
    return array


def prepare() -> None:
    """Imports TensorFlow, and lets the garbage collector leave alone for good what came with it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import tensorflow as tf
    tf.get_logger().setLevel("ERROR")
    collect()
    gc.freeze()


def collect() -> None:
    """Frees what a closed version leaves behind in cycles."""
    gc.collect()


def load(path: str, version: int) -> Predictor:
    """The SavedModel in the folder `path`.

    Raises:
      LoadError: it cannot be loaded.
    """
    import tensorflow as tf

    options = tf.compat.v1.ConfigProto(inter_op_parallelism_threads=-1, intra_op_parallelism_threads=1)
    session = tf.compat.v1.Session(graph=tf.Graph(), config=options)
    try:
        with session.graph.as_default():
            graph = tf.compat.v1.saved_model.loader.load(session, [SERVE_TAG], path)
    except Exception as error:  # a damaged SavedModel makes TensorFlow raise all kinds
        session.close()
        raise LoadError(cause_of(error)) from error
    signatures = {
        name: _signature(name, definition)
        for name, definition in sorted(graph.signature_def.items())
        if name not in _NOT_FOR_CLIENTS
    }
    return Predictor(version=version, signatures=signatures, session=session)


def warm_up(predictor: Predictor, *, rows: tuple[int, ...] = (1, 8)) -> None:
    """Makes the calls that cost more the first time.

    Raises:
      LoadError: a signature does not answer, for another reason than that it dislikes the made-up rows.
    """
    for name, signature in predictor.signatures.items():
        for count in rows if signature.batched else rows[:1]:
            try:
                predictor.run(name, {key: _made_up(spec, count) for key, spec in signature.inputs.items()})
            except RequestError as error:
                if error.code not in (Code.INVALID_ARGUMENT, Code.FAILED_PRECONDITION, Code.OUT_OF_RANGE):
                    raise LoadError(f"signature {name} does not answer: {error.message}") from error


def _signature(name: str, definition: Any) -> Signature:
    return Signature(
        name=name,
        inputs={key: _tensor(info) for key, info in sorted(definition.inputs.items())},
        outputs={key: _tensor(info) for key, info in sorted(definition.outputs.items())},
        method_name=definition.method_name,
        definition=definition,
    )


def _tensor(info: Any) -> TensorSpec:
    import tensorflow as tf

    unknown = info.tensor_shape.unknown_rank
    sizes = tuple(None if dim.size < 0 else dim.size for dim in info.tensor_shape.dim)
    return TensorSpec(dtype=tf.as_dtype(info.dtype).name, shape=None if unknown else sizes, tensor=info.name)


def _made_up(spec: TensorSpec, rows: int) -> np.ndarray:
    shape = tuple(
        rows if place == 0 and size is None else size or 1 for place, size in enumerate(spec.shape or ())
    )
    return np.full(shape, b"", object) if spec.dtype == "string" else np.zeros(shape, spec.numpy)


def _as_request_error(error: Exception) -> RequestError:
    import tensorflow as tf

    if isinstance(error, tf.errors.OpError):
        return RequestError(Code(error.error_code), cause_of(error))
    if isinstance(error, (ValueError, TypeError)):
        return RequestError(Code.INVALID_ARGUMENT, cause_of(error))
    return RequestError(Code.INTERNAL, cause_of(error))
