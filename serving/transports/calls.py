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
    """The prediction for one text. probability: of the positive class. version: of the model."""

    label: str
    probability: float
    version: int


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


def predictions(
    labels: Sequence[object], probabilities: Sequence[object], *, version: int, texts: int
) -> list[Prediction]:
    """The predictions for `texts` texts, from the outputs of the model.

    Raises:
      ClientError: the outputs are not one label and one probability per text.
    """
    fit = all(isinstance(label, str) for label in labels) and all(
        isinstance(value, float | int) for value in probabilities
    )
    if not (fit and len(labels) == len(probabilities) == texts):
        raise ClientError(
            Code.INTERNAL,
            f"The server does not answer with a label and a probability for each of {texts} texts; "
            "is this the right model?",
        )
    return [
        Prediction(label=str(label), probability=float(value), version=version)  # type: ignore[arg-type]
        for label, value in zip(labels, probabilities, strict=True)
    ]
