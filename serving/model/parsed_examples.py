"""A synthetic tf.Example that a signature can parse, derived from the parsing ops in its graph.

A signature does not say that its strings are serialized tf.Examples, nor which features they need; the ops
`ParseExample`, `ParseExampleV2` and `ParseSingleExample` that its outputs depend on do.
"""

import dataclasses
import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

TEXT = b"A plain text about a film that is neither good nor bad."
"""What is asked of a model that takes texts."""

_DT_FLOAT, _DT_STRING, _DT_INT64 = 1, 7, 9


@dataclasses.dataclass(frozen=True)
class _Node:
    """A node of the graph or of a function, with the nodes beside it by their names."""

    definition: Any
    beside: Mapping[str, Any]


def example_for(graph_def: Any, outputs: Iterable[str]) -> bytes | None:
    """A serialized tf.Example with every feature that is required.

    Args:
      graph_def: the GraphDef of the model.
      outputs: the names of the signature's output tensors.

    Returns:
      None where the outputs do not depend on a parsed tf.Example.
    """
    from tensorflow.core.example import example_pb2

    parsers = [node for node in _ancestors(graph_def, outputs) if node.definition.op in _FEATURES]
    if not parsers:
        return None
    example = example_pb2.Example()
    for parser in parsers:
        for key, dtype, shape in _FEATURES[parser.definition.op](parser):
            count = math.prod(max(dim.size, 1) for dim in shape.dim)
            feature = example.features.feature[key.decode("utf-8", "replace")]
            feature.Clear()
            if dtype == _DT_STRING:
                feature.bytes_list.value.extend([TEXT] * count)
            elif dtype == _DT_FLOAT:
                feature.float_list.value.extend([0.0] * count)
            elif dtype == _DT_INT64:
                feature.int64_list.value.extend([0] * count)
    return bytes(example.SerializeToString())


def _ancestors(graph_def: Any, outputs: Iterable[str]) -> Iterator[_Node]:
    """The nodes that the tensors depend on, those within the functions that are called included."""
    functions = {function.signature.name: function for function in graph_def.library.function}
    nodes = {node.name: node for node in graph_def.node}
    called: set[str] = set()
    pending = [_node_name(name) for name in outputs]
    seen = set(pending)
    while pending:
        node = nodes.get(pending.pop())
        if node is None:
            continue
        yield _Node(node, nodes)
        yield from _within(node, functions, called)
        for name in map(_node_name, node.input):
            if name not in seen:
                seen.add(name)
                pending.append(name)


def _within(node: Any, functions: Mapping[str, Any], called: set[str]) -> Iterator[_Node]:
    """The nodes of the functions that `node` calls, each function once."""
    for value in node.attr.values():
        for name in [value.func.name, *(function.name for function in value.list.func)]:
            if name not in functions or name in called:
                continue
            called.add(name)
            beside = {inner.name: inner for inner in functions[name].node_def}
            for inner in functions[name].node_def:
                yield _Node(inner, beside)
                yield from _within(inner, functions, called)


def _node_name(tensor: str) -> str:
    return tensor.removeprefix("^").partition(":")[0]


def _constant(node: _Node, place: int) -> list[bytes]:
    """The strings of a constant input; none where the input is not a constant."""
    import tensorflow as tf

    source = node.beside.get(_node_name(node.definition.input[place]))
    if source is None or source.op != "Const":
        return []
    return list(tf.make_ndarray(source.attr["value"].tensor).reshape(-1))


Features = Iterator[tuple[bytes, int, Any]]
"""Key, number of the type, and shape of each feature."""


def _of_version_2(node: _Node) -> Features:
    attributes = node.definition.attr
    yield from zip(  # inputs: serialized, names, sparse_keys, dense_keys, ragged_keys, dense_defaults
        _constant(node, 3),
        attributes["Tdense"].list.type,
        attributes["dense_shapes"].list.shape,
        strict=False,
    )


def _of_version_1(node: _Node) -> Features:
    attributes = node.definition.attr
    start = 2 + attributes["Nsparse"].i  # inputs: serialized, names, the sparse keys, the dense keys
    keys = [_constant(node, start + place) for place in range(attributes["Ndense"].i)]
    shapes = attributes["dense_shapes"].list.shape
    for key, dtype, shape in zip(keys, attributes["Tdense"].list.type, shapes, strict=False):
        yield from ((name, dtype, shape) for name in key)


def _of_a_single_one(node: _Node) -> Features:
    attributes = node.definition.attr
    keys, shapes = attributes["dense_keys"].list.s, attributes["dense_shapes"].list.shape
    yield from zip(keys, attributes["Tdense"].list.type, shapes, strict=False)


_FEATURES = {
    "ParseExampleV2": _of_version_2,
    "ParseExample": _of_version_1,
    "ParseSingleExample": _of_a_single_one,
}
