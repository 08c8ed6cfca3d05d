"""Log lines and request ids: one line of JSON a request, and never what a client says."""

import asyncio
import errno
import io
import json
import logging
import os
import threading

import pytest
from waiting import until

from serving.endpoint.access_log import AccessLog, EventHandler, LineSink, route_of
from serving.endpoint.auth import ApiKeys
from serving.model.metrics import Metrics
from serving.rest.app import Rest
from serving.settings import ServeSettings


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


class Service:
    """What the application finds behind it; no request here reaches its model."""

    model_name = "m"
    settings = ServeSettings()

    def ready(self):
        return True


def ask(access, *, path="/v1/models/other:predict", headers=(), gone=False):
    """What the application sends to a POST of a text for a model that is not there."""
    sent = []

    async def receive():
        if gone:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": b'{"instances": ["my secret"]}', "more_body": False}

    async def send(message):
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": path,
        "raw_path": path.encode(),
        "headers": list(headers),
        "client": ("1.2.3.4", 5),
    }
    app = Rest(Service(), metrics=Metrics("m"), access=access, keys=ApiKeys([]), pages={})
    asyncio.run(app(scope, receive, send))
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
        "status": 404,
        "client": "1.2.3.4",
    }


def test_the_clients_request_id_goes_in_and_out(lines):
    start, _ = ask(AccessLog(Metrics("m"), lines.sink), headers=[(b"x-request-id", b"my-id.7")])
    assert dict(start["headers"])[b"x-request-id"] == b"my-id.7"
    assert lines()[0]["request_id"] == "my-id.7"


@pytest.mark.parametrize("given", [b"", b"a b", b"x\r\ny", b"x" * 129, "ü".encode()])
def test_an_id_that_cannot_be_repeated_is_replaced(lines, given):
    start, _ = ask(AccessLog(Metrics("m"), lines.sink), headers=[(b"x-request-id", given)])
    own = dict(start["headers"])[b"x-request-id"]
    assert own != given
    assert lines()[0]["request_id"] == own.decode()


def test_new_ids_differ():
    access = AccessLog(Metrics("m"), None)
    assert len({access.request_id(None) for _ in range(100)}) == 100


def test_a_client_that_is_gone_is_logged_as_such(lines):
    assert ask(AccessLog(Metrics("m"), lines.sink), gone=True) == []
    assert lines()[0]["status"] == "gone"


def test_answers_are_counted_even_where_they_are_not_logged():
    metrics = Metrics("m")
    ask(AccessLog(metrics, None))
    labels = {"route": "/v1/models:predict", "method": "POST", "status": "404"}
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


class Held(io.BytesIO):
    """Takes nothing until it is let go."""

    def __init__(self):
        super().__init__()
        self.tried, self.go_on = threading.Event(), threading.Event()

    def write(self, data):
        self.tried.set()
        self.go_on.wait(60)
        return super().write(data)


def test_lines_beyond_the_queue_are_counted(monkeypatch):
    monkeypatch.setattr("serving.endpoint.access_log._LONGEST_QUEUE", 2)
    stream = Held()
    sink = LineSink(stream)
    sink.write({"number": 0})
    assert stream.tried.wait(60)
    for number in range(1, 6):
        sink.write({"number": number})
    stream.go_on.set()
    sink.close()
    assert [json.loads(line) for line in stream.getvalue().splitlines()] == [
        {"number": 0},
        {"number": 1},
        {"number": 2},
        {"event": "log lines dropped", "lines": 3},
    ]


class Failing(io.BytesIO):
    """Takes `room` bytes, then fails with `error` until there is more room."""

    def __init__(self, error, room=0):
        super().__init__()
        self.error, self.room, self.tried = error, room, threading.Event()

    def write(self, data):
        self.tried.set()
        taken = bytes(data)[: self.room]
        self.room -= len(taken)
        if not taken and self.error is not None:
            raise self.error
        return super().write(taken)


@pytest.fixture
def no_gathering(monkeypatch):
    monkeypatch.setattr("serving.endpoint.access_log._GATHER_SECONDS", 0)


ENDS = [BrokenPipeError(), OSError(errno.ENOSPC, "full"), ValueError("I/O operation on closed file"), None]


@pytest.mark.parametrize("end", ENDS, ids=str)
def test_a_stream_that_fails_costs_lines_which_are_counted_and_not_the_thread(end, no_gathering):
    stream = Failing(end)
    sink = LineSink(stream)
    sink.write({"lost": 1})
    stream.tried.wait(20)
    until(lambda: sink.dropped, seconds=20)
    stream.room = 10_000
    sink.write({"kept": 2})
    sink.close()
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert lines == [{"kept": 2}, {"event": "log lines dropped", "lines": 1}]
    assert sink.dropped == 0


def test_lines_that_were_written_before_a_disk_was_full_are_not_counted_as_dropped(monkeypatch):
    monkeypatch.setattr("serving.endpoint.access_log._GATHER_SECONDS", 0.05)
    line = b'{"number":0}\n'
    stream = Failing(OSError(errno.ENOSPC, "full"), room=2 * len(line) + 3)
    sink = LineSink(stream)
    for _ in range(5):
        sink.write({"number": 0})
    sink.close()
    assert stream.getvalue() == 2 * line + line[:3]
    assert sink.dropped == 3


def test_a_line_of_which_a_part_was_written_does_not_spoil_the_next(no_gathering):
    stream = Failing(OSError(errno.ENOSPC, "full"), room=3)
    sink = LineSink(stream)
    sink.write({"lost": 1})
    until(lambda: sink.dropped, seconds=20)
    stream.room = 10_000
    sink.write({"kept": 2})
    sink.close()
    assert stream.getvalue().splitlines() == [
        b'{"l',
        b'{"kept":2}',
        b'{"event":"log lines dropped","lines":1}',
    ]


def test_a_pipe_without_a_reader_is_counted_too(no_gathering):
    reader, writer = os.pipe()
    os.close(reader)
    with open(writer, "wb") as stream:
        sink = LineSink(stream)
        sink.write({"a": 1})
        sink.close()
    assert sink.dropped == 1
