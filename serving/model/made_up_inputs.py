"""Made-up inputs for the signatures of a version that brings no requests of its own."""

import dataclasses
import functools
import itertools
from collections.abc import Iterator, Mapping

import numpy as np

from serving.model.parsed_examples import TEXT, example_for
from serving.model.predictor import Inputs, Predictor, Signature, TensorSpec

_SIZES = (1, 32)  # tried for a dimension of any size that is not the rows'


class Examples:
    """The tf.Examples that a version's signatures parse."""

    def __init__(self, predictor: Predictor) -> None:
        self._predictor = predictor

    @functools.cached_property
    def _graph(self) -> object:
        return self._predictor.graph_def()

    def of(self, signature: Signature) -> bytes | None:
        """An example; None for a signature that parses no tf.Examples."""
        if all(spec.dtype != "string" for spec in signature.inputs.values()):
            return None
        return example_for(self._graph, [spec.tensor for spec in signature.outputs.values()])


@dataclasses.dataclass(frozen=True, kw_only=True)
class MadeUp:
    """Made-up inputs.

    string: for strings. zeros: for numbers, or else others up to 1. size: of a dimension of any size that is
    not the rows'. vector: whether a tensor of unknown rank has rows, or is a scalar.
    """

    specs: Mapping[str, TensorSpec]
    string: bytes
    zeros: bool
    size: int
    vector: bool

    def inputs(self, *, rows: int) -> Inputs:
        """Arrays of that many rows, by the names of the inputs."""
        return {name: self._value(spec, rows) for name, spec in self.specs.items()}

    def _value(self, spec: TensorSpec, rows: int) -> np.ndarray:
        sizes: tuple[int | None, ...] = ((None,) if self.vector else ()) if spec.shape is None else spec.shape
        shape = [
            given if given is not None else rows if place == 0 else self.size
            for place, given in enumerate(sizes)
        ]
        if spec.dtype == "string":
            strings = np.empty(shape, object)
            strings[...] = self.string  # np.full would cut off its zero bytes at the end
            return strings
        if self.zeros:
            return np.zeros(shape, spec.numpy)
        whole = spec.numpy.kind in "iub"
        return (np.ones(shape) if whole else np.random.default_rng(0).random(shape)).astype(spec.numpy)


def made_up(signature: Signature, example: bytes | None) -> Iterator[MadeUp]:
    """The likeliest first. A signature that takes strings of a known rank gets one."""
    specs = signature.inputs
    some = list(specs.values())
    sizes = _SIZES if any(None in (spec.shape or ())[1:] for spec in some) else _SIZES[:1]
    zeros = (True, False) if any(spec.dtype != "string" for spec in some) else (True,)
    vectors = (False, True) if any(spec.shape is None for spec in some) else (False,)
    for size, zero, vector in itertools.product(sizes, zeros, vectors):
        yield MadeUp(specs=specs, string=example or TEXT, zeros=zero, size=size, vector=vector)
