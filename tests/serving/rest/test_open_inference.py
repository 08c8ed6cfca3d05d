"""The Open Inference Protocol over a socket, in JSON and with binary tensors."""

import importlib.metadata
import json
import math
import struct
import tomllib
from pathlib import Path

import pytest

MODEL = "/v2/models/imdb_sentiment"
GOOD = pytest.approx(0.7310586)
BAD = pytest.approx(0.2689414)


def text_input(*texts: str, **more) -> dict:
    return {"name": "text", "shape": [len(texts)], "datatype": "BYTES", "data": list(texts)} | more


def infer(client, body, path: str = MODEL, **headers: str):
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return client.post(f"{path}/infer", content=content, headers=headers)


def error(client, body, **headers: str) -> str:
    response = infer(client, body, **headers)
    assert (response.status_code, list(response.json())) == (400, ["error"])
    return response.json()["error"]


def test_server_and_health(client):
    server = client.get("/v2").json()
    assert server.keys() == {"name", "version", "extensions"}
    assert server["extensions"] == ["binary_tensor_data"]
    project = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text())["project"]
    assert server["version"] == importlib.metadata.version(
        project["name"]
    )  # "unknown" only where not installed
    assert client.get("/v2/health/live").json() == {"live": True}
    assert client.get("/v2/health/ready").json() == {"ready": True}


@pytest.mark.parametrize(
    "path", [MODEL, f"{MODEL}/versions/1", f"{MODEL}/versions/0", "/v2/models/imdb%5Fsentiment"]
)
def test_metadata_and_readiness_of_the_model(client, path):
    assert client.get(path).json() == {
        "name": "imdb_sentiment",
        "versions": ["1"],
        "platform": "tensorflow_savedmodel",
        "inputs": [{"name": "text", "datatype": "BYTES", "shape": [-1]}],
        "outputs": [
            {"name": "label", "datatype": "BYTES", "shape": [-1]},
            {"name": "probability", "datatype": "FP32", "shape": [-1]},
        ],
    }
    assert client.get(f"{path}/ready").json() == {"name": "imdb_sentiment", "ready": True}


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("/v2/models/other", "Unknown model other"),
        (f"{MODEL}/versions/9", "Servable not found for request: Specific(imdb_sentiment, 9)"),
        (f"{MODEL}/versions/first", "The version must be a number, and not first"),
    ],
)
def test_what_is_not_there_is_answered_400(client, path, text):
    response = client.get(path)
    assert (response.status_code, response.json()) == (400, {"error": text})
    response = infer(client, {"inputs": [text_input("good")]}, path)
    assert (response.status_code, response.json()) == (400, {"error": text})
    ready = client.get(f"{path}/ready")
    assert (ready.status_code, ready.json()["ready"]) == (400, False)


@pytest.mark.parametrize("path", [MODEL, f"{MODEL}/versions/1", f"{MODEL}/versions/0"])
def test_inference_echoes_the_id(client, path):
    response = infer(client, {"id": "a-1", "inputs": [text_input("good", "bad")]}, path)
    assert response.headers["content-type"] == "application/json"
    assert response.json() == {
        "model_name": "imdb_sentiment",
        "model_version": "1",
        "id": "a-1",
        "outputs": [
            {"name": "label", "datatype": "BYTES", "shape": [2], "data": ["positive", "negative"]},
            {"name": "probability", "datatype": "FP32", "shape": [2], "data": [GOOD, BAD]},
        ],
    }


def test_without_an_id_none_is_answered_and_outputs_can_be_chosen(client):
    answer = infer(client, {"inputs": [text_input("good")], "outputs": [{"name": "probability"}]}).json()
    assert "id" not in answer
    assert [output["name"] for output in answer["outputs"]] == ["probability"]


def test_what_a_client_writes_out_as_null_is_left_open(client):
    tensor = text_input("good") | {"parameters": None}
    answer = infer(client, {"id": None, "parameters": None, "outputs": None, "inputs": [tensor]}).json()
    assert "id" not in answer
    assert [output["name"] for output in answer["outputs"]] == ["label", "probability"]


