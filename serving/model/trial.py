"""The trial of a loaded version before it replaces the live one.

No code of an error excuses a version: INVALID_ARGUMENT is also what a table says that was never initialized.
So it is asked what it has to answer: the requests that it brings along, or else a plain text, a tf.Example
with the features that it parses, or values of its types and shapes.
"""

import contextlib
import dataclasses
import functools
import itertools
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from serving.model.loader import LoadError
from serving.model.parsed_examples import TEXT, example_for
from serving.model.predictor import DEFAULT_SIGNATURE, Inputs, Predictor, Signature, TensorSpec
from serving.model.warmup_requests import FILE, OwnRequest
from serving.status import Code, RequestError

_ROWS = 8  # of the second call, which prepares what only a batch needs
_SIZES = (1, 32)  # tried for a dimension of any size that is not the rows'
_PERHAPS_THE_INPUTS = (Code.INVALID_ARGUMENT, Code.FAILED_PRECONDITION, Code.OUT_OF_RANGE)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Question:
    """A request that a version has answered, and has to answer as long as it serves."""

    signature: str
    inputs: Inputs

    def ask(self, predictor: Predictor) -> None:
        """Raises RequestError if the version does not answer."""
        _answer(predictor, predictor.signatures[self.signature], self.inputs)


def try_out(
    predictor: Predictor, *, own: Sequence[OwnRequest] = (), live: Predictor | None = None
) -> Question:
    """Asks a version through all its signatures, which also makes the calls that cost more the first time.

    Args:
      predictor: the version.
      own: the requests that it brings along; a signature that they ask is asked nothing else.
      live: the version that it is to replace.

    Returns:
      What the default signature has answered, or the first one where there is no default.

    Raises:
      LoadError: a request of its own is not answered; the default signature does not answer, or none does
        where there is no default; another signature fails by the model's fault, or although the live
        version's signature of that name and those inputs answers; an output lacks rows that the live
        version's has.
    """
    answered = _answers_to(own, predictor)
    failures: dict[str, RequestError] = {}
    examples = _Examples(predictor)
    for name in predictor.signatures.keys() - answered.keys():
        try:
            answered[name] = _first_answer(predictor, predictor.signatures[name], examples)
            _require_rows(predictor, predictor.signatures[name], answered[name], live)
        except RequestError as error:
            failures[name] = error
    for name, failure in sorted(failures.items()):
        if name == DEFAULT_SIGNATURE or not answered or _is_a_loss(predictor.signatures[name], failure, live):
            raise LoadError(_refusal(predictor.signatures[name], failure))
    if not answered:
        raise LoadError("it has no signature: it cannot be called")
    asked = DEFAULT_SIGNATURE if DEFAULT_SIGNATURE in answered else min(answered)
    return Question(signature=asked, inputs=answered[asked])


def _answers_to(own: Sequence[OwnRequest], predictor: Predictor) -> dict[str, Inputs]:
    """The first of the version's own requests to each signature, once all are answered."""
    answered: dict[str, Inputs] = {}
    for number, request in enumerate(own, start=1):
        try:
            signature = predictor.signatures.get(request.signature)
            if signature is None:
                raise RequestError(Code.NOT_FOUND, f"there is no signature {request.signature!r}")
            signature.check_names(request.inputs)
            _answer(predictor, signature, request.inputs)
        except RequestError as error:
            raise LoadError(f"it does not answer request {number} of its {FILE}: {error.message}") from error
        answered.setdefault(request.signature, request.inputs)
    return answered


def _is_a_loss(signature: Signature, error: RequestError, live: Predictor | None) -> bool:
    """Whether a signature that fails is the model's fault, or one that the live version answers."""
    if error.code not in _PERHAPS_THE_INPUTS:
        return True
    same = None if live is None else live.signatures.get(signature.name)
    if live is None or same is None or _taken(same) != _taken(signature):
        return False
    try:
        _first_answer(live, same, _Examples(live))
    except RequestError:
        return False
    return True


