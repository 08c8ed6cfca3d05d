"""The HTTP connection, with limits that uvicorn lacks: on headers, and on slow clients."""

import asyncio
import functools
import re
import select
import socket
import struct
from collections import deque
from collections.abc import Callable
from typing import Any, NoReturn

import httptools
import orjson
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from serving.endpoint import descriptors
from serving.settings import ServeSettings

HEADER_BYTES = 64 * 1024
"""The maximum size of a request's target and headers, exceeded by at most one read if they do not end."""
PIPELINED = 256
"""The maximum number of pipelined requests per connection."""
_HOST = re.compile(rb"(?:\[[0-9A-Fa-f:.]+\]|[\w.~!$&'()*+,;=%-]*)(?::[0-9]*)?", re.ASCII)
_FIRST_REQUEST_SECONDS = 1.0
"""How long a new connection may take to send its request while the server stops."""
_LARGE_HEADERS = f"The headers are larger than {HEADER_BYTES} bytes"
_INTERIM = b"HTTP/1.1 100 "
_LINGER_NOT = struct.pack("ii", 1, 0)


class _Flow(FlowControl):
    """Flow control that stops reading while pipelined requests wait, so that they cannot fill the memory."""

    def __init__(self, transport: asyncio.Transport, waiting: deque[Any]) -> None:
        super().__init__(transport)
        self._waiting = waiting

    def resume_reading(self) -> None:
        if not self._waiting:
            super().resume_reading()


class _OneWrite:
    """A transport that sends the head of a response together with its body, in one write.

    Writes after the connection is lost are ignored, where uvloop would raise.

    Args:
      transport: the connection's.
      without_body: whether the response has no body, as to HEAD.
    """

    def __init__(self, transport: asyncio.Transport, *, without_body: bool) -> None:
        self._transport = transport
        self._head = b""
        self._head_is_sent = without_body
        self.is_closing = transport.is_closing

    def write(self, data: bytes) -> None:
        if self.is_closing():
            return
        if self._head_is_sent or data.startswith(_INTERIM):
            self._transport.write(data)
        elif self._head:
            self._transport.write(self._head + data)
            self._head_is_sent = True
        else:
            self._head = data

    def close(self) -> None:
        if not self._head_is_sent and not self.is_closing():
            self._transport.write(self._head)
        self._transport.close()


class Http1Parser:
    """httptools' parser, ignoring offers to upgrade to another protocol.

    httptools stops after the headers of a request with such an offer, which Java's HttpClient and
    `curl --http2` send for HTTP/2, and never reads its body. A server may ignore the offer (RFC 9110, 7.8),
    so the headers are parsed again without it. `should_upgrade` is true during the first pass.
    """

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._take(httptools.HttpRequestParser(connection))

    def _take(self, parser: httptools.HttpRequestParser) -> None:
        parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn has it
        self._feed = parser.feed_data
        self.should_upgrade = parser.should_upgrade
        self.get_method = parser.get_method
        self.get_http_version = parser.get_http_version
        self.should_keep_alive = parser.should_keep_alive

    def feed_data(self, data: bytes) -> None:
        """Parses more data; raises HttpParserError if it is not HTTP."""
        while True:
            try:
                return self._feed(data)
            except httptools.HttpParserUpgrade as stop:
                if self.get_method() == b"CONNECT":
                    raise httptools.HttpParserError("this is not a proxy") from None
                data = self._head_without_offer() + data[stop.args[0] :]
                self._take(httptools.HttpRequestParser(self._connection))

    def _head_without_offer(self) -> bytes:
        first = b"%s %s HTTP/%s" % (
            self.get_method(),
            self._connection.url,
            self.get_http_version().encode("ascii"),
        )
        headers = [b"%s: %s" % pair for pair in self._connection.headers if pair[0] != b"upgrade"]
        return b"\r\n".join((first, *headers, b"", b""))