def kinds(**changes) -> dict:
    tensors = {
        "floats": {"datatype": "FP32", "shape": [2, 2], "data": [[1, 2.5], [math.inf, 4]]},
        "ints": {"datatype": "INT64", "shape": [2], "data": [-(2**63), 7]},
        "flags": {"datatype": "BOOL", "shape": [2], "data": [True, False]},
        "payload": {"datatype": "BYTES", "shape": [2], "data": ["a", "é"]},
    }
    inputs = [{"name": name} | tensor | changes.get(name, {}) for name, tensor in tensors.items()]
    return {"inputs": inputs, "parameters": {"signature_name": "kinds"}}


@pytest.mark.parametrize(
    "data", [[1, 2.5, math.inf, 4], [[1, 2.5], [math.inf, 4]], [[[1]], 2.5, [math.inf, [4]]]]
)
def test_another_signature_with_every_kind_of_tensor_flat_or_nested(client, data):
    response = infer(client, kinds(floats={"data": data}))
    outputs = {output["name"]: output for output in json.loads(response.content)["outputs"]}
    assert outputs["floats"]["data"] == [1, 2.5, math.inf, 4]
    assert (outputs["floats"]["shape"], outputs["floats"]["datatype"]) == ([2, 2], "FP32")
    assert (outputs["ints"]["data"], outputs["ints"]["datatype"]) == ([-(2**63), 7], "INT64")
    assert (outputs["flags"]["data"], outputs["flags"]["datatype"]) == ([True, False], "BOOL")
    assert outputs["payload_bytes"]["data"] == ["a", "é"]


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"floats": {"data": [1, 2, 3]}}, "Input floats has 3 elements, but its shape says 4"),
        ({"floats": {"data": [1, 2, 3, "4"]}}, 'Input floats holds "4", which is not of type FP32'),
        ({"floats": {"data": [1, 2, 3, None]}}, "Input floats holds null, which is not of type FP32"),
        ({"floats": {"data": "1234"}}, "Input floats needs 'data', a list"),
        ({"floats": {"shape": [4]}}, "Input floats has the shape [4], and not [-1, 2] as in the signature"),
        ({"floats": {"shape": [2, -2]}}, "Input floats needs a 'shape', a list of whole numbers"),
        ({"floats": {"shape": [10**12]}}, "Input floats has a 'shape' that is too large"),
        ({"floats": {"shape": "22"}}, "Input floats needs a 'shape', a list of whole numbers"),
        (
            {"floats": {"shape": [0] + [2**31 - 1] * 3, "data": []}},
            "Input floats has a 'shape' that is too large",
        ),
        ({"ints": {"data": [1.0, 2]}}, "Input ints holds 1.0, which is not of type INT64"),
        ({"ints": {"data": [2**63, 2]}}, "Input ints holds 9223372036854775808, which is not of type INT64"),
        ({"ints": {"datatype": "INT32"}}, 'Input ints must have the datatype INT64, and not "INT32"'),
        ({"flags": {"data": [1, 0]}}, "Input flags holds 1, which is not of type BOOL"),
        ({"payload": {"data": [1, "a"]}}, "Input payload holds 1, which is not of type BYTES"),
        (
            {"payload": {"name": "other"}},
            "Unexpected input other; the inputs are flags, floats, ints, payload",
        ),
        ({"payload": {"name": "ints", "datatype": "INT64", "data": [1, 2]}}, "Duplicate input ints"),
        ({"payload": {"parameters": {"binary_data_size": 3}}}, "Input payload has both"),
        ({"payload": {"parameters": [3]}}, "Input payload: 'parameters' must be an object"),
    ],
)
def test_a_wrong_tensor_is_refused(client, changes, text):
    assert error(client, kinds(**changes)).startswith(text)


