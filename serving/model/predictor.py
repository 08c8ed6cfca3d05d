"""A loaded SavedModel: its signatures, and calls of them."""

import dataclasses
import functools
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np

from serving.status import Code, RequestError, invalid
from serving.tensorflow_errors import root_cause

DEFAULT_SIGNATURE = "serving_default"

Inputs = Mapping[str, np.ndarray]
Outputs = dict[str, np.ndarray]


@dataclasses.dataclass(frozen=True, kw_only=True)
class TensorSpec:
    """A tensor of a signature.

    Attributes:
      dtype: TensorFlow's name, such as `string` or `float32`; strings are arrays of objects (bytes).
      shape: None for an unknown rank; None in it for a dimension of any size.
      tensor: its name in the graph.
    """

    dtype: str
    shape: tuple[int | None, ...] | None
    tensor: str

    @property
    def numpy(self) -> np.dtype:
        """The numpy type of its arrays."""
        import tensorflow as tf

        if self.dtype == "string":
            return np.dtype(object)
        dtype = np.dtype(tf.as_dtype(self.dtype).as_numpy_dtype)
        return dtype if dtype.names is None else dtype[0]  # quantized: a session gives the plain integers


@dataclasses.dataclass(frozen=True, kw_only=True)
class Signature:
    """A signature of the model. `definition` is TensorFlow's SignatureDef."""

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

    def check_names(self, inputs: Iterable[str]) -> None:
        """Raises RequestError unless `inputs` are the names of the signature's inputs."""
        if set(inputs) != self.inputs.keys():
            raise invalid(
                f"The inputs of signature {self.name} are {_listed(self.inputs)}, and not {_listed(inputs)}"
            )

    def check_shapes(self, inputs: Inputs) -> None:
        """Raises RequestError unless the arrays have the shapes of the signature's inputs."""
        for name, spec in self.inputs.items():
            value = inputs[name]
            if spec.shape is not None and not _fits(value.shape, spec.shape):
                raise invalid(
                    f"Input {name} has the shape {list(value.shape)}, "
                    f"and not {_shown(spec.shape)} as in the signature"
                )


class Predictor:
    """A SavedModel in a TensorFlow 1 session. `run` is thread-safe."""

    def __init__(self, *, version: int, signatures: Mapping[str, Signature], session: Any) -> None:
        self.version = version
        self.signatures = MappingProxyType(dict(signatures))
        self._session = session
        self._calls: dict[str, Callable[..., list[np.ndarray]]] = {}
        self._making = threading.Lock()

    def run(self, signature_name: str, inputs: Inputs) -> Outputs:
        """The outputs for `inputs`, which must be exactly those of the signature.

        Every output is an array, also of rank 0; strings are objects (bytes).

        Raises:
          RequestError: the model fails; the code is TensorFlow's.
        """
        signature = self.signatures[signature_name]
        try:
            call = self._calls.get(signature_name) or self._make_call(signature)
            values = call(*[inputs[name] for name in signature.inputs])
        except Exception as error:  # any TensorFlow error on a client's input is the response
            raise _as_request_error(error) from error
        return dict(zip(signature.outputs, map(_as_array, values), strict=True))

    def graph_def(self) -> Any:
        """The model's graph, a GraphDef of TensorFlow's."""
        return self._session.graph.as_graph_def()

    def close(self) -> None:
        """Frees the version; no call may be running or follow it."""
        self._calls.clear()
        self._session.close()

    def _make_call(self, signature: Signature) -> Callable[..., list[np.ndarray]]:
        with self._making:
            self._calls[signature.name] = make_call(
                self._session,
                feed=[given.tensor for given in signature.inputs.values()],
                fetch=[output.tensor for output in signature.outputs.values()],
            )
        return self._calls[signature.name]


def make_call(session: Any, *, feed: list[str], fetch: list[str]) -> Callable[..., list[Any]]:
    """A function from the values of the tensors `feed`, in order, to those of the tensors `fetch`.

    Uses an undocumented method of TensorFlow, as Keras does: the documented `make_callable` prepares each
    call again, which takes a third of a short call. It is the fallback if the other is missing
    (docs/private-apis.md).
    """
    make = getattr(session, "_make_callable_from_options", None)
    if make is None:
        tensors = [session.graph.get_tensor_by_name(name) for name in feed]
        return session.make_callable(fetch, feed_list=tensors)  # type: ignore[no-any-return]
    from tensorflow.core.protobuf import config_pb2

    return make(config_pb2.CallableOptions(feed=feed, fetch=fetch))  # type: ignore[no-any-return]


def strings(values: Sequence[bytes]) -> np.ndarray:
    """A tensor of strings for signatures: objects [N]."""
    array = np.empty(len(values), object)
    array[:] = values
    return array


def _as_array(value: Any) -> np.ndarray:
    """An output as an array. A session returns a tensor of rank 0 as a numpy scalar, a string as bytes."""
    if isinstance(value, np.ndarray):
        return value
    return np.array(value, object) if isinstance(value, bytes) else np.asarray(value)


def _fits(shape: tuple[int, ...], wanted: tuple[int | None, ...]) -> bool:
    return len(shape) == len(wanted) and all(
        [size is None or size == given for given, size in zip(shape, wanted, strict=True)]
    )


def _shown(shape: tuple[int | None, ...]) -> str:
    return str([-1 if size is None else size for size in shape])


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "none"


def _as_request_error(error: Exception) -> RequestError:
    import tensorflow as tf

    if isinstance(error, tf.errors.OpError):
        return RequestError(Code(error.error_code), root_cause(error))
    if isinstance(error, (ValueError, TypeError)):
        return RequestError(Code.INVALID_ARGUMENT, root_cause(error))
    return RequestError(Code.INTERNAL, root_cause(error))
