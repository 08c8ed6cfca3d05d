"""Reading a request's body: never more of it, nor for longer, than the limits allow."""

import asyncio
import zlib
from collections.abc import Mapping

from serving.endpoint.asgi import Receive
from serving.http.messages import HttpError, Pairs
from serving.settings import ServeSettings

_CLOSE: Pairs = ((b"connection", b"close"),)
_PATIENCE = 4  # so many times the limit is read and dropped, so that the client gets to read the answer
_GZIP, _GZIP_OR_ZLIB = 31, 47
_MOST_MEMBERS = 1024
_FIRST_PIECE = 1024
_NOT_PACKED = "The body is not what its Content-Encoding says"


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
    """The content, of which no more than `limit` + 1 bytes are ever held.

    members: gzip may consist of several (RFC 1952, 2.2), one after the other.
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
    """Appends what the member at `place` holds to `content`, and returns where the member ends."""
    unpacker = zlib.decompressobj(wbits)
    size = _FIRST_PIECE  # zlib copies what follows a member, so a small one is not given all of the body
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
