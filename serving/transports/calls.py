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
    """A call has failed. `code` says how; `retry_after` is the server's advice in seconds, if it gave any."""

    def __init__(self, code: Code, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.retry_after = retry_after

    @property
    def passing(self) -> bool:
        """Whether the same call may succeed in a moment."""
        return self.code is Code.UNAVAILABLE or (self.code in TRY_AGAIN and self.retry_after is not None)

    @property
    def too_large(self) -> bool:
        """Whether the server does not take a message of that size: gRPC's answer comes without advice."""
        return self.code is Code.RESOURCE_EXHAUSTED and self.retry_after is None


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Prediction:
    """What the model says of one text. probability: of positive. version: the one that answered."""

    label: str
    probability: float
    version: int


@dataclasses.dataclass(frozen=True, kw_only=True)
class VersionState:
    """A version on the server, in one of TensorFlow Serving's states; code and message say why not served."""

    version: int
    state: str
    code: Code
    message: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class Tensor:
    """An input or output of a signature; -1 is a size of any value, a shape of None is any shape."""

    dtype: str
    shape: tuple[int, ...] | None


@dataclasses.dataclass(frozen=True, kw_only=True)
class SignatureTensors:
    """What a signature takes and gives."""

    inputs: Mapping[str, Tensor]
    outputs: Mapping[str, Tensor]


@dataclasses.dataclass(frozen=True, kw_only=True)
class ModelMetadata:
    """The signatures of a version."""

    version: int
    signatures: Mapping[str, SignatureTensors]


def unreachable(address: str, why: str) -> ClientError:
    """The error where there is no connection. A certificate that is not trusted is not tried again."""
    if "CERTIFICATE_VERIFY_FAILED" not in why:
        return ClientError(Code.UNAVAILABLE, f"{address} cannot be reached: {why}")
    return ClientError(
        Code.FAILED_PRECONDITION,
        f"{address} has a certificate that is not trusted ({why}). If it is the right one, name the PEM file "
        "of the authority that signed it: --authority of the command, `authority` of connect",
    )


class Transport(Protocol):
    """A protocol; every method raises ClientError."""

    def predict(self, texts: Sequence[str], version: int | None) -> list[Prediction]:
        """One call."""

    def status(self) -> list[VersionState]:
        """Newest first."""

    def metadata(self, version: int | None) -> ModelMetadata:
        """Of the newest version, or of that one."""

    def close(self) -> None:
        """Frees the connection."""


def retried(
    call: Callable[[], Result], *, retries: int, sleep: Callable[[float], None] = time.sleep
) -> Result:
    """The call's result; a failure that passes is waited out, as long as the server says or ever longer.

    Raises:
      ClientError: it failed for good, or `retries` + 1 times.
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
    """The answers to `texts` texts.

    Raises:
      ClientError: they are not one label and one probability each.
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
