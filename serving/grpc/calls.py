"""The end of a gRPC call: a response, or a status code with a message; errors are logged with an id."""

import dataclasses
import functools
import math
import time
from collections.abc import Awaitable, Callable
from typing import Any

import grpc
from grpc.aio import ServicerContext

from serving.endpoint.access_log import HEADER, AccessLog, log_bug
from serving.model.service import Service
from serving.status import Code, RequestError

_STATUS = {code.value[0]: code for code in grpc.StatusCode}

REQUEST_ID = HEADER.decode()
PUSHBACK = "grpc-retry-pushback-ms"
"""gRPC's key for the milliseconds after which a client may try again."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Call:
    """The id of a call, and its deadline in seconds of time.monotonic(); None without a deadline."""

    request_id: str
    deadline: float | None


class Servicer:
    """The base of servicers: the service that they call and the access log of their calls."""

    def __init__(self, service: Service, access: AccessLog) -> None:
        self.service = service
        self.access = access


def answered(method: Callable[[Any, Any, Call], Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """Makes a gRPC method of a Servicer's method: an error in it becomes the status of the call."""

    @functools.wraps(method)
    async def answer(self: Servicer, request: Any, context: ServicerContext) -> Any:
        started = time.monotonic()
        call = _call(context, self.access, started)
        outcome = "CANCELLED"  # the status if the client goes away
        try:
            response = await method(self, request, call)
            outcome = Code.OK.name
            context.set_trailing_metadata(((REQUEST_ID, call.request_id),))
            return response
        except Exception as error:  # the client gets a status for any error
            failure = _as_request_error(error, call)
            outcome = failure.code.name
            await refuse(context, failure, request_id=call.request_id)
        finally:
            self.access.note(
                protocol="grpc",
                route=method.__qualname__.replace("Servicer.", "Service/"),
                status=outcome,
                seconds=time.monotonic() - started,
                request_id=call.request_id,
            )

    return answer


async def refuse(context: ServicerContext, error: RequestError, *, request_id: str = "") -> None:
    """Ends the call with the error."""
    trailer = []
    if request_id:
        trailer.append((REQUEST_ID, request_id))
    if error.retry_after is not None:
        trailer.append((PUSHBACK, str(math.ceil(1000 * error.retry_after))))
    await context.abort(_STATUS[int(error.code)], error.message, trailing_metadata=tuple(trailer))


def _call(context: ServicerContext, access: AccessLog, now: float) -> Call:
    given = next((value for key, value in context.invocation_metadata() or () if key == REQUEST_ID), None)
    remaining = context.time_remaining()
    return Call(
        request_id=access.request_id(given.encode() if isinstance(given, str) else given),
        deadline=None if remaining is None else now + remaining,
    )


def _as_request_error(error: Exception, call: Call) -> RequestError:
    if isinstance(error, RequestError):
        return error
    log_bug("gRPC call failed", error, request_id=call.request_id)
    return RequestError(Code.INTERNAL, "Internal error; the server's log has the cause")
