"""A client that offers another protocol, as Java's HttpClient does, is answered over HTTP/1.1."""

import contextlib
import json
import socket
import time

import pytest

HTTP2 = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAA\r\n"
WEBSOCKET = b"Connection: keep-alive, Upgrade\r\nupgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
BODY = b'{"instances": ["good"]}'
WITH_LENGTH = b"Content-Length: %d\r\n\r\n%s" % (len(BODY), BODY)
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY)


def question(offer: bytes, rest: bytes) -> bytes:
    return b"POST /v1/models/imdb_sentiment:predict HTTP/1.1\r\nHost: x\r\n" + offer + rest


def answers(server, parts, count: int) -> list[tuple[bytes, dict]]:
    """The status lines and contents of `count` answers on one connection, to what is sent in `parts`."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        for part in parts:
            connection.sendall(part)
            time.sleep(0.002 if len(parts) > 1 else 0)
        connection.shutdown(socket.SHUT_WR)
        content = b""
        with contextlib.suppress(ConnectionResetError):
            while part := connection.recv(65536):
                content += part
    found = []
    for answer in content.split(b"HTTP/1.1 ")[1:]:
        head, _, body = answer.partition(b"\r\n\r\n")
        found.append((head.split(b"\r\n")[0], json.loads(body)))
    assert len(found) == count, content
    return found


def check(found) -> None:
    for status, content in found:
        assert (status, [row["label"] for row in content["predictions"]]) == (b"200 OK", ["positive"])


@pytest.mark.parametrize("offer", [HTTP2, WEBSOCKET])
@pytest.mark.parametrize("rest", [WITH_LENGTH, CHUNKED])
def test_the_offer_is_passed_over_and_the_body_read(served, offer, rest):
    check(answers(served, [question(offer, rest)], 1))


def test_requests_behind_it_are_answered_too(served):
    some = question(HTTP2, WITH_LENGTH) + question(b"", WITH_LENGTH) + question(WEBSOCKET, CHUNKED)
    check(answers(served, [some], 3))


def test_it_may_come_in_pieces(served):
    whole = question(HTTP2, CHUNKED)
    check(answers(served, [whole[start : start + 7] for start in range(0, len(whole), 7)], 1))


def test_the_limits_hold_for_it(served):
    large = question(HTTP2 + b"X-Large: " + b"x" * 70_000 + b"\r\n", WITH_LENGTH)
    assert answers(served, [large], 1) == [
        (b"431 Request Header Fields Too Large", {"error": "The headers are larger than 65536 bytes"})
    ]


def test_a_proxy_is_not_what_this_is(served):
    found = answers(served, [b"CONNECT x:443 HTTP/1.1\r\nHost: x\r\n\r\n"], 1)
    assert found == [(b"400 Bad Request", {"error": "Invalid HTTP request received."})]
