"""A gRPC interceptor that ends calls with canonical codes: undecodable messages, and bugs.

Without it, grpc ends a call whose message cannot be decoded, or whose method raises, with UNKNOWN and the
name of the exception's class.
"""

import time
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable
from typing import Any

import grpc
from grpc.aio import ServicerContext

from serving.endpoint.access_log import AccessLog, log_bug
from serving.grpc.calls import REQUEST_ID, refuse
from serving.status import Code, RequestError

UNDECODABLE = "The message cannot be decoded as the method's request"
_BUG = "Internal error; the server's log has the cause"


class Boundary(grpc.aio.ServerInterceptor):
    """Decodes requests and encodes responses instead of grpc; each failure is logged and INTERNAL."""

    def __init__(self, access: AccessLog) -> None:
        self._access = access

    async def intercept_service(
        self, continuation: Callable[[Any], Awaitable[Any]], handler_call_details: Any
    ) -> Any:
        """The handler of the method, from bytes to bytes; None for an unknown method."""
        handler = await continuation(handler_call_details)
        if handler is None:
            return None
        method = _Method(handler, handler_call_details.method, self._access)
        if handler.request_streaming:  # of reflection; no service has streamed requests and a single response
            return grpc.stream_stream_rpc_method_handler(method.stream_stream)
        if handler.response_streaming:
            return grpc.unary_stream_rpc_method_handler(method.unary_stream)
        return grpc.unary_unary_rpc_method_handler(method.unary_unary)


class _Method:
    """One method, in the form of its handler: unary or streaming."""

    def __init__(self, handler: Any, path: str, access: AccessLog) -> None:
        self._handler = handler
        self._path = path
        self._access = access
        self._decode = handler.request_deserializer or bytes
        self._encode = handler.response_serializer or bytes

    async def unary_unary(self, message: bytes, context: ServicerContext) -> bytes:
        request = await self._decoded(message, context)
        try:
            return self._encode(await self._handler.unary_unary(request, context))
        except Exception as error:
            raise await self._ended(error, context) from error

    async def unary_stream(self, message: bytes, context: ServicerContext) -> AsyncIterator[bytes]:
        request = await self._decoded(message, context)
        try:
            async for response in self._handler.unary_stream(request, context):
                yield self._encode(response)
        except Exception as error:
            raise await self._ended(error, context) from error

    async def stream_stream(
        self, messages: AsyncIterable[bytes], context: ServicerContext
    ) -> AsyncIterator[bytes]:
        try:
            async for response in self._handler.stream_stream(self._each(messages, context), context):
                yield self._encode(response)
        except Exception as error:
            raise await self._ended(error, context) from error

    async def _each(self, messages: AsyncIterable[bytes], context: ServicerContext) -> AsyncIterator[Any]:
        async for message in messages:
            yield await self._decoded(message, context)

    async def _decoded(self, message: bytes, context: ServicerContext) -> Any:
        started = time.monotonic()
        try:
            return self._decode(message)
        except Exception:  # protobuf's DecodeError, or the error of another parser
            request_id = self._request_id(context)
            self._access.note(
                protocol="grpc",
                route=self._path.rpartition(".")[2],
                status=Code.INTERNAL.name,
                seconds=time.monotonic() - started,
                request_id=request_id,
            )
            await refuse(context, RequestError(Code.INTERNAL, UNDECODABLE), request_id=request_id)

    async def _ended(self, error: Exception, context: ServicerContext) -> Exception:
        """The exception to raise: a deliberate end of the call as it is, a bug after logging it."""
        if not isinstance(error, grpc.aio.AbortError):
            request_id = self._request_id(context)
            log_bug("gRPC call failed", error, request_id=request_id)
            await refuse(context, RequestError(Code.INTERNAL, _BUG), request_id=request_id)
        return error

    def _request_id(self, context: ServicerContext) -> str:
        metadata = context.invocation_metadata() or ()
        given = next((value for key, value in metadata if key == REQUEST_ID), None)
        return self._access.request_id(given.encode() if isinstance(given, str) else given)
