"""How a request travels, as docs/request.md says: the modules are those that a real request runs through."""

import re
import socket
import sys
import threading
from pathlib import Path

import grpc
import pytest
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

ROOT = Path(__file__).parents[2]
SERVING = str(ROOT / "serving") + "/"
BODY = b'{"instances": ["good"]}'


def documented(heading: str) -> list[str]:
    """The modules in the table below a heading, in their order."""
    text = (ROOT / "docs" / "request.md").read_text(encoding="utf-8")
    section = text.partition(f"\n{heading}\n")[2].partition("\n#")[0]
    return re.findall(r"^\| `serving/([a-z_/]+\.py)` \|", section, re.MULTILINE)


@pytest.fixture(scope="module")
def served(serving_small):
    """A server that does nothing in its event loop but to answer."""
    with serving_small(grpc=True, poll_seconds=3600) as running:
        yield running


class Trace:
    """The modules of ours that the server's event loop enters, in the order of their first calls."""

    def __init__(self, running) -> None:
        self._loop = running._loop
        self.modules: list[str] = []

    def __enter__(self) -> "Trace":
        self._in_loop(self._note)
        return self

    def __exit__(self, *error: object) -> None:
        self._in_loop(None)

    def _in_loop(self, profile) -> None:
        done = threading.Event()
        self._loop.call_soon_threadsafe(lambda: (sys.setprofile(profile), done.set()))
        done.wait()

    def _note(self, frame, event: str, argument: object) -> None:
        file = frame.f_code.co_filename
        if (
            event == "call"
            and file.startswith(SERVING)
            and (module := file[len(SERVING) :]) not in self.modules
        ):
            self.modules.append(module)


def ask_over_http(running) -> bytes:
    with socket.create_connection(("127.0.0.1", running.port), timeout=60) as connection:
        connection.sendall(
            b"POST /v1/models/imdb_sentiment:predict HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
            b"Content-Length: %d\r\n\r\n%s" % (len(BODY), BODY)
        )
        content = b""
        while part := connection.recv(65536):
            content += part
    return content


def test_a_prediction_over_http_runs_through_the_modules_that_the_page_names(served):
    ask_over_http(served)
    with Trace(served) as trace:
        answer = ask_over_http(served)
    assert answer.endswith(b'{"predictions":[{"label":"positive","probability":0.7310586}]}')
    assert trace.modules == documented("## Over HTTP")
    assert len(set(trace.modules) - {"model/metrics.py"}) <= 12


def test_a_prediction_over_grpc_runs_through_the_modules_that_the_page_names(served):
    request = predict_pb2.PredictRequest(model_spec={"name": "imdb_sentiment"})
    request.inputs["text"].dtype = 7
    request.inputs["text"].tensor_shape.dim.add(size=1)
    request.inputs["text"].string_val.append(b"good")
    with grpc.insecure_channel(served.grpc) as channel:
        stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        stub.Predict(request, timeout=60)
        with Trace(served) as trace:
            response = stub.Predict(request, timeout=60)
    assert list(response.outputs["label"].string_val) == [b"positive"]
    assert trace.modules == documented("## Over gRPC")
    assert len(set(trace.modules) - {"model/metrics.py"}) <= 12


@pytest.mark.parametrize("heading", ["## Over HTTP", "## Over gRPC"])
def test_the_page_names_modules_that_are_there(heading):
    named = documented(heading)
    assert named
    assert all((ROOT / "serving" / name).is_file() for name in named)
