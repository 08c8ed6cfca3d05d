"""A request and an answer of HTTP, as the handlers see them, and how they come from and go to ASGI."""

import asyncio
import dataclasses
import math
from collections.abc import Callable, Mapping
from typing import Any, TypeVar
from urllib.parse import unquote

import orjson

from serving.status import Code, RequestError

Pairs = tuple[tuple[bytes, bytes], ...]

JSON = b"application/json"
_LARGE_BYTES = 2**18

Result = TypeVar("Result")


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """A request whose body has been read.

    path: as it was sent, percent-encoded, without the query. headers: by lower-case name, the last of each.
    """

    method: str
    path: str
    headers: Mapping[bytes, bytes]
    body: bytes
    id: str

    async def read(self, function: Callable[[], Result]) -> Result:
        """What `function` makes of the body: of a large one in a thread, while others are answered.

        Of any other at once, with nothing else happening in between.
        """
        if len(self.body) > _LARGE_BYTES:
            return await asyncio.to_thread(function)
        return function()


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What is sent back."""

    body: bytes
    status: int = 200
    content_type: bytes = JSON
    headers: Pairs = ()


class HttpError(Exception):
    """A request that is answered with a status that no canonical code stands for."""

    def __init__(self, status: int, message: str, *, headers: Pairs = ()) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = headers


def json_answer(content: Any, *, status: int = 200, headers: Pairs = ()) -> Answer:
    """An answer of plain values."""
    return Answer(body=orjson.dumps(content), status=status, headers=headers)


def error_answer(error: RequestError | HttpError) -> Answer:
    """`{"error": message}`, as TensorFlow Serving and the Open Inference Protocol have it."""
    content = {"error": error.message}
    if isinstance(error, HttpError):
        return json_answer(content, status=error.status, headers=error.headers)
    headers: Pairs = ()
    if error.code is Code.UNAUTHENTICATED:  # RFC 9110 asks for it beside every 401
        headers = ((b"www-authenticate", b'Bearer realm="greenlight"'),)
    if error.retry_after is not None:
        headers = ((b"retry-after", str(max(1, math.ceil(error.retry_after))).encode()),)
    return json_answer(content, status=error.http, headers=headers)


def not_allowed(*methods: str) -> HttpError:
    """The error of a path that knows other methods."""
    allowed = ", ".join(methods)
    return HttpError(405, f"Method not allowed; use {allowed}", headers=((b"allow", allowed.encode()),))


def not_found() -> HttpError:
    """The error of a path that nothing answers."""
    return HttpError(404, "Not Found")


def unquoted(text: str) -> str:
    """A part of a path, decoded."""
    return unquote(text, errors="replace")
