"""Clients that others wrote talk to the server: OpenVINO's for TensorFlow Serving, Triton's for version 2."""

import gzip
import json

import numpy as np
import ovmsclient
import pytest
import tritonclient.http as triton
from tritonclient.utils import InferenceServerException

MODEL = "imdb_sentiment"
GOOD = pytest.approx(0.7310586)


@pytest.fixture(scope="module")
def ovms(served):
    return ovmsclient.make_http_client(served.rest)


@pytest.fixture(scope="module")
def v2(served):
    with triton.InferenceServerClient(served.rest) as client:
        yield client


def test_ovmsclient_reads_status_and_metadata(ovms):
    status = ovms.get_model_status(MODEL, model_version=1)
    assert status[1]["state"] == "AVAILABLE" and status[1]["error_code"] == 0
    metadata = ovms.get_model_metadata(
        MODEL, model_version=1
    )  # as it came: it expects OpenVINO's field names
    assert metadata["model_spec"]["version"] == "1"


@pytest.mark.parametrize("given", [["good"], [b"good"]])
def test_ovmsclient_predicts(ovms, given):
    outputs = ovms.predict({"text": given}, MODEL, model_version=1)
    assert outputs["probability"] == [GOOD] and outputs["label"] == ["positive"]


def test_ovmsclient_gets_the_newest_version_without_asking_for_one(ovms):
    assert ovms.get_model_status(MODEL)[1]["state"] == "AVAILABLE"
    assert ovms.get_model_metadata(MODEL)["model_spec"]["version"] == "1"
    assert ovms.predict({"text": ["good"]}, MODEL)["label"] == ["positive"]


def test_ovmsclient_understands_an_error(ovms):
    with pytest.raises(ovmsclient.tfs_compat.base.errors.ModelNotFoundError):
        ovms.predict({"text": ["good"]}, "other", model_version=1)


def test_tritonclient_finds_the_server_and_the_model_ready(v2):
    assert v2.is_server_live() and v2.is_server_ready()
    assert v2.is_model_ready(MODEL) and v2.is_model_ready(MODEL, "1")
    assert not v2.is_model_ready("other") and not v2.is_model_ready(MODEL, "9")
    assert "binary_tensor_data" in v2.get_server_metadata()["extensions"]
    assert v2.get_model_metadata(MODEL)["platform"] == "tensorflow_savedmodel"


@pytest.mark.parametrize("binary_in", [True, False])
@pytest.mark.parametrize("binary_out", [True, False])
def test_tritonclient_infers_with_and_without_binary_tensors(v2, binary_in, binary_out):
    given = np.array([b"good", "é😀".encode()], object)
    tensor = triton.InferInput("text", [2], "BYTES")
    tensor.set_data_from_numpy(given, binary_data=binary_in)
    outputs = [triton.InferRequestedOutput(name, binary_data=binary_out) for name in ("probability", "label")]
    result = v2.infer(MODEL, [tensor], outputs=outputs, request_id="7")
    assert result.as_numpy("probability").tolist() == [GOOD, pytest.approx(0.2689414)]
    labels = result.as_numpy("label").tolist()
    assert labels == ([b"positive", b"negative"] if binary_out else ["positive", "negative"])
    assert result.get_response()["id"] == "7"


@pytest.mark.parametrize("packing", ["gzip", "deflate"])
def test_tritonclient_may_compress(v2, packing):
    tensor = triton.InferInput("text", [1], "BYTES")
    tensor.set_data_from_numpy(np.array([b"good"], object))
    result = v2.infer(MODEL, [tensor], request_compression_algorithm=packing)
    assert result.as_numpy("probability").tolist() == [GOOD]


def test_tritonclient_understands_an_error(v2):
    tensor = triton.InferInput("text", [1], "INT32")
    tensor.set_data_from_numpy(np.array([1], np.int32))
    with pytest.raises(InferenceServerException, match="Input text must have the datatype BYTES"):
        v2.infer(MODEL, [tensor])


def test_an_ordinary_client_may_compress_too(client):
    body = gzip.compress(json.dumps({"instances": ["good"]}).encode())
    response = client.post(f"/v1/models/{MODEL}:predict", content=body, headers={"Content-Encoding": "gzip"})
    assert response.json()["predictions"][0]["probability"] == GOOD