def test_parameters_written_out_as_null_are_as_good_as_left_out(client):
    body = {
        "inputs": [text_input("a") | {"parameters": None}],
        "outputs": [{"name": "label", "parameters": {"binary_data": None}}],
        "parameters": {"signature_name": None, "binary_data_output": None},
    }
    answer = infer(client, body)
    assert answer.status_code == 200
    assert [output["name"] for output in answer.json()["outputs"]] == ["label"]


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"", "JSON Parse error: The document is empty"),
        ({}, "The request needs 'inputs', a list of tensors"),
        ({"inputs": [1]}, "Each of 'inputs' must be an object with a 'name'"),
        ({"inputs": [text_input("a")], "id": 1}, "'id' and the parameter 'signature_name' must be strings"),
        (
            {"inputs": [text_input("a")], "outputs": [{"name": "x"}]},
            "Each of 'outputs' must name one of label, probability",
        ),
        ({"inputs": [text_input("a")], "outputs": {}}, "'outputs' must be a list"),
        ({"inputs": [text_input("a")], "parameters": 1}, "'parameters' must be an object"),
        (
            {"inputs": [text_input("a")], "outputs": [{"name": "label", "parameters": {"binary_data": 1}}]},
            "The parameter 'binary_data' must be true or false",
        ),
        (
            {
                "inputs": [text_input("a")],
                "outputs": [{"name": "label", "parameters": {"classification": 1}}],
            },
            "The classification extension is not served",
        ),
        (
            {"inputs": [text_input("a")], "parameters": {"signature_name": "x"}},
            'Serving signature name: "x" not found in signature def',
        ),
    ],
)
def test_a_wrong_request_is_refused(client, body, text):
    assert error(client, body) == text


def binary(
    texts: list[bytes], *, size: int | None = None, shape: int | None = None
) -> tuple[bytes, dict[str, str]]:
    tail = b"".join(struct.pack("<I", len(text)) + text for text in texts)
    tensor = {
        "name": "text",
        "shape": [len(texts) if shape is None else shape],
        "datatype": "BYTES",
        "parameters": {"binary_data_size": len(tail) if size is None else size},
        "data": None,  # as some clients write out what they leave open
    }
    head = json.dumps({"inputs": [tensor], "parameters": {"binary_data_output": True}}).encode()
    return head + tail, {"Inference-Header-Content-Length": str(len(head))}


def test_binary_tensors_go_in_and_out(client):
    body, headers = binary([b"good \xff", b""])
    response = infer(client, body, **headers)
    assert response.headers["content-type"] == "application/octet-stream"
    length = int(response.headers["inference-header-content-length"])
    label, probability = json.loads(response.content[:length])["outputs"]
    assert (label["parameters"], probability["parameters"]) == (
        {"binary_data_size": 24},
        {"binary_data_size": 8},
    )
    assert response.content[length : length + 24] == b"\x08\0\0\0positive\x08\0\0\0negative"
    assert struct.unpack("<2f", response.content[length + 24 :]) == (GOOD, BAD)


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"size": 999}, "Input text has 999 binary bytes, but 8 are left in the body"),
        ({"size": 2}, "Input text: its binary data ends within the length of an element"),
        ({"size": 6}, "Input text: its binary data ends within an element"),
        ({"size": -1}, "Input text: 'binary_data_size' must be a whole number"),
        ({"shape": 2}, "Input text has 1 elements, but its shape says 2"),
        ({"size": 0, "shape": 0}, "8 binary bytes in the body belong to no input"),
    ],
)
def test_binary_data_that_does_not_fit_is_refused(client, given, text):
    body, headers = binary([b"good"], **given)
    assert error(client, body, **headers) == text


@pytest.mark.parametrize("length", ["x", "-1", "99999", "1e3"])
def test_the_length_of_the_json_must_be_within_the_body(client, length):
    body, _ = binary([b"good"])
    text = error(client, body, **{"Inference-Header-Content-Length": length})
    assert text == "The header Inference-Header-Content-Length must say how many bytes of the body are JSON"


def test_methods_and_paths_that_are_not_there(client):
    response = client.get(f"{MODEL}/infer")
    assert (response.status_code, response.headers["allow"]) == (405, "POST")
    assert client.post(MODEL).status_code == 405
    for path in ("/v2/repository/index", f"{MODEL}/config", "/v2/", f"{MODEL}/versions/1/other"):
        assert client.get(path).status_code == 404
