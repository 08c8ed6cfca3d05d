import http.server
import json
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
from suite.threaded_server import running
from tensorflow_serving.apis import get_model_status_pb2

from serving.client import ClientError, connect
from serving.status import Code
from serving.transports.calls import retried


class Failing:
    """A call that fails with each of `errors` in turn, and then gives "done"."""

    def __init__(self, *errors: ClientError):
        self.errors = list(errors)

    def __call__(self) -> str:
        if self.errors:
            raise self.errors.pop(0)
        return "done"


def unavailable(retry_after: float | None = None) -> ClientError:
    return ClientError(Code.UNAVAILABLE, "busy", retry_after=retry_after)


def test_a_passing_failure_is_waited_out_ever_longer():
    pauses: list[float] = []
    call = Failing(unavailable(), unavailable(), unavailable())
    assert retried(call, retries=4, sleep=pauses.append) == "done"
    assert len(pauses) == 3
    assert 0.05 <= pauses[0] <= 0.1 <= pauses[1] <= 0.2 <= pauses[2] <= 0.4


def test_the_servers_advice_is_followed_within_bounds():
    pauses: list[float] = []
    full = ClientError(Code.RESOURCE_EXHAUSTED, "full", retry_after=2.0)
    assert retried(Failing(full, unavailable(3600.0)), retries=4, sleep=pauses.append) == "done"
    assert pauses == [2.0, 5.0]


def test_what_does_not_pass_is_not_repeated():
    pauses: list[float] = []
    with pytest.raises(ClientError, match="no"):
        retried(Failing(ClientError(Code.INVALID_ARGUMENT, "no")), retries=4, sleep=pauses.append)
    with pytest.raises(ClientError, match="too large"):
        retried(Failing(ClientError(Code.RESOURCE_EXHAUSTED, "too large")), retries=4, sleep=pauses.append)
    assert pauses == []


def test_after_the_last_try_the_error_stands():
    with pytest.raises(ClientError, match="busy"):
        retried(Failing(*[unavailable()] * 3), retries=2, sleep=lambda seconds: None)


@pytest.mark.parametrize("code", [grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED])
def test_a_call_that_a_stopping_server_does_not_take_is_repeated(code):
    """gRPC cancels the calls that wait when a server stops."""
    calls = []

    def status(request, context):
        calls.append(request)
        if len(calls) < 3:
            context.abort(code, "stopping")
        return get_model_status_pb2.GetModelStatusResponse()

    method = grpc.unary_unary_rpc_method_handler(
        status, response_serializer=get_model_status_pb2.GetModelStatusResponse.SerializeToString
    )
    handlers = {"GetModelStatus": method}
    with ThreadPoolExecutor(1) as pool:
        server = grpc.server(pool)
        server.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler("tensorflow.serving.ModelService", handlers),)
        )
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        try:
            with connect(f"grpc://127.0.0.1:{port}", retries=2) as client:
                assert client.status() == []
        finally:
            server.stop(None).wait()
    assert len(calls) == 3


@pytest.fixture
def scripted():
    """An HTTP server that gives the answers of a list, in turn: status, headers, body."""
    answers: list[tuple[int, dict[str, str], bytes]] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            status, headers, body = answers.pop(0)
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET

        def log_message(self, *_):
            pass

    with running(http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as server:
        yield f"http://127.0.0.1:{server.server_address[1]}", answers


def status(*versions: tuple[int, str]) -> tuple[int, dict[str, str], bytes]:
    told = [
        {"version": str(number), "state": state, "status": {"error_code": "OK", "error_message": ""}}
        for number, state in versions
    ]
    return 200, {}, json.dumps({"model_version_status": told}).encode()


GOOD = (200, {}, b'{"predictions": [{"label": "positive", "probability": 0.9}]}')
BUSY = (503, {"Retry-After": "0"}, b'{"error": "The queue is full"}')
GONE = (404, {}, b'{"error": "Servable not found for request: Specific(imdb_sentiment, 3)"}')


def test_over_http_a_busy_server_is_asked_again(scripted):
    url, answers = scripted
    answers += [status((3, "AVAILABLE")), BUSY, BUSY, GOOD]
    with connect(url) as client:
        assert client.predict(["x"])[0].version == 3
    assert answers == []


def test_a_version_that_went_between_two_calls_is_left_for_the_newest(scripted):
    url, answers = scripted
    answers += [status((3, "AVAILABLE")), GONE, status((4, "AVAILABLE"), (3, "END")), GOOD]
    with connect(url) as client:
        assert client.predict(["x"])[0].version == 4


def test_a_server_without_a_version_yet_is_said_to_have_none(scripted):
    url, answers = scripted
    answers += [status((1, "LOADING"))]
    with connect(url, retries=0) as client, pytest.raises(ClientError) as caught:
        client.predict(["x"])
    assert caught.value.message == f"{url} does not serve a version yet (version 1: LOADING)"


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        ((200, {}, b"<html>"), "does not answer like a model server (HTTP 200)"),
        ((200, {}, b"[]"), "does not answer like a model server (HTTP 200)"),
        ((500, {}, b"oops"), "does not answer like a model server (HTTP 500)"),
        ((200, {}, b"{}"), "does not answer like a model server (its JSON has another form)"),
    ],
)
def test_what_is_no_model_server_is_said_to_be_none(scripted, answer, text):
    url, answers = scripted
    answers.append(answer)
    with connect(url, retries=0) as client, pytest.raises(ClientError) as caught:
        client.predict(["x"])
    assert caught.value.message == f"{url} {text}"


@pytest.mark.parametrize(
    "body", [b'{"predictions": []}', b'{"predictions": [0.5]}', b'{"predictions": [{"label": 1}]}']
)
def test_a_model_with_other_outputs_is_said_to_be_the_wrong_one(scripted, body):
    url, answers = scripted
    answers += [status((1, "AVAILABLE")), (200, {}, body)]
    with connect(url) as client, pytest.raises(ClientError, match="is this the right model"):
        client.predict(["x"])
