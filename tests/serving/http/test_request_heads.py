"""The head of a request: one Host, a version that is spoken, or no answer but a refusal (RFC 9112)."""

import json
import socket

import pytest

NO_HOST = "An HTTP/1.1 request needs one Host header, with a host (RFC 9112, 3.2)"


def answer_to(server, head: str) -> tuple[int, dict]:
    """Status and body of the one answer before the server closes."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection:
        connection.sendall(head.encode() + b"\r\n\r\n")
        content = b""
        while part := connection.recv(65536):
            content += part
    status, _, rest = content.partition(b"\r\n")
    return int(status.split()[1]), json.loads(rest.partition(b"\r\n\r\n")[2])


@pytest.mark.parametrize(
    "hosts", [(), ("a", "a"), ("a", "b"), ("", "a"), ("a b",), ("a/b",), ("user@a",), ("a, b",), ("[::1",)]
)
def test_a_request_without_one_proper_host_is_refused(served, hosts):
    lines = ["GET /healthz HTTP/1.1", *(f"Host: {host}" for host in hosts)]
    assert answer_to(served, "\r\n".join(lines)) == (400, {"error": NO_HOST})


@pytest.mark.parametrize("offer", ["Connection: upgrade\r\nUpgrade: h2c", "Connection: close"])
def test_an_offer_of_another_protocol_does_not_spare_the_host(served, offer):
    assert answer_to(served, f"GET /healthz HTTP/1.1\r\n{offer}") == (400, {"error": NO_HOST})


def test_the_refused_request_is_the_last_of_its_connection(served):
    second = "GET /healthz HTTP/1.1\r\nHost: a"
    assert answer_to(served, f"GET /healthz HTTP/1.1\r\n\r\n{second}") == (400, {"error": NO_HOST})


@pytest.mark.parametrize(
    "bad",
    [b"GET /healthz HTTP/1.1\r\n\r\n", b"not HTTP\r\n\r\n", b"GET /healthz HTTP/3.0\r\nHost: a\r\n\r\n"],
)
def test_requests_before_the_refused_one_get_their_answers_and_it_gets_none(served, bad):
    """An answer to it would be taken for one to them."""
    body = b'{"instances": ["a film"]}'
    ask = b"POST /v1/models/imdb_sentiment:predict HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%s"
    with socket.create_connection(("127.0.0.1", served.port), timeout=20) as connection:
        connection.sendall(ask % (len(body), body) * 2 + bad + b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
        content = b""
        while part := connection.recv(65536):
            content += part
    assert content.count(b"HTTP/1.1 ") == content.count(b"HTTP/1.1 200 OK") == 2
    assert content.count(b'"predictions"') == 2


@pytest.mark.parametrize("host", ["", "a", "a.example:8501", "127.0.0.1:1", "[::1]:8501", "a_b", "a%20b"])
def test_any_proper_host_is_answered(served, host):
    head = f"GET /healthz HTTP/1.1\r\nHost: {host}\r\nConnection: close"
    assert answer_to(served, head) == (200, {"live": True})


def test_http_1_0_needs_no_host_but_may_not_have_two(served):
    assert answer_to(served, "GET /healthz HTTP/1.0") == (200, {"live": True})
    assert answer_to(served, "GET /healthz HTTP/1.0\r\nHost: a\r\nHost: a") == (400, {"error": NO_HOST})


@pytest.mark.parametrize("version", ["2.0", "0.9"])
def test_another_version_is_answered_505(served, version):
    text = "HTTP version not supported; use HTTP/1.1 or HTTP/1.0"
    assert answer_to(served, f"GET /healthz HTTP/{version}\r\nHost: a") == (505, {"error": text})