def _require_rows(predictor: Predictor, signature: Signature, inputs: Inputs, live: Predictor | None) -> None:
    """Raises LoadError where an output has other than a row for each of the input, and the live version's
    has. A signature may answer otherwise, such as with the words of all texts; but not all of a sudden.
    """
    same = None if live is None else live.signatures.get(signature.name)
    if live is None or same is None or not (signature.batched and same.batched):
        return
    if _taken(same) != _taken(signature) or same.outputs.keys() != signature.outputs.keys():
        return
    wrong = _without_rows(predictor, signature, inputs)
    with contextlib.suppress(RequestError):  # the live version may have begun to fail
        if wrong and not _without_rows(live, same, inputs):
            raise LoadError(
                f"output {wrong} of signature {signature.name} does not have one row for each of the input, "
                "as the live version's has"
            )


def _without_rows(predictor: Predictor, signature: Signature, inputs: Inputs) -> str:
    """The first output without a row for each input row; "" if there is none, or no input to compare with."""
    if not inputs:
        return ""
    rows = len(next(iter(inputs.values())))
    outputs = predictor.run(signature.name, inputs)
    return next((name for name in sorted(outputs) if outputs[name].shape[:1] != (rows,)), "")


def _taken(signature: Signature) -> dict[str, tuple[str, tuple[int | None, ...] | None]]:
    return {name: (spec.dtype, spec.shape) for name, spec in signature.inputs.items()}


class _Examples:
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


def _first_answer(predictor: Predictor, signature: Signature, examples: _Examples) -> Inputs:
    """The first made-up inputs that the signature answers; then a batch of them, to warm it up.

    Raises:
      RequestError: it answers none of them; the error is the one to the first.
    """
    errors: list[RequestError] = []
    for made_up in _made_up(signature, examples.of(signature)):
        inputs = made_up.inputs(rows=1)
        try:
            _answer(predictor, signature, inputs)
        except RequestError as error:
            errors.append(error)
            continue
        if signature.batched:
            _warm_up(predictor, signature, made_up.inputs(rows=_ROWS))
        return inputs
    raise errors[0]


def _answer(predictor: Predictor, signature: Signature, inputs: Inputs) -> None:
    """Raises RequestError unless each output has the signature's type and is not all NaN."""
    outputs = predictor.run(signature.name, inputs)
    for name, spec in signature.outputs.items():
        value = outputs[name]
        if value.dtype != spec.numpy:
            raise RequestError(
                Code.INTERNAL,
                f"output {name} has the type {value.dtype.name}, and not {spec.dtype} as in the signature",
            )
        if value.dtype.kind == "f" and value.size and np.isnan(value).all():
            raise RequestError(Code.INTERNAL, f"output {name} is not a number (NaN)")


def _warm_up(predictor: Predictor, signature: Signature, inputs: Inputs) -> None:
    """A batch that fails is not a reason to refuse the model: its requests are then asked one by one."""
    try:
        predictor.run(signature.name, inputs)
    except RequestError as error:
        if error.code not in _PERHAPS_THE_INPUTS:
            raise


@dataclasses.dataclass(frozen=True, kw_only=True)
class _MadeUp:
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


def _made_up(signature: Signature, example: bytes | None) -> Iterator[_MadeUp]:
    """The likeliest first. A signature that takes strings of a known rank gets one."""
    specs = signature.inputs
    some = list(specs.values())
    sizes = _SIZES if any(None in (spec.shape or ())[1:] for spec in some) else _SIZES[:1]
    zeros = (True, False) if any(spec.dtype != "string" for spec in some) else (True,)
    vectors = (False, True) if any(spec.shape is None for spec in some) else (False,)
    for size, zero, vector in itertools.product(sizes, zeros, vectors):
        yield _MadeUp(specs=specs, string=example or TEXT, zeros=zero, size=size, vector=vector)


def _refusal(signature: Signature, error: RequestError) -> str:
    texts = all(spec.dtype == "string" for spec in signature.inputs.values())
    asked = "a plain text" if texts else "inputs of its types and shapes"
    return (
        f"signature {signature.name} does not answer {asked}: {error.message.rstrip('.')}. "
        f"A model that takes other inputs brings requests that it answers in {FILE}"
    )
