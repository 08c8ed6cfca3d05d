"""HTTP requests and responses: read from ASGI within limits, and sent to it."""

import asyncio
import dataclasses
import math
import zlib
from collections.abc import Callable, Mapping
from typing import Any, TypeVar
from urllib.parse import unquote

import orjson

from serving.endpoint.asgi import Receive, Send
from serving.settings import ServeSettings
from serving.status import Code, RequestError

Pairs = tuple[tuple[bytes, bytes], ...]

JSON = b"application/json"
_LARGE_BYTES = 2**18
_CLOSE: Pairs = ((b"connection", b"close"),)
_PATIENCE = 4  # so many times the limit is read and dropped, so that the client can read the response
_GZIP, _GZIP_OR_ZLIB = 31, 47
_MOST_MEMBERS = 1024
_FIRST_PIECE = 1024
_NOT_PACKED = "The body is not what its Content-Encoding says"

Result = TypeVar("Result")


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """A request with its whole body.

    Attributes:
      method: in upper case.
      path: as sent, percent-encoded, without the query.
      headers: by lower-case name; the last one of each name.
      body: decompressed.
      id: the request id.
    """

    method: str
    path: str
    headers: Mapping[bytes, bytes]
    body: bytes
    id: str

    async def read(self, function: Callable[[], Result]) -> Result:
        """Calls `function`, which parses the body; in a thread if the body is large."""
        if len(self.body) > _LARGE_BYTES:
            return await asyncio.to_thread(function)
        return function()


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Response:
    """A response."""

    body: bytes
    status: int = 200
    content_type: bytes = JSON
    headers: Pairs = ()


class HttpError(Exception):
    """An error with an HTTP status that has no canonical code."""

    def __init__(self, status: int, message: str, *, headers: Pairs = ()) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = headers


class ClientGone(Exception):
    """The client has closed the connection."""


def json_response(content: Any, *, status: int = 200, headers: Pairs = ()) -> Response:
    """A response with `content` as JSON."""
    return Response(body=orjson.dumps(content), status=status, headers=headers)


def error_response(error: RequestError | HttpError) -> Response:
    """The response `{"error": message}`, the form of TensorFlow Serving and the Open Inference Protocol."""
    content = {"error": error.message}
    if isinstance(error, HttpError):
        return json_response(content, status=error.status, headers=error.headers)
    headers: Pairs = ()
    if error.code is Code.UNAUTHENTICATED:  # RFC 9110 asks for it beside every 401
        headers = ((b"www-authenticate", b'Bearer realm="greenlight"'),)
    if error.retry_after is not None:
        headers = ((b"retry-after", str(max(1, math.ceil(error.retry_after))).encode()),)
    return json_response(content, status=error.http, headers=headers)


def not_allowed(*methods: str) -> HttpError:
    """The error of a path that supports only `methods`."""
    allowed = ", ".join(methods)
    return HttpError(405, f"Method not allowed; use {allowed}", headers=((b"allow", allowed.encode()),))


def not_found() -> HttpError:
    """The error of an unknown path."""
    return HttpError(404, "Not Found")


def unquoted(text: str) -> str:
    """A part of a path, decoded."""
    return unquote(text, errors="replace")


async def read_body(headers: Mapping[bytes, bytes], receive: Receive, limits: ServeSettings) -> bytes:
    """The whole body, decompressed.

    Raises:
      HttpError: it is too large (413), too slow (408), has an unknown encoding (415) or is damaged (400).
      ClientGone: the client disconnected.
    """
    try:
        async with asyncio.timeout(limits.body_seconds):
            body = await _receive_all(headers, receive, limits.max_body_bytes)
    except TimeoutError:
        text = f"The body did not arrive within {limits.body_seconds:g} seconds (serve.body_seconds)"
        raise HttpError(408, text, headers=_CLOSE) from None
    packing = headers.get(b"content-encoding", b"identity").lower()
    if packing == b"identity":
        return body
    if packing in (b"gzip", b"x-gzip", b"deflate"):
        return _unpacked(body, limits.max_body_bytes, members=packing != b"deflate")
    raise HttpError(415, "Content-Encoding must be gzip, deflate or identity")


async def _receive_all(headers: Mapping[bytes, bytes], receive: Receive, limit: int) -> bytes:
    declared = int(headers.get(b"content-length", b"0"))
    if declared > limit * _PATIENCE:
        raise _too_large(limit)
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise ClientGone
        size += len(message["body"])
        if size > limit * _PATIENCE:
            raise _too_large(limit)
        if size <= limit:
            parts.append(message["body"])
        if not message["more_body"]:
            break
    if size > limit:
        raise _too_large(limit)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _unpacked(body: bytes, limit: int, *, members: bool) -> bytes:
    """The decompressed body; never holds more than `limit` + 1 bytes of it.

    Args:
      body: the compressed body.
      limit: the maximum size, in bytes.
      members: whether several members may follow one another, as in gzip (RFC 1952, 2.2).
    """
    content = bytearray()
    place, wbits = 0, _GZIP_OR_ZLIB
    for _ in range(_MOST_MEMBERS if members else 1):
        place = _unpack_member(body, place, wbits, content, limit)
        if place == len(body):
            return bytes(content)
        wbits = _GZIP
    if members:
        raise HttpError(400, f"The body has more than {_MOST_MEMBERS} gzip members")
    raise HttpError(400, _NOT_PACKED)


def _unpack_member(body: bytes, place: int, wbits: int, content: bytearray, limit: int) -> int:
    """Appends the content of the member at `place` to `content`; returns the position of its end."""
    unpacker = zlib.decompressobj(wbits)
    size = _FIRST_PIECE  # zlib copies what follows a member, so pieces start small
    while not unpacker.eof:
        piece = body[place : place + size]
        if not piece:
            raise HttpError(400, _NOT_PACKED)
        try:
            content += unpacker.decompress(piece, limit + 1 - len(content))
        except zlib.error:
            raise HttpError(400, _NOT_PACKED) from None
        if len(content) > limit:
            raise _too_large(limit)
        place += len(piece) - len(unpacker.unused_data) - len(unpacker.unconsumed_tail)
        size *= 2
    return place


def _too_large(limit: int) -> HttpError:
    return HttpError(413, f"The body is larger than {limit} bytes (serve.max_body_bytes)", headers=_CLOSE)


async def send_response(response: Response, headers: Pairs, send: Send) -> None:
    """Sends the response; `headers` follow its own headers."""
    first = (
        (b"content-type", response.content_type),
        (b"content-length", str(len(response.body)).encode()),
    )
    start = {"type": "http.response.start", "status": response.status}
    await send(start | {"headers": [*first, *response.headers, *headers]})
    await send({"type": "http.response.body", "body": response.body})
