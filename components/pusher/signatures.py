"""The signatures of a SavedModel, read from its file without loading the model."""

from typing import Any

from google.protobuf.message import DecodeError
from tensorflow.core.framework import types_pb2
from tensorflow.core.protobuf import meta_graph_pb2, saved_model_pb2
from tfx.dsl.io import fileio

from components.errors import GreenlightError
from serving.storage.files import COMMIT_NAME, join

Signatures = dict[str, dict[str, dict[str, dict[str, Any]]]]

_INTERNAL = "__saved_model_init_op"


def read_signatures(folder: str) -> Signatures:
    """Signature -> inputs, outputs -> name -> dtype and shape (-1 where it is free) of the model in `folder`.

    Raises:
      GreenlightError: its saved_model.pb cannot be read.
    """
    path = join(folder, COMMIT_NAME)
    with fileio.open(path, "rb") as file:
        data = file.read()
    try:
        saved = saved_model_pb2.SavedModel.FromString(data)
    except DecodeError as error:
        raise GreenlightError(f"{path} cannot be read as a SavedModel ({error}): train again") from None
    return {
        name: {"inputs": _tensors(signature.inputs), "outputs": _tensors(signature.outputs)}
        for graph in saved.meta_graphs
        for name, signature in sorted(graph.signature_def.items())
        if name != _INTERNAL
    }


def _tensors(tensors: Any) -> dict[str, dict[str, Any]]:
    return {name: _tensor(tensors[name]) for name in sorted(tensors)}


def _tensor(info: meta_graph_pb2.TensorInfo) -> dict[str, Any]:
    dtype = types_pb2.DataType.Name(info.dtype).removeprefix("DT_").lower()
    shape = None if info.tensor_shape.unknown_rank else [dim.size for dim in info.tensor_shape.dim]
    return {"dtype": dtype, "shape": shape}
