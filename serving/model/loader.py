"""The loader of SavedModels.

The server, `predict`, `batch-predict`, the canaries, drift and the Evaluator load models here, so that a
model is judged by the predictions that it will serve.

It uses a TensorFlow 1 session, as TensorFlow Serving does, instead of `tf.saved_model.load`: a call with one
text takes two thirds of the time and runs in the caller's thread without the interpreter lock, and closing
the session frees all memory of the version.
"""

import gc
import warnings
from typing import Any

from serving.model.predictor import Predictor, Signature, TensorSpec
from serving.tensorflow_errors import root_cause
from serving.text_ops import MissingTextOps, load_for

SERVE_TAG = "serve"
_NOT_FOR_CLIENTS = frozenset({"__saved_model_init_op", "__saved_model_train_op"})


class LoadError(Exception):
    """A version cannot be loaded, or does not answer; the message is one line."""


def prepare() -> None:
    """Imports TensorFlow, and excludes its objects from garbage collection."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import tensorflow as tf
    tf.get_logger().setLevel("ERROR")
    collect()
    gc.freeze()


def collect() -> None:
    """Frees the reference cycles of closed versions."""
    gc.collect()


def load(path: str, version: int = 0, *, parallel: bool = False) -> Predictor:
    """The SavedModel in the folder `path`.

    Args:
      path: the folder.
      version: its number, if it has one.
      parallel: whether a call uses all processors, for one caller with large batches; otherwise it runs in
        the caller's thread.

    Raises:
      LoadError: it cannot be loaded.
    """
    import tensorflow as tf

    _load_ops(path)
    options = tf.compat.v1.ConfigProto()
    if not parallel:
        options.inter_op_parallelism_threads, options.intra_op_parallelism_threads = -1, 1
    session = tf.compat.v1.Session(graph=tf.Graph(), config=options)
    try:
        with session.graph.as_default():
            graph = tf.compat.v1.saved_model.loader.load(session, [SERVE_TAG], path)
    except Exception as error:  # TensorFlow raises many types for a damaged SavedModel
        session.close()
        raise LoadError(root_cause(error)) from error
    signatures = {
        name: _signature(name, definition)
        for name, definition in sorted(graph.signature_def.items())
        if name not in _NOT_FOR_CLIENTS
    }
    return Predictor(version=version, signatures=signatures, session=session)


def load_parts(path: str) -> Any:
    """The objects of the SavedModel in the folder `path`, from `tf.saved_model.load`.

    For weights to continue training from, and embeddings; use `load` for predictions.

    Raises:
      LoadError: it cannot be loaded.
    """
    import tensorflow as tf

    _load_ops(path)
    try:
        return tf.saved_model.load(path)
    except Exception as error:  # TensorFlow raises many types for a damaged SavedModel
        raise LoadError(root_cause(error)) from error


def _load_ops(path: str) -> None:
    try:
        load_for(path)
    except MissingTextOps as error:
        raise LoadError(str(error)) from error


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
