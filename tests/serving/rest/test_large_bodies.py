"""A large body is read beside the event loop, which answers others meanwhile, and answered like any other."""

import asyncio
import threading

import pytest

from serving.http.messages import Request

HERE = "/v1/models/imdb_sentiment"
TEXT = "good " * 1000
TEXTS = [TEXT] * 100  # half a megabyte


def thread_that_reads(body: bytes) -> int:
    request = Request(method="POST", path="/", headers={}, body=body, id="")
    return asyncio.run(request.read(threading.get_ident))


def test_a_thread_of_its_own_reads_a_large_body_and_none_a_small_one():
    assert thread_that_reads(b"x" * 2**18) == threading.get_ident()
    assert thread_that_reads(b"x" * (2**18 + 1)) != threading.get_ident()


@pytest.mark.parametrize("form", ["instances", "inputs"])
def test_predict(client, form):
    answer = client.post(f"{HERE}:predict", json={form: TEXTS}).json()
    labels = (
        [row["label"] for row in answer["predictions"]] if form == "instances" else answer["outputs"]["label"]
    )
    assert labels == ["positive"] * 100


def test_classify(client):
    request = {"signature_name": "classify", "examples": [{"text": TEXT}] * 100}
    assert len(client.post(f"{HERE}:classify", json=request).json()["results"]) == 100


def test_the_open_inference_protocol(client):
    tensor = {"name": "text", "shape": [100], "datatype": "BYTES", "data": TEXTS}
    answer = client.post("/v2/models/imdb_sentiment/infer", json={"inputs": [tensor]}).json()
    assert [len(output["data"]) for output in answer["outputs"]] == [100, 100]


@pytest.mark.parametrize("end", [b'"]', b", 1]}"])
def test_what_is_wrong_in_it_is_said_as_ever(client, end):
    response = client.post(f"{HERE}:predict", content=b'{"instances": ["' + b"x" * 2**19 + end)
    assert response.status_code == 400
    assert response.json()["error"].startswith("JSON Parse error: ")
