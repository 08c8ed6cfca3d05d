"""What a client may ask of the HTTP port, and for how long: beyond it there is an answer, never a crash."""

import contextlib
import gzip
import json
import select
import socket

import pytest

PREDICT = "/v1/models/imdb_sentiment:predict"
HEAD = b"POST /v1/models/imdb_sentiment:predict HTTP/1.1\r\nHost: x\r\n"


@pytest.fixture(scope="module")
def strict(serving_small):
    """A server with small limits."""
    limits = {
        "max_body_bytes": 4096,
        "max_rows": 8,
        "max_text_bytes": 256,
        "max_connections": 4,
        "header_seconds": 0.5,
        "body_seconds": 0.5,
        "idle_seconds": 0.5,
    }
    with serving_small(**limits) as running:
        yield running


def still_answers(server) -> bool:
    response = server.client.post(PREDICT, json={"instances": ["good"]})
    server.client.get("/healthz", headers={"Connection": "close"})
    return response.status_code == 200


def connect(server) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.port), timeout=10)


def is_live(connection: socket.socket) -> bool:
    connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
    content = b""
    while not content.endswith(b"}"):
        part = connection.recv(65536)
        assert part, content
        content += part
    return content.startswith(b"HTTP/1.1 200 OK")


def read_to_the_end(connection: socket.socket) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of the one answer before the server closes; (0, {}, b"") if it just closes."""
    content = b""
    with contextlib.suppress(ConnectionResetError):
        while part := connection.recv(65536):
            content += part
    if not content:
        return 0, {}, b""
    head, _, body = content.partition(b"\r\n\r\n")
    status, *lines = head.decode().split("\r\n")
    return int(status.split()[1]), dict(line.lower().split(": ", 1) for line in lines), body


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"instances": ["a"] * 9}, "The request has 9 rows; the most is 8 (serve.max_rows)"),
        (
            {"instances": ["a" * 257]},
            "Input text holds a text of 257 bytes; the most is 256 (serve.max_text_bytes)",
        ),
    ],
)
def test_rows_and_texts_beyond_their_limits_are_refused(strict, body, text):
    response = strict.client.post(PREDICT, json=body)
    assert (response.status_code, response.json()) == (400, {"error": text})
    columns = strict.client.post(PREDICT, json={"inputs": body["instances"]})
    assert columns.json() == {"error": text}
    tensor = {
        "name": "text",
        "shape": [len(body["instances"])],
        "datatype": "BYTES",
        "data": body["instances"],
    }
    v2 = strict.client.post("/v2/models/imdb_sentiment/infer", json={"inputs": [tensor]})
    assert (v2.status_code, v2.json()) == (400, {"error": text})


@pytest.mark.parametrize(
    ("examples", "context", "text"),
    [
        ([{}] * 9, {"text": "a"}, "The request has 9 rows; the most is 8 (serve.max_rows)"),
        (
            [{}] * 8,
            {"text": "a" * 1000},
            "The context, in each of 8 examples, has 8168 bytes; the most is 4096 (serve.max_body_bytes)",
        ),
    ],
)
@pytest.mark.parametrize("method", ["classify", "regress"])
def test_examples_that_a_context_makes_large_are_refused(strict, method, examples, context, text):
    body = {"signature_name": method, "context": context, "examples": examples}
    response = strict.client.post(f"/v1/models/imdb_sentiment:{method}", json=body)
    assert (response.status_code, response.json()) == (400, {"error": text})


def test_rows_and_texts_at_their_limits_are_answered(strict):
    assert strict.client.post(PREDICT, json={"instances": ["a" * 256] * 8}).status_code == 200


TOO_LARGE = {"error": "The body is larger than 4096 bytes (serve.max_body_bytes)"}


@pytest.mark.parametrize("size", [4097, 4096 * 3, 4096 * 1000])
def test_a_body_beyond_its_limit_is_answered_413(strict, size):
    with connect(strict) as connection:
        connection.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % size + b"x" * min(size, 4096 * 4))
        status, headers, body = read_to_the_end(connection)
    assert (status, headers["connection"], json.loads(body)) == (413, "close", TOO_LARGE)
    assert still_answers(strict)


def test_a_chunked_body_beyond_its_limit_is_answered_413(strict):
    with connect(strict) as connection:
        chunks = (b"1000\r\n" + b"x" * 4096 + b"\r\n") * 3
        connection.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n")
        status, _, body = read_to_the_end(connection)
    assert (status, json.loads(body)) == (413, TOO_LARGE)


@pytest.mark.parametrize("chunk", [b"zz\r\nbody\r\n", b"4\r\nbody and more"])
def test_a_broken_chunk_is_answered_400(strict, chunk):
    with connect(strict) as connection:
        connection.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + chunk)
        status, headers, body = read_to_the_end(connection)
    assert (status, headers["connection"]) == (400, "close")
    assert list(json.loads(body)) == ["error"]
    assert still_answers(strict)


@pytest.mark.parametrize("packing", ["gzip", "deflate", "x-gzip"])
def test_a_small_body_that_unpacks_to_a_large_one_is_answered_413(strict, packing):
    bomb = gzip.compress(b" " * 2_000_000)
    response = strict.client.post(PREDICT, content=bomb, headers={"Content-Encoding": packing})
    assert (response.status_code, response.json()) == (413, TOO_LARGE)


EMPTY_OBJECT = gzip.compress(b"{}", mtime=0)  # without the time, which the tests' names would hold


@pytest.mark.parametrize("content", [b"no gzip", EMPTY_OBJECT[:-4], EMPTY_OBJECT + b"more"])
def test_a_body_that_cannot_be_unpacked_is_refused(strict, content):
    response = strict.client.post(PREDICT, content=content, headers={"Content-Encoding": "gzip"})
    assert (response.status_code, response.json()) == (
        400,
        {"error": "The body is not what its Content-Encoding says"},
    )


def test_another_packing_is_refused(strict):
    response = strict.client.post(PREDICT, content=b"{}", headers={"Content-Encoding": "br"})
    assert response.status_code == 415
    assert response.json() == {"error": "Content-Encoding must be gzip, deflate or identity"}


def test_a_body_that_does_not_come_is_answered_408(strict):
    with connect(strict) as connection:
        connection.sendall(HEAD + b"Content-Length: 100\r\n\r\n{")
        status, _, body = read_to_the_end(connection)
    text = "The body did not arrive within 0.5 seconds (serve.body_seconds)"
    assert (status, json.loads(body)) == (408, {"error": text})
    assert still_answers(strict)


@pytest.mark.parametrize("begin", [b"", b"\r\n\r\n", b"POST /v1/models/imdb", HEAD])
def test_headers_that_do_not_end_are_answered_408(strict, begin):
    with connect(strict) as connection:
        connection.sendall(begin)
        status, _, body = read_to_the_end(connection)
    text = "The headers did not arrive within 0.5 seconds (serve.header_seconds)"
    assert (status, json.loads(body)) == (408, {"error": text})


def test_headers_that_drip_get_no_more_time(strict):
    with connect(strict) as connection:
        connection.sendall(HEAD)
        with pytest.raises((BrokenPipeError, ConnectionResetError)):
            while True:
                connection.sendall(b"X-More: 1\r\n")
                connection.settimeout(0.02)
                with contextlib.suppress(TimeoutError):
                    connection.recv(65536)
                connection.settimeout(10)


@pytest.mark.parametrize(
    "flood", [b"X-Header: " + b"x" * 100_000, b"X: y\r\n" * 30_000, b"GET /" + b"x" * 100_000]
)
def test_headers_without_end_are_answered_431(strict, flood):
    with connect(strict) as connection:
        with contextlib.suppress(ConnectionError):
            connection.sendall((b"" if flood.startswith(b"GET") else HEAD) + flood)
        status, _, body = read_to_the_end(connection)
    assert (status, body) in [(431, b'{"error":"The headers are larger than 65536 bytes"}'), (0, b"")]
    assert still_answers(strict)


def test_headers_that_end_beyond_the_limit_are_answered_431(strict):
    with connect(strict) as connection:
        connection.sendall(HEAD + b"X-Header: " + b"x" * 65_536 + b"\r\nContent-Length: 2\r\n\r\n{}")
        status, _, body = read_to_the_end(connection)
    assert (status, body) == (431, b'{"error":"The headers are larger than 65536 bytes"}')
    assert still_answers(strict)


QUESTION = b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n"


def test_a_client_that_only_ever_asks_is_cut_off(strict):
    with connect(strict) as connection, pytest.raises((BrokenPipeError, ConnectionResetError)):
        while True:
            connection.sendall(QUESTION * 1000)
    assert still_answers(strict)


def test_a_client_that_does_not_read_its_answers_is_cut_off(strict):
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect(("127.0.0.1", strict.port))
        connection.sendall(QUESTION * 250)  # more in answers than the kernel takes
        waiting = select.poll()
        waiting.register(connection, select.POLLHUP)
        assert waiting.poll(20_000), "the server still waits"
    assert still_answers(strict)


def test_many_pipelined_requests_are_answered_as_they_are_read(strict):
    with connect(strict) as connection:
        for _ in range(5):
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n" * 50)
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        content = b""
        while part := connection.recv(65536):
            content += part
    assert content.count(b"HTTP/1.1 200 OK") == 251


def test_an_idle_connection_is_closed(strict):
    with connect(strict) as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        status, headers, body = read_to_the_end(connection)
    assert (status, body) == (200, b'{"live":true}')
    assert "connection" not in headers


def test_a_connection_whose_body_comes_after_the_answer_is_closed_as_well(strict):
    with connect(strict) as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n")
        answer = b""
        while not answer.endswith(b"}"):
            answer += connection.recv(65536)
        connection.sendall(b"x")
        assert connection.recv(65536) == b""


def test_a_client_that_breaks_off_is_forgotten(strict):
    for content in (b"", b"POST /v1", HEAD + b"Content-Length: 50\r\n\r\n{"):
        with connect(strict) as connection:
            connection.sendall(content)
    assert still_answers(strict)


def test_a_client_that_closes_its_half_gets_its_answer(strict):
    body = b'{"instances": ["good"]}'
    with connect(strict) as connection:
        connection.sendall(HEAD + b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        connection.shutdown(socket.SHUT_WR)
        status, _, answer = read_to_the_end(connection)
    assert status == 200 and b"positive" in answer


def test_a_client_that_closes_its_half_within_the_body_is_let_go(strict):
    with connect(strict) as connection:
        connection.sendall(HEAD + b"Content-Length: 50\r\n\r\n{")
        connection.shutdown(socket.SHUT_WR)
        assert read_to_the_end(connection) == (0, {}, b"")
    assert still_answers(strict)


def test_more_connections_than_allowed_are_answered_503(serving_small):
    with serving_small(max_connections=3) as server, contextlib.ExitStack() as stack:
        held = [stack.enter_context(connect(server)) for _ in range(3)]
        for connection in held:
            assert is_live(connection)
        one_more = stack.enter_context(connect(server))
        status, headers, body = read_to_the_end(one_more)
        text = "The server is at its limit of 3 connections; try again"
        assert (status, headers["retry-after"], json.loads(body)) == (503, "1", {"error": text})
        assert is_live(held[0])


def test_a_connection_for_which_there_is_hardly_a_file_descriptor_is_answered_503(serving_small, monkeypatch):
    with open("/dev/null") as lowest:
        ceiling = lowest.fileno() + 60  # clients and server share the descriptors of this process
    monkeypatch.setattr("serving.endpoint.descriptors.ceiling", lambda: ceiling)
    text = "The server has nearly as many open files as the system allows; try again"
    with serving_small() as server, contextlib.ExitStack() as stack:
        first = stack.enter_context(connect(server))
        assert is_live(first)
        for _ in range(60):
            last = stack.enter_context(connect(server))
        status, headers, body = read_to_the_end(last)
        assert (status, headers["retry-after"], json.loads(body)) == (503, "1", {"error": text})
        assert is_live(first)
        stack.pop_all().close()
        assert still_answers(server)
