"""Reading a request's body: never more of it, nor for longer, than the limits allow."""

import asyncio
import zlib
from collections.abc import Mapping

from serving.endpoint.asgi import Receive
from serving.http.messages import HttpError, Pairs
from serving.settings import ServeSettings

_CLOSE: Pairs = ((b"connection", b"close"),)
_PATIENCE = 4  # so many times the limit is read and dropped, so that the client gets to read the answer
_GZIP_OR_ZLIB = 47


class ClientGone(Exception):
    """The client has closed the connection; nobody waits for an answer."""


async def read_body(headers: Mapping[bytes, bytes], receive: Receive, limits: ServeSettings) -> bytes:
    """The whole body, decompressed.

    Raises:
      HttpError: it is too large (413), too slow (408), or packed in an unknown or broken way (415, 400).
      ClientGone: it broke off.
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
        return _unpacked(body, limits.max_body_bytes)
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


def _unpacked(body: bytes, limit: int) -> bytes:
    unpacker = zlib.decompressobj(_GZIP_OR_ZLIB)
    try:
        content = unpacker.decompress(body, limit + 1)
    except zlib.error:
        raise HttpError(400, "The body is not what its Content-Encoding says") from None
    if len(content) > limit:
        raise _too_large(limit)
    if not unpacker.eof or unpacker.unused_data:
        raise HttpError(400, "The body is not what its Content-Encoding says")
    return content


def _too_large(limit: int) -> HttpError:
    return HttpError(413, f"The body is larger than {limit} bytes (serve.max_body_bytes)", headers=_CLOSE)
