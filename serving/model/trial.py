"""The trial of a loaded version before it replaces the live one.

No error code excuses a version: an uninitialized table also raises INVALID_ARGUMENT. The version must
therefore answer its own warm-up requests or, without these, a plain text, a tf.Example with the features that
it parses, or values of its types and shapes.
"""

import contextlib
import dataclasses
from collections.abc import Callable, Sequence

import numpy as np

from serving.model.loader import LoadError
from serving.model.made_up_inputs import Examples, made_up
from serving.model.predictor import DEFAULT_SIGNATURE, Inputs, Outputs, Predictor, Signature
from serving.model.warmup_requests import FILE, OwnRequest
from serving.status import Code, RequestError

_ROWS = 8  # rows of the second call, which warms up batches
_PERHAPS_THE_INPUTS = (Code.INVALID_ARGUMENT, Code.FAILED_PRECONDITION, Code.OUT_OF_RANGE)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Question:
    """A request that a version has answered, and must answer as long as it serves."""

    signature: str
    inputs: Inputs

    def ask(self, predictor: Predictor) -> None:
        """Raises RequestError if the version does not answer."""
        _answer(predictor, predictor.signatures[self.signature], self.inputs)


class Reference:
    """The version that a new one is compared with: the live one or, without one, an older one.

    The older one is loaded when it is first needed. A server that starts therefore judges a version like one
    that was running when the version was published.
    """

    def __init__(
        self, live: Predictor | None = None, older: Callable[[], Predictor | None] = lambda: None
    ) -> None:
        self._live = live
        self._older = older
        self._loaded: Predictor | None = None

    def predictor(self) -> Predictor | None:
        """The version; None if there is none to compare with."""
        if self._live is None and self._loaded is None:
            self._loaded = self._older()
            self._older = lambda: None
        return self._live or self._loaded

    def close(self) -> None:
        """Unloads the version if it was loaded for the comparison."""
        if self._loaded is not None:
            self._loaded.close()
            self._loaded = None


def try_out(
    predictor: Predictor, *, own: Sequence[OwnRequest] = (), reference: Reference | None = None
) -> Question:
    """Tries a version through all its signatures, which also warms it up.

    Args:
      predictor: the version.
      own: its own warm-up requests; signatures that these use are not tried otherwise.
      reference: the version to compare with, used only if the new one fails.

    Returns:
      The request that the default signature has answered, or the first signature without a default.

    Raises:
      LoadError: one of its own requests fails; the default signature fails, or without a default all do;
        another signature fails by the model's fault. Or the version lacks what the reference has: a default
        signature, an answer from a signature of that name and inputs, an answer to a batch, or one row per
        input row.
    """
    trial = _Trial(predictor, reference or Reference())
    answered = _answers_to(own, predictor)
    failures: dict[str, RequestError] = {}
    for name in predictor.signatures.keys() - answered.keys():
        try:
            answered[name] = trial.of(predictor.signatures[name])
        except RequestError as error:
            failures[name] = error
    for name, failure in sorted(failures.items()):
        signature = predictor.signatures[name]
        if name == DEFAULT_SIGNATURE or not answered or trial.is_a_loss(signature, failure):
            raise LoadError(_refusal(signature, failure))
    if not answered:
        raise LoadError("it has no signature: it cannot be called")
    if DEFAULT_SIGNATURE not in answered:
        trial.require_no_default_before()
    asked = DEFAULT_SIGNATURE if DEFAULT_SIGNATURE in answered else min(answered)
    return Question(signature=asked, inputs=answered[asked])


def _answers_to(own: Sequence[OwnRequest], predictor: Predictor) -> dict[str, Inputs]:
    """The first own request to each signature, after all were answered."""
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