class Connection(HttpToolsProtocol):
    """uvicorn's connection with limits: refuses connections beyond a maximum, and ends slow clients.

    Args:
      limits: the settings of the server.
      most: the maximum number of connections.
      ceiling: the first file descriptor that no connection may have.
    """

    def __init__(self, *args: Any, limits: ServeSettings, most: int, ceiling: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.parser = Http1Parser(self)  # type: ignore[assignment]
        self._limits = limits
        self._most = most
        self._ceiling = ceiling
        self._header_bytes = 0
        self._refusal = (400, "")
        self._refused = False
        self._progress = False
        self._timer: asyncio.TimerHandle | None = None
        self._stall_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.flow = _Flow(transport, self.pipeline)
        if len(self.connections) > self._most:
            text = f"The server is at its limit of {self._most} connections; try again"
            self._refuse(503, text, b"retry-after: 1\r\n")
        elif (accepted := self._socket()) is not None and accepted.fileno() >= self._ceiling:
            text = "The server has nearly as many open files as the system allows; try again"
            self._refuse(503, text, b"retry-after: 1\r\n")
        else:
            self._timer = self.loop.call_later(self._limits.header_seconds, self._headers_are_late)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        self.resume_writing()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parses data, and limits the headers of the next request in size and in time.

        The parser calls `on_headers_complete`, `on_body` and `on_message_complete`, which set `_progress`.
        Data without progress is a part of headers: it counts towards HEADER_BYTES. The timer of
        `header_seconds` starts with the connection, and for a later request with the first part of it.

        Example: after a first request `GET /` arrives and starts the timer. `HTTP/1.1` and `host: a` follow
        and are counted. The empty line completes the headers: timer and count are reset. Without it the timer
        ends the connection with 408, and headers beyond HEADER_BYTES are answered with 431.
        """
        if self.transport.is_closing() or self._refused:
            return
        self._progress = False
        super().data_received(data)
        if self._progress:
            self._header_bytes = 0
            self._stop_timer()
            if self.cycle is not None and self.cycle.response_complete:  # a body after its response
                idle = self._limits.idle_seconds
                self._timer = self.loop.call_later(idle, self.timeout_keep_alive_handler)
            return
        self._header_bytes += len(data)
        if self._header_bytes > HEADER_BYTES:
            self._refuse(431, _LARGE_HEADERS)
        elif self._timer is None and not self.transport.is_closing():
            self._timer = self.loop.call_later(self._limits.header_seconds, self._headers_are_late)

    def eof_received(self) -> bool:  # type: ignore[override]
        """Stays open for the response if the client has closed its half after the request."""
        if self.scheme != "http" or self.cycle is None:
            return False
        if self.cycle.response_complete or self.cycle.more_body:
            return False
        self.cycle.keep_alive = False
        return True

    def on_headers_complete(self) -> None:
        if self.parser.should_upgrade():
            return  # the headers are parsed again without the offer
        self._progress = True
        size = len(self.url) + sum([len(name) + len(value) for name, value in self.headers])
        if size > HEADER_BYTES:
            self._reject(431, _LARGE_HEADERS)
        if self.parser.get_http_version() not in ("1.0", "1.1"):
            self._reject(505, "HTTP version not supported; use HTTP/1.1 or HTTP/1.0")
        if not self._names_one_host():
            self._reject(400, "An HTTP/1.1 request needs one Host header, with a host (RFC 9112, 3.2)")
        if len(self.pipeline) >= PIPELINED:
            self._reject(400, f"More than {PIPELINED} pipelined requests")
        before = self.cycle
        super().on_headers_complete()
        if self.cycle is not before:
            without_body = self.scope["method"] == "HEAD"
            self.cycle.transport = _OneWrite(self.transport, without_body=without_body)  # type: ignore[assignment]

    def on_body(self, body: bytes) -> None:
        self._progress = True
        super().on_body(body)

    def on_message_complete(self) -> None:
        if self.parser.should_upgrade():
            return
        self._progress = True
        super().on_message_complete()

    def _names_one_host(self) -> bool:
        hosts = [value for name, value in self.headers if name == b"host"]
        if not hosts:
            return self.parser.get_http_version() == "1.0"
        return len(hosts) == 1 and _HOST.fullmatch(hosts[0]) is not None

    def _reject(self, status: int, text: str) -> NoReturn:
        """Ends the parsing; uvicorn then calls `send_400_response`."""
        self._refusal = (status, text)
        raise httptools.HttpParserError(text)

    def send_400_response(self, msg: str) -> None:
        status, text = self._refusal
        self._refuse(status, text or msg)

    def shutdown(self) -> None:
        """Closes the connection if it has no request in flight; otherwise closes it after the response.

        A connection with unread bytes is not closed, because closing would reset it.
        """
        if self.transport.is_closing():
            return
        if self.cycle is None:
            self.loop.call_later(_FIRST_REQUEST_SECONDS, self._close_unused)
        elif not self.cycle.response_complete:
            super().shutdown()
        elif not self._header_bytes and not self._has_unread():
            self.transport.close()

    def _close_unused(self) -> None:
        if self.cycle is None and not self._header_bytes and not self.transport.is_closing():
            self.transport.close()

    def _has_unread(self) -> bool:
        if (unread := self._socket()) is None:
            return False
        poll = select.poll()
        poll.register(unread, select.POLLIN)
        return bool(poll.poll(0))

    def _socket(self) -> socket.socket | None:
        """The connection's socket; None once it is closed, of which TLS tells its protocol later."""
        found = self.transport.get_extra_info("socket")
        return found if found is not None and found.fileno() >= 0 else None

    def pause_writing(self) -> None:
        super().pause_writing()
        self._stall_timer = self.loop.call_later(self._limits.body_seconds, self._cut_off)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._stall_timer is not None:
            self._stall_timer.cancel()
            self._stall_timer = None

    def timeout_keep_alive_handler(self) -> None:
        if self.transport.get_write_buffer_size():
            self._cut_off()
        else:
            super().timeout_keep_alive_handler()

    def _cut_off(self) -> None:
        """Aborts the connection, including data in the kernel's buffer, which would be sent for minutes."""
        if (connection := self._socket()) is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
        self.transport.abort()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _headers_are_late(self) -> None:
        self._timer = None
        seconds = f"{self._limits.header_seconds:g}"
        self._refuse(408, f"The headers did not arrive within {seconds} seconds (serve.header_seconds)")

    def _refuse(self, status: int, text: str, headers: bytes = b"") -> None:
        """Responds instead of the application and closes; only closes if a response has started.

        Complete requests before the refused one get their responses; the connection then closes without a
        response to it, which would be taken for one to them.
        """
        if self.transport.is_closing():
            return
        self._stop_timer()
        cycle = self.cycle
        if cycle is not None and not (cycle.response_complete or cycle.more_body):
            cycle.keep_alive = False
            self._refused = True
            self.flow.pause_reading()
            return
        if cycle is None or cycle.response_complete or not (cycle.response_started or self.pipeline):
            body = orjson.dumps({"error": text})
            self.transport.write(
                b"".join(
                    (
                        STATUS_LINE[status],
                        b"content-type: application/json\r\n",
                        headers,
                        b"content-length: %d\r\nconnection: close\r\n\r\n" % len(body),
                        body,
                    )
                )
            )
        self.transport.close()


def connection_class(limits: ServeSettings) -> Callable[..., Connection]:
    """The factory of connections for `uvicorn.Config(http=...)`."""

    most, _ = descriptors.shares(limits)
    return functools.partial(Connection, limits=limits, most=most, ceiling=descriptors.ceiling())
