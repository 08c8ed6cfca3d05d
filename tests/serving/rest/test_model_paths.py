"""The paths below /v1/, their methods, status and metadata: TensorFlow Serving's contract, over a socket."""

import json
import socket

import pytest

AVAILABLE = {
    "model_version_status": [
        {"version": "1", "state": "AVAILABLE", "status": {"error_code": "OK", "error_message": ""}}
    ]
}
HERE = "/v1/models/imdb_sentiment"
BODY = b'{"instances": ["good"]}'


def error_of(response) -> tuple[int, str]:
    assert response.headers["content-type"] == "application/json"
    assert list(response.json()) == ["error"]
    return response.status_code, response.json()["error"]


@pytest.mark.parametrize("path", [HERE, f"{HERE}/versions/1", f"{HERE}/labels/stable"])
def test_the_status_of_a_model(client, path):
    response = client.get(path)
    assert (response.status_code, response.json()) == (200, AVAILABLE)
    assert response.headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    ("path", "code", "text"),
    [
        ("/v1/models/other", 404, "Could not find any versions of model other"),
        ("/v1/models/other/versions/3", 404, "Could not find version 3 of model other"),
        (f"{HERE}/versions/99", 404, "Could not find version 99 of model imdb_sentiment"),
        (f"{HERE}/labels/best", 400, "Unrecognized servable version label: best"),
        ("/v1/models", 400, "Missing model name in request."),
        ("/v1/models/versions/1", 400, "Missing model name in request."),
        (f"{HERE}/metadata/more", 400, f"Malformed request: GET {HERE}/metadata/more"),
        ("/v1/models/other/metadata", 404, "Servable not found for request: Latest(other)"),
        ("/v1/models/other/versions/3/metadata", 404, "Servable not found for request: Specific(other, 3)"),
        (f"{HERE}/versions/99/metadata", 404, "Servable not found for request: Specific(imdb_sentiment, 99)"),
        (f"{HERE}/labels/best/metadata", 400, "Unrecognized servable version label: best"),
    ],
)
def test_what_is_not_there_to_be_looked_at(client, path, code, text):
    assert error_of(client.get(path)) == (code, text)


@pytest.mark.parametrize("method", ["predict", "classify", "regress"])
@pytest.mark.parametrize(
    ("target", "code", "text"),
    [
        ("other", 404, "Servable not found for request: Latest(other)"),
        ("other/versions/3", 404, "Servable not found for request: Specific(other, 3)"),
        ("other/labels/stable", 400, "Unrecognized servable version label: stable"),
        ("imdb_sentiment/versions/99", 404, "Servable not found for request: Specific(imdb_sentiment, 99)"),
        ("imdb_sentiment/labels/best", 400, "Unrecognized servable version label: best"),
        (
            "imdb_sentiment/versions/99999999999999999999",
            400,
            "Failed to convert version: 99999999999999999999 to numeric.",
        ),
    ],
)
def test_what_is_not_there_to_be_called(client, method, target, code, text):
    body = {"instances": ["good"], "examples": [{"text": "good"}]}
    assert error_of(client.post(f"/v1/models/{target}:{method}", json=body)) == (code, text)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/foo"),
        ("POST", "/v1/foo"),
        ("GET", "/v1/"),
        ("POST", "/v1/models"),
        ("GET", "/v1/models/"),
        ("GET", "/v1/models/debug/model_name"),
        ("GET", "/v1/models/foo:predict"),
        ("GET", "/v1/models/foo/version/50:predict"),
        ("POST", "/v1/models/foo/version/50:regress"),
        ("POST", "/v1/models/foo/versions/HELLO:regress"),
        ("POST", "/v1/models/foo/versions/-1:predict"),
        ("POST", "/v1/models/foo/metadata"),
        ("POST", "/v1/models/foo/label/some_label:regress"),
        ("POST", "/v1/models/foo/versions/50/labels/some_label:regress"),
        ("POST", "/v1/models/foo:explain"),
        ("POST", "/v1/models/foo:predict:predict"),
        ("PUT", f"{HERE}:predict"),
        ("DELETE", HERE),
        ("PATCH", HERE),
    ],
)
def test_other_paths_and_methods_are_malformed(client, method, path):
    assert error_of(client.request(method, path)) == (400, f"Malformed request: {method} {path}")


def test_the_query_is_no_part_of_the_path(client):
    assert client.get(f"{HERE}?verbose=1").json() == AVAILABLE
    assert client.post(f"{HERE}:predict?x=:classify", content=BODY).status_code == 200
    assert error_of(client.get("/v1/foo?bar")) == (400, "Malformed request: GET /v1/foo")


@pytest.mark.parametrize("path", ["/V1/MODELS/imdb_sentiment", "/v1/Models/imdb_sentiment/VERSIONS/1"])
def test_paths_match_without_regard_to_case(client, path):
    assert client.get(path).json() == AVAILABLE
    assert client.post(f"{path}:Predict", content=BODY).status_code == 200
    assert "metadata" in client.get(f"{path}/MetaData").json()


def test_a_models_name_is_looked_at_with_its_case(client):
    assert client.get("/v1/models/IMDB_SENTIMENT").status_code == 404


