"""The ops of tensorflow-text, which SentencePiece modules use: found in a SavedModel, and loaded before it.

TensorFlow knows an op only after its library was loaded into the process. The package is an optional extra,
so whatever loads a SavedModel calls `load_for` first.
"""

import importlib.util
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message, message_factory

_GRAPH = "saved_model.pb"
_PACKAGE = "tensorflow_text"
REMEDY = (
    "Install tensorflow-text of TensorFlow's version: TEXT=1 make setup, or the extra text116 or text121 of "
    "a wheel."
)

OPS = frozenset(
    {
        "CaseFoldUTF8",
        "ConstrainedSequence",
        "FastBertNormalize",
        "FastWordpieceTokenizeWithOffsets",
        "FindSourceOffsets",
        "MaxSpanningTree",
        "NormalizeUTF8",
        "NormalizeUTF8WithOffsetsMap",
        "PhraseTokenize",
        "RegexSplitWithOffsets",
        "RougeL",
        "SentenceFragments",
        "SentenceFragmentsV2",
        "SentencepieceDetokenizeOp",
        "SentencepieceIdToStringOp",
        "SentencepieceOp",
        "SentencepieceStringToIdOp",
        "SentencepieceTokenizeOp",
        "SentencepieceTokenizeWithOffsetsOp",
        "SentencepieceVocabSizeOp",
        "SplitMergeTokenizeWithOffsets",
        "TokenizerFromLogits",
        "UnicodeScriptTokenizeWithOffsets",
        "WhitespaceTokenizeWithOffsets",
        "WordpieceTokenizeWithOffsets",
    }
)
"""The ops of tensorflow-text without a prefix; TensorFlow itself has none of these names."""
_PREFIX = "TFText>"
"""The prefix of its other ops."""


class MissingTextOps(Exception):
    """A SavedModel uses ops of tensorflow-text, which cannot be loaded here; the message is one line."""


def load_for(path: str) -> None:
    """Loads the ops of tensorflow-text if the SavedModel in the folder `path` uses them.

    Args:
      path: the folder, here or in a store that TensorFlow's file systems reach.

    Raises:
      MissingTextOps: it uses them, and the package is not installed or does not fit TensorFlow.
    """
    import tensorflow as tf

    file = f"{str(path).rstrip('/')}/{_GRAPH}"
    try:
        with tf.io.gfile.GFile(file, "rb") as source:
            graph = source.read()
    except tf.errors.OpError:  # whoever loads it says what is wrong with its files
        return
    if used := ops_in(graph):
        _require_installed(used)
        _load_libraries()


def require_for(folder: Path) -> None:
    """Checks without TensorFlow that the ops of the SavedModel in `folder` can be had here.

    Raises:
      MissingTextOps: it uses ops of tensorflow-text, which is not installed.
    """
    file = folder / _GRAPH
    if not is_installed() and file.is_file() and (used := ops_in(file.read_bytes())):
        _require_installed(used)


def ops_in(graph: bytes) -> tuple[str, ...]:
    """The ops of tensorflow-text in the content of a `saved_model.pb`, sorted; () if it cannot be parsed."""
    try:
        parsed = _saved_model_class().FromString(graph)
    except message.DecodeError:
        return ()
    return tuple(sorted({op for op in _ops(parsed) if op in OPS or op.startswith(_PREFIX)}))


def is_installed() -> bool:
    """Whether the package is installed."""
    return importlib.util.find_spec(_PACKAGE) is not None


def _require_installed(used: tuple[str, ...]) -> None:
    if not is_installed():
        shown = ", ".join(used[:3]) + (f" and {len(used) - 3} more" if len(used) > 3 else "")
        raise MissingTextOps(
            f"it uses ops of tensorflow-text ({shown}), and the package is not installed here. {REMEDY}"
        )


@cache
def _load_libraries() -> None:
    """Loads the libraries alone: to import the package would import Keras, which a model server lacks."""
    import tensorflow as tf

    spec = importlib.util.find_spec(_PACKAGE)
    folders = [Path(folder) for folder in (spec and spec.submodule_search_locations) or ()]
    libraries = sorted(file for folder in folders for file in folder.glob("python/*/_*.so"))
    try:
        for library in libraries:
            tf.load_op_library(str(library))
    except (tf.errors.OpError, OSError, RuntimeError) as error:
        reason = " ".join(str(error).split())
        raise MissingTextOps(
            f"it uses ops of tensorflow-text, and the installed package does not fit TensorFlow "
            f"{tf.__version__}: {reason}. {REMEDY}"
        ) from error


def _ops(saved_model: Any) -> Iterator[str]:
    for meta_graph in saved_model.meta_graphs:
        yield from (node.op for node in meta_graph.graph_def.node)
        for function in meta_graph.graph_def.library.function:
            yield from (node.op for node in function.node_def)


_MESSAGES: dict[str, dict[str, tuple[int, str]]] = {
    "Node": {"op": (2, "string")},
    "Function": {"node_def": (3, "repeated Node")},
    "Library": {"function": (1, "repeated Function")},
    "Graph": {"node": (1, "repeated Node"), "library": (2, "Library")},
    "MetaGraph": {"graph_def": (2, "Graph")},
    "SavedModel": {"meta_graphs": (2, "repeated MetaGraph")},
}
"""Message -> its fields that lead to the ops, with TensorFlow's numbers; protobuf skips all others."""


@cache
def _saved_model_class() -> Any:
    """SavedModel with these fields alone: to import TensorFlow's own class would load TensorFlow."""
    kinds = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="text_ops.proto", package="text_ops", syntax="proto3")
    for name, fields in _MESSAGES.items():
        described = file.message_type.add(name=name)
        for field, (number, kind) in fields.items():
            repeated, _, base = kind.rpartition(" ")
            added = described.field.add(name=field, number=number)
            added.label = kinds.LABEL_REPEATED if repeated else kinds.LABEL_OPTIONAL
            if base == "string":
                added.type = kinds.TYPE_STRING
            else:
                added.type, added.type_name = kinds.TYPE_MESSAGE, f".text_ops.{base}"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("text_ops.SavedModel"))
