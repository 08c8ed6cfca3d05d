"""A parser of HTTP that stays with HTTP/1.1, whatever other protocol a client offers to change to."""

from typing import Any

import httptools


class Http1Parser:
    """httptools' parser, as a connection of uvicorn's has it.

    httptools stops behind the headers of a request that offers another protocol, as Java's HttpClient and
    `curl --http2` do with HTTP/2, and never reads its body. An offer may be passed over (RFC 9110, 7.8), so
    such a request is read a second time, without it. `should_upgrade` is true during the first time.
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
        """Reads on; raises HttpParserError for what is no HTTP."""
        while True:
            try:
                return self._feed(data)
            except httptools.HttpParserUpgrade as stop:
                if self.get_method() == b"CONNECT":
                    raise httptools.HttpParserError("this is no proxy") from None
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
