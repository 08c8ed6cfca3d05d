"""Results, errors and retries that both transports of the client share."""

import dataclasses
import random
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, TypeVar

from serving.status import Code

Result = TypeVar("Result")

_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 5.0
TRY_AGAIN = frozenset({Code.UNAVAILABLE, Code.RESOURCE_EXHAUSTED})


class ClientError(Exception):
    """A failed call, with its status code and the server's advice to retry in seconds (None without one)."""

    def __init__(self, code: Code, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.retry_after = retry_after

    @property
    def passing(self) -> bool:
        """Whether the same call may succeed after a short wait."""
        return self.code is Code.UNAVAILABLE or (self.code in TRY_AGAIN and self.retry_after is not None)

    @property
    def too_large(self) -> bool:
        """Whether the message is too large for the server: that error comes without advice to retry."""
        return self.code is Code.RESOURCE_EXHAUSTED and self.retry_after is None


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Prediction:
    """The prediction for one text.

    Attributes:
      label: the name of the predicted class.
      probability: that of the positive class where the model has two classes, that of `label` where it has
        more.
      version: of the model.
      probabilities: the name of each class -> its probability, in the order of `data.classes`; empty for a
        model of two classes without the signature `classify`, which gives the names.
    """

    label: str
    probability: float
    version: int
    probabilities: Mapping[str, float] = dataclasses.field(default_factory=dict, compare=False)


@dataclasses.dataclass(frozen=True, kw_only=True)
class VersionState:
    """A version on the server: a state of TensorFlow Serving, and the error if it is not served."""

    version: int
    state: str
    code: Code
    message: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class Tensor:
    """An input or output of a signature; a size of -1 and a shape of None are unknown."""

    dtype: str
    shape: tuple[int, ...] | None


@dataclasses.dataclass(frozen=True, kw_only=True)
class SignatureTensors:
    """The inputs and outputs of a signature: name -> tensor."""

    inputs: Mapping[str, Tensor]
    outputs: Mapping[str, Tensor]


@dataclasses.dataclass(frozen=True, kw_only=True)
class ModelMetadata:
    """The signatures of a version."""

    version: int
    signatures: Mapping[str, SignatureTensors]


def unreachable(address: str, why: str) -> ClientError:
    """The error without a connection; an untrusted certificate is not worth a retry."""
    if "CERTIFICATE_VERIFY_FAILED" not in why:
        return ClientError(Code.UNAVAILABLE, f"{address} cannot be reached: {why}")
    return ClientError(
        Code.FAILED_PRECONDITION,
        f"{address} has a certificate that is not trusted ({why}). If it is the right one, name the PEM file "
        "of the authority that signed it: --authority of the command, `authority` of connect",
    )


class Transport(Protocol):
    """A protocol of the client. Every method raises ClientError if the call fails."""

    def predict(self, texts: Sequence[str], version: int | None) -> list[Prediction]:
        """Predictions for the texts, in one call, by the newest version or the given one."""

    def status(self) -> list[VersionState]:
        """The states of all versions, newest first."""

    def metadata(self, version: int | None) -> ModelMetadata:
        """The signatures of the newest version, or of the given one."""

    def close(self) -> None:
        """Closes the connection."""


def retried(
    call: Callable[[], Result], *, retries: int, sleep: Callable[[float], None] = time.sleep
) -> Result:
    """The result of a call, which is repeated while its failure may pass.

    The pause is the server's advice, else it grows exponentially; at most _LONGEST_PAUSE seconds.

    Raises:
      ClientError: the call failed for another reason, or `retries` + 1 times.
    """
    for attempt in range(retries):
        try:
            return call()
        except ClientError as error:
            if not error.passing:
                raise
            pause = min(_FIRST_PAUSE * 2**attempt, _LONGEST_PAUSE) * random.uniform(0.5, 1.0)
            sleep(min(error.retry_after, _LONGEST_PAUSE) if error.retry_after is not None else pause)
    return call()


class ClassNames:
    """The names of the classes of each version, asked for once.

    ask: the names that the `classify` signature of a version gives, in the order of its scores; it raises
      ClientError.
    """

    def __init__(self, ask: Callable[[int], tuple[str, ...]]) -> None:
        self._ask = ask
        self._known: dict[int, tuple[str, ...]] = {}

    def of(self, version: int) -> tuple[str, ...]:
        """The names; () if the version has no such signature.

        Raises:
          ClientError: it does not answer, for a reason that may pass; or it was unloaded meanwhile.
        """
        if version not in self._known:
            try:
                self._known[version] = self._ask(version)
            except ClientError as error:
                if error.code is Code.NOT_FOUND:
                    raise ClientError(Code.UNAVAILABLE, error.message) from error
                if error.passing:
                    raise
                self._known[version] = ()
        return self._known[version]


def predictions(
    labels: Sequence[object], outputs: Sequence[object], *, version: int, texts: int, names: ClassNames
) -> list[Prediction]:
    """The predictions for `texts` texts.

    Args:
      labels: the model's output `label`.
      outputs: its output `probability`, a number per text; or `probabilities`, a list per text with a number
        per class.
      version: the version that answered.
      texts: how many there must be.
      names: where the names of the classes come from.

    Raises:
      ClientError: the outputs are not one label and one probability, or one per class, for each text; or the
        names of more than two classes are not known.
    """
    fit = all(isinstance(label, str) for label in labels)
    if not (fit and len(labels) == len(outputs) == texts):
        raise _other_outputs(texts)
    if texts and all(isinstance(output, Sequence) for output in outputs):
        known = names.of(version)
    elif all(isinstance(output, float | int) for output in outputs):
        known = _names_of_two(names, version) if texts else ()
    else:
        raise _other_outputs(texts)
    try:
        return [
            prediction(str(label), output, names=known, version=version)  # type: ignore[arg-type]
            for label, output in zip(labels, outputs, strict=True)
        ]
    except (TypeError, ValueError):
        raise _other_outputs(texts) from None


def prediction(
    label: str, output: float | Sequence[float], *, names: Sequence[str], version: int
) -> Prediction:
    """One prediction.

    output: the probability of the positive class; or that of each class, in the order of `names`.

    Raises:
      ValueError: there is not one name for each of more than two classes.
    """
    if isinstance(output, Sequence):
        each = dict(zip(names, map(float, output), strict=True))
        return Prediction(label=label, probability=max(each.values()), version=version, probabilities=each)
    both = dict(zip(names, (1.0 - output, float(output)), strict=True)) if names else {}
    return Prediction(label=label, probability=float(output), version=version, probabilities=both)


def _names_of_two(names: ClassNames, version: int) -> tuple[str, ...]:
    """The names of two classes; () where the server does not give them, which is not a reason to fail."""
    try:
        known = names.of(version)
    except ClientError:
        return ()
    return known if len(known) == 2 else ()


def _other_outputs(texts: int) -> ClientError:
    return ClientError(
        Code.INTERNAL,
        f"The server does not answer with a label and a probability for each of {texts} texts; "
        "is this the right model?",
    )