def test_names_are_url_decoded(client):
    assert client.get("/v1/models/imdb%5Fsentiment/labels/st%61ble").json() == AVAILABLE
    assert client.post("/v1/models/%69mdb_sentiment:predict", content=BODY).status_code == 200
    text = "Could not find any versions of model a b/c:d"
    assert error_of(client.get("/v1/models/a%20b%2Fc%3Ad")) == (404, text)
    assert client.get("/v1/models/%ff%fe").status_code == 404


def test_metadata_has_every_signature_in_snake_case_with_defaults(client):
    answer = client.get(f"{HERE}/metadata").json()
    assert answer["model_spec"] == {"name": "imdb_sentiment", "signature_name": "", "version": "1"}
    signatures = answer["metadata"]["signature_def"]["signature_def"]
    assert {"serving_default", "tf_example", "classify", "regress"} <= signatures.keys()
    served = signatures["serving_default"]
    shape = {"dim": [{"size": "-1", "name": ""}], "unknown_rank": False}
    text = served["inputs"]["text"]
    assert (text["dtype"], text["tensor_shape"]) == ("DT_STRING", shape)
    assert text["name"].endswith(":0")
    assert {name: output["dtype"] for name, output in served["outputs"].items()} == {
        "probability": "DT_FLOAT",
        "label": "DT_STRING",
    }
    assert served["method_name"] == "tensorflow/serving/predict"
    assert served["defaults"] == {}


@pytest.mark.parametrize("target", ["versions/1", "labels/stable"])
def test_metadata_of_a_version_is_that_of_the_model(client, target):
    assert client.get(f"{HERE}/{target}/metadata").json() == client.get(f"{HERE}/metadata").json()


def test_a_preflight_needs_an_origin_and_gets_nothing_that_lets_a_page_read(client):
    text = "Origin header is missing in CORS preflight"
    assert error_of(client.options(f"{HERE}:predict")) == (400, text)
    response = client.options(f"{HERE}:predict", headers={"Origin": "http://page.example"})
    assert (response.status_code, response.content) == (200, b"")
    assert not [name for name in response.headers if name.startswith("access-control")]


@pytest.mark.parametrize("path", ["/nothing", "/v1", "/v3/models", "/v1models", "//v1/models/x", "/V2"])
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "OPTIONS"])
def test_outside_of_the_apis_there_is_nothing(client, method, path):
    assert client.request(method, path).status_code == 404


@pytest.mark.parametrize(
    "path", ["/healthz", "/readyz", "/openapi.json", "/monitoring/prometheus/metrics", "/v2"]
)
def test_what_can_only_be_read_says_so(client, path):
    response = client.post(path)
    assert response.status_code == 405
    assert response.headers["allow"] == "GET, HEAD"
    head = client.head(path)
    assert (head.status_code, head.content) == (200, b"")


def test_health_and_metrics(client):
    assert client.get("/healthz").json() == {"live": True}
    assert client.get("/readyz").json() == {"ready": True}
    metrics = client.get("/monitoring/prometheus/metrics")
    assert metrics.headers["content-type"].startswith("text/plain")
    assert ":tensorflow:serving:request_latency_bucket{" in metrics.text


def test_an_id_is_given_back_and_an_odd_one_replaced(client):
    assert client.get(HERE, headers={"X-Request-Id": "abc-1"}).headers["x-request-id"] == "abc-1"
    odd = client.get(HERE, headers={"X-Request-Id": "a b<c>"}).headers["x-request-id"]
    assert odd and odd != "a b<c>"


def exchange(port: int, request: bytes) -> bytes:
    """What the server says to `request` until it closes."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(request)
        parts = []
        while part := connection.recv(65536):
            parts.append(part)
    return b"".join(parts)


@pytest.mark.parametrize(
    "request_line",
    [
        b"nonsense",
        b"GET / HTTP/9.9",
        b"GET /\xff\xfe HTTP/1.1",
        b"\x16\x03\x01\x02\x00",
    ],
)
def test_what_is_no_http_is_answered_400_and_closed(served, request_line):
    answer = exchange(served.port, request_line + b"\r\nHost: x\r\n\r\n")
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ") and b"connection: close" in head
    assert json.loads(body) == {"error": "Invalid HTTP request received."}


def test_pipelined_requests_are_answered_in_order(served):
    post = b"POST /v1/models/imdb_sentiment:predict HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s"
    bodies = [b'{"inputs": ["%s"]}' % (b"good " * count) for count in (0, 1, 2)]
    last = b"GET /v1/foo HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    answer = exchange(served.port, b"".join(post % (len(body), body) for body in bodies) + last)
    assert answer.count(b"HTTP/1.1 200 OK") == 3
    places = [answer.index(text) for text in (b"0.2689", b"0.7310", b"0.9525", b"Malformed request")]
    assert places == sorted(places)


def test_a_chunked_body_is_read(served):
    head = b"POST /v1/models/imdb_sentiment:predict HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (BODY[:5], BODY[5:6], BODY[6:]))
    answer = exchange(served.port, head + b"Transfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n")
    assert b'"label":"positive"' in answer
