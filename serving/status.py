"""gRPC's canonical status codes, which TensorFlow uses too, and their HTTP statuses."""

import enum


class Code(enum.IntEnum):
    """A canonical code; the value is gRPC's and TensorFlow's number."""

    OK = 0
    CANCELLED = 1
    UNKNOWN = 2
    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    NOT_FOUND = 5
    ALREADY_EXISTS = 6
    PERMISSION_DENIED = 7
    RESOURCE_EXHAUSTED = 8
    FAILED_PRECONDITION = 9
    ABORTED = 10
    OUT_OF_RANGE = 11
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14
    DATA_LOSS = 15
    UNAUTHENTICATED = 16

    @property
    def http(self) -> int:
        """The HTTP status that TensorFlow Serving's REST interface answers with."""
        return _HTTP[self]


_HTTP = {
    Code.OK: 200,
    Code.CANCELLED: 499,
    Code.UNKNOWN: 500,
    Code.INVALID_ARGUMENT: 400,
    Code.DEADLINE_EXCEEDED: 504,
    Code.NOT_FOUND: 404,
    Code.ALREADY_EXISTS: 409,
    Code.PERMISSION_DENIED: 403,
    Code.RESOURCE_EXHAUSTED: 429,
    Code.FAILED_PRECONDITION: 400,
    Code.ABORTED: 409,
    Code.OUT_OF_RANGE: 400,
    Code.UNIMPLEMENTED: 501,
    Code.INTERNAL: 500,
    Code.UNAVAILABLE: 503,
    Code.DATA_LOSS: 500,
    Code.UNAUTHENTICATED: 401,
}


class RequestError(Exception):
    """A request that is answered with an error.

    `message` is for the client. `retry_after`: after how many seconds it may try again, where that helps.
    `http`: the status over HTTP.
    """

    def __init__(
        self, code: Code, message: str, *, retry_after: float | None = None, http: int | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.http = http or code.http
        self.message = message
        self.retry_after = retry_after


def invalid(message: str) -> RequestError:
    """The error of a request that is wrong in itself."""
    return RequestError(Code.INVALID_ARGUMENT, message)