class _Trial:
    """The trial of a version with synthetic inputs, and the reference."""

    def __init__(self, predictor: Predictor, reference: Reference) -> None:
        self._predictor = predictor
        self._reference = reference
        self._examples = Examples(predictor)

    def of(self, signature: Signature) -> Inputs:
        """The first made-up inputs that the signature answers.

        Raises:
          RequestError: it answers none of them; the error is the one to the first. Or a batch of them fails
            by the model's fault.
          LoadError: the reference answers a batch, or has a row for each of the input.
        """
        inputs, outputs = _first_answered(self._predictor, signature, self._examples)
        self._require_rows(signature, inputs, outputs)
        batch = {name: np.repeat(value, _ROWS, axis=0) for name, value in inputs.items() if value.ndim}
        if batch.keys() != inputs.keys() or not batch:
            return inputs
        try:
            signature.check_shapes(batch)
            outputs = _answer(self._predictor, signature, batch)
        except RequestError as error:
            if error.code not in _PERHAPS_THE_INPUTS:
                raise
            self._require_batches(signature, batch, error)
        else:
            self._require_rows(signature, batch, outputs)
        return inputs

    def is_a_loss(self, signature: Signature, error: RequestError) -> bool:
        """Whether a failure is the model's fault, or the reference answers the same."""
        if error.code not in _PERHAPS_THE_INPUTS:
            return True
        known = self._reference.predictor()
        same = None if known is None else known.signatures.get(signature.name)
        if known is None or same is None or _taken(same) != _taken(signature):
            return False
        try:
            _first_answered(known, same, Examples(known))
        except RequestError:
            return False
        return True

    def require_no_default_before(self) -> None:
        """Raises LoadError if only the reference answers requests that name no signature."""
        known = self._reference.predictor()
        if known is not None and DEFAULT_SIGNATURE in known.signatures:
            raise LoadError(
                f"it has no signature {DEFAULT_SIGNATURE}, which version {known.version} has: requests that "
                "name no signature would fail"
            )

    def _require_batches(self, signature: Signature, batch: Inputs, error: RequestError) -> None:
        """Raises LoadError if the reference answers several rows: a model may require one row at a time, but
        not if the version before it did not.
        """
        known, same = self._counterpart(signature)
        if known is None or same is None:
            return
        with contextlib.suppress(RequestError):
            _answer(known, same, batch)
            raise LoadError(
                f"signature {signature.name} does not answer {_ROWS} rows, as that of version "
                f"{known.version} does: {error.message.rstrip('.')}"
            )

    def _require_rows(self, signature: Signature, inputs: Inputs, outputs: Outputs) -> None:
        """Raises LoadError if an output does not have one row per input row, but the reference's has. Another
        output is valid, such as the words of all texts, but not if the version before it gave rows.
        """
        wrong = _without_rows(inputs, outputs)
        if not wrong:
            return
        known, same = self._counterpart(signature)
        if known is None or same is None or same.outputs.keys() != signature.outputs.keys():
            return
        with contextlib.suppress(RequestError):  # a live version may have begun to fail
            if not _without_rows(inputs, known.run(same.name, inputs)):
                raise LoadError(
                    f"output {wrong} of signature {signature.name} does not have one row for each of the "
                    f"input, as that of version {known.version} has"
                )

    def _counterpart(self, signature: Signature) -> tuple[Predictor | None, Signature | None]:
        """The reference, and its signature of that name if it takes the same rows, any number of them."""
        known = self._reference.predictor()
        same = None if known is None else known.signatures.get(signature.name)
        if same is None or not same.batched or _row_types(same) != _row_types(signature):
            return known, None
        return known, same


def _without_rows(inputs: Inputs, outputs: Outputs) -> str:
    """The first output without one row per input row; "" if there is none."""
    if not inputs or not all(value.ndim for value in inputs.values()):
        return ""
    rows = len(next(iter(inputs.values())))
    return next((name for name in sorted(outputs) if outputs[name].shape[:1] != (rows,)), "")


def _taken(signature: Signature) -> dict[str, tuple[str, tuple[int | None, ...] | None]]:
    return {name: (spec.dtype, spec.shape) for name, spec in signature.inputs.items()}


def _row_types(signature: Signature) -> dict[str, tuple[str, tuple[int | None, ...] | None]]:
    """The type of each input, and the shape of a row of it."""
    return {
        name: (dtype, None if shape is None else shape[1:])
        for name, (dtype, shape) in _taken(signature).items()
    }


def _first_answered(predictor: Predictor, signature: Signature, examples: Examples) -> tuple[Inputs, Outputs]:
    """The first made-up inputs, of one row, that the signature answers, and its answer.

    Raises:
      RequestError: it answers none of them; the error is the one to the first.
    """
    errors: list[RequestError] = []
    for one in made_up(signature, examples.of(signature)):
        inputs = one.inputs(rows=1)
        try:
            return inputs, _answer(predictor, signature, inputs)
        except RequestError as error:
            errors.append(error)
    raise errors[0]


def _answer(predictor: Predictor, signature: Signature, inputs: Inputs) -> Outputs:
    """The outputs; raises RequestError unless each has the signature's type and a finite value."""
    outputs = predictor.run(signature.name, inputs)
    for name, spec in signature.outputs.items():
        value = outputs[name]
        if value.dtype != spec.numpy:
            raise RequestError(
                Code.INTERNAL,
                f"output {name} has the type {value.dtype.name}, and not {spec.dtype} as in the signature",
            )
        if value.size and _is_inexact(value.dtype) and not np.isfinite(value).any():
            what = "a number (NaN)" if np.isnan(value).all() else "finite"
            raise RequestError(Code.INTERNAL, f"output {name} is not {what}")
    return outputs


def _is_inexact(dtype: np.dtype) -> bool:
    """Whether values can be NaN. TensorFlow's bfloat16 and float8 are of numpy's kind V, without fields."""
    return dtype.kind in "fc" or (dtype.kind == "V" and dtype.names is None)


def _refusal(signature: Signature, error: RequestError) -> str:
    texts = all(spec.dtype == "string" for spec in signature.inputs.values())
    asked = "a plain text" if texts else "inputs of its types and shapes"
    return (
        f"signature {signature.name} does not answer {asked}: {error.message.rstrip('.')}. "
        f"A model that takes other inputs brings requests that it answers in {FILE}"
    )
