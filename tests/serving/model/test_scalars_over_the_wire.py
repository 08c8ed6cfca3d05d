"""Tensors of rank 0, of every type, in and out over every protocol."""

import struct

import grpc
import pytest
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

from serving.open_inference.tensors import DATATYPES

MODEL = "/v1/models/imdb_sentiment"
KINDS = {
    "a_text": (tf.string, b"hello", "hello"),
    "some_bytes": (tf.string, b"hi\0", {"b64": "aGkA"}),
    "whole": (tf.int64, -7, -7),
    "small": (tf.int8, 3, 3),
    "byte": (tf.uint8, 255, 255),
    "large": (tf.uint64, 2**64 - 1, 2**64 - 1),
    "real": (tf.float32, 0.5, 0.5),
    "double": (tf.float64, 0.1, 0.1),
    "truth": (tf.bool, True, True),
}
"""The signatures, named as their outputs: each gives back its scalar `x`. Type, value, and value in JSON."""
kinds = pytest.mark.parametrize("kind", KINDS)


@pytest.fixture(scope="module")
def scalars(tmp_path_factory, serving_model):
    """A server of a model whose default signature answers any texts with one text."""
    module = tf.Module()
    module.default = tf.function(
        lambda text: {"said": tf.strings.reduce_join(text)},
        input_signature=[tf.TensorSpec([None], tf.string, name="text")],
    )
    signatures = {"serving_default": module.default}
    for name, (dtype, _, _) in KINDS.items():
        echo = tf.function(
            lambda x, name=name: {name: tf.identity(x)},
            input_signature=[tf.TensorSpec([], dtype, name="x")],
        )
        setattr(module, name, echo)
        signatures[name] = echo
    folder = tmp_path_factory.mktemp("scalars")
    tf.saved_model.save(module, str(folder / "model"), signatures=signatures)
    with serving_model(folder / "model") as running:
        yield running


def test_one_text_for_all_rows(scalars):
    answer = scalars.client.post(f"{MODEL}:predict", json={"inputs": ["hel", "lo"]})
    assert (answer.status_code, answer.json()) == (200, {"outputs": "hello"})


@kinds
def test_in_columns(scalars, kind):
    content = {"signature_name": kind, "inputs": KINDS[kind][2]}
    answer = scalars.client.post(f"{MODEL}:predict", json=content)
    assert (answer.status_code, answer.json()) == (200, {"outputs": KINDS[kind][2]})


def test_an_answer_in_rows_has_no_place_for_one(scalars):
    """TensorFlow Serving's error."""
    answer = scalars.client.post(f"{MODEL}:predict", json={"instances": ["a", "b"]})
    assert answer.status_code == 400
    assert answer.json() == {"error": "Tensor name: said has no shape information "}


@kinds
def test_over_the_open_inference_protocol(scalars, kind):
    dtype, value, _ = KINDS[kind]
    datatype = DATATYPES[dtype.name]
    text = value.decode() if isinstance(value, bytes) else value
    tensor = {"name": "x", "shape": [], "datatype": datatype, "data": [text]}
    content = {"inputs": [tensor], "parameters": {"signature_name": kind}}
    answer = scalars.client.post("/v2/models/imdb_sentiment/infer", json=content)
    assert answer.status_code == 200, answer.text
    assert answer.json()["outputs"] == [tensor | {"name": kind}]


def test_over_the_open_inference_protocol_in_binary(scalars):
    tensor = {"name": "x", "shape": [], "datatype": "BYTES", "data": ["hi\0"]}
    content = {
        "inputs": [tensor],
        "outputs": [{"name": "some_bytes", "parameters": {"binary_data": True}}],
        "parameters": {"signature_name": "some_bytes"},
    }
    answer = scalars.client.post("/v2/models/imdb_sentiment/infer", json=content)
    length = int(answer.headers["inference-header-content-length"])
    assert answer.content[length:] == struct.pack("<I", 3) + b"hi\0"


@kinds
def test_over_grpc(scalars, kind):
    dtype, value, _ = KINDS[kind]
    request = predict_pb2.PredictRequest(model_spec={"name": "imdb_sentiment", "signature_name": kind})
    request.inputs["x"].CopyFrom(tf.make_tensor_proto(value, dtype))
    with grpc.insecure_channel(scalars.grpc) as channel:
        stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        output = stub.Predict(request, timeout=20).outputs[kind]
    found = tf.make_ndarray(output)
    assert (output.dtype, found.shape) == (dtype.as_datatype_enum, ())
    assert found[()] == pytest.approx(value) if dtype.is_floating else found[()] == value
