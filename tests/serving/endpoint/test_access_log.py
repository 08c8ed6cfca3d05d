"""Log lines and request ids: one line of JSON a request, and never what a client says."""

import asyncio
import io
import json
import logging

import pytest

from serving.endpoint.access_log import AccessLog, EventHandler, LineSink, route_of
from serving.model.metrics import Metrics


@pytest.fixture
def stream():
    return io.BytesIO()


@pytest.fixture
def lines(stream):
    """Ends the sink, and gives what it wrote."""
    sink = LineSink(stream)

    def written():
        sink.close()
        return [json.loads(line) for line in stream.getvalue().splitlines()]

    written.sink = sink
    return written


def ask(access, *, path="/v1/models/imdb_sentiment:predict", headers=(), app=None):
    """The messages that a request through the log's ASGI layer sends."""
    sent = []

    async def answer(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": [(b"a", b"b")]})
        await send({"type": "http.response.body", "body": scope["state"]["request_id"].encode()})

    async def send(message):
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": path,
        "headers": list(headers),
        "client": ("1.2.3.4", 5),
    }
    asyncio.run(access.around(app or answer)(scope, None, send))
    return sent


def test_a_request_leaves_one_line_without_its_content(lines):
    ask(AccessLog(Metrics("m"), lines.sink), path="/v1/models/my-secret:predict")
    (line,) = lines()
    assert line.pop("time").endswith("Z")
    assert isinstance(line.pop("ms"), float)
    request_id = line.pop("request_id")
    assert request_id
    assert line == {
        "level": "info",
        "event": "request",
        "protocol": "http",
        "route": "POST /v1/models:predict",
        "status": 200,
        "client": "1.2.3.4",
    }


def test_the_clients_request_id_goes_in_and_out(lines):
    start, body = ask(AccessLog(Metrics("m"), lines.sink), headers=[(b"x-request-id", b"my-id.7")])
    assert start["headers"] == [(b"a", b"b"), (b"x-request-id", b"my-id.7")]
    assert body["body"] == b"my-id.7"
    assert lines()[0]["request_id"] == "my-id.7"


@pytest.mark.parametrize("given", [b"", b"a b", b"x\r\ny", b"x" * 129, "ü".encode()])
def test_an_id_that_cannot_be_repeated_is_replaced(lines, given):
    start, _ = ask(AccessLog(Metrics("m"), lines.sink), headers=[(b"x-request-id", given)])
    own = start["headers"][-1][1]
    assert own != given
    assert lines()[0]["request_id"] == own.decode()


def test_new_ids_differ():
    access = AccessLog(Metrics("m"), None)
    assert len({access.request_id(None) for _ in range(100)}) == 100


def test_a_client_that_is_gone_is_logged_as_such(lines):
    async def nothing(scope, receive, send):
        return

    ask(AccessLog(Metrics("m"), lines.sink), app=nothing)
    assert lines()[0]["status"] == "gone"


def test_answers_are_counted_even_where_they_are_not_logged():
    metrics = Metrics("m")
    ask(AccessLog(metrics, None))
    labels = {"route": "/v1/models:predict", "method": "POST", "status": "200"}
    assert metrics.registry.get_sample_value("greenlight_http_requests_total", labels) == 1


@pytest.mark.parametrize(
    ("path", "route"),
    [
        ("/v1/models/imdb", "/v1/models"),
        ("/v1/models/imdb/versions/3", "/v1/models"),
        ("/v1/models/imdb/versions/3/metadata", "/v1/models/metadata"),
        ("/V1/Models/imdb/labels/stable:PREDICT", "/v1/models:predict"),
        ("/v1/models/imdb:classify", "/v1/models:classify"),
        ("/v2/models/imdb/versions/3/infer", "/v2/models/infer"),
        ("/v2/health/ready", "/v2/health/ready"),
        ("/monitoring/prometheus/metrics", "/monitoring/prometheus/metrics"),
        ("/", "/"),
        ("/v1/models/imdb:steal", "other"),
        ("/my secret review", "other"),
    ],
)
def test_a_path_is_logged_as_one_of_a_few_routes(path, route):
    assert route_of(path) == route


def test_events_are_lines_too_with_their_fields(lines):
    logger = logging.getLogger("greenlight.test")
    handler = EventHandler(lines.sink)
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.info("version loaded", extra={"version": 3})
    logger.removeHandler(handler)
    (line,) = lines()
    del line["time"]
    assert line == {"level": "info", "event": "version loaded", "version": 3}


def test_of_an_exception_only_the_type_is_logged(lines):
    logger = logging.getLogger("greenlight.test")
    handler = EventHandler(lines.sink)
    logger.addHandler(handler)
    try:
        raise ValueError("a secret review")
    except ValueError:
        logger.exception("Exception in ASGI application")
    logger.removeHandler(handler)
    (line,) = lines()
    del line["time"]
    assert line == {"level": "error", "event": "Exception in ASGI application", "error": "ValueError"}


def test_lines_beyond_the_queue_are_counted(lines, monkeypatch):
    monkeypatch.setattr("serving.endpoint.access_log._LONGEST_QUEUE", 2)
    for number in range(5):
        lines.sink.write({"number": number})
    written = lines()
    assert written[:2] == [{"number": 0}, {"number": 1}]
    assert written[2] == {"event": "log lines dropped", "lines": 3}


def test_a_reader_that_went_away_is_no_error():
    class Closed(io.BytesIO):
        def write(self, data):
            raise BrokenPipeError

    sink = LineSink(Closed())
    sink.write({"a": 1})
    sink.close()
