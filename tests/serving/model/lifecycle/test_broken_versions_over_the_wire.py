"""What clients and probes see of a version that cannot answer, and of a live one that stops."""

import grpc
import pytest
import tensorflow as tf
from grpc_health.v1 import health_pb2, health_pb2_grpc
from waiting import until

from serving.grpc import inference_messages

MODEL = "/v1/models/imdb_sentiment"
ASK = {"instances": ["a film"]}


def state(running, number):
    answer = running.client.get(f"{MODEL}/versions/{number}")
    return answer.json()["model_version_status"][0] if answer.status_code == 200 else {"state": ""}


def ready(running):
    """What the probes say: /readyz, the v2 protocol over HTTP and gRPC, the health service."""
    statuses = [
        running.client.get(path).status_code
        for path in ("/readyz", "/v2/health/ready", "/v2/models/imdb_sentiment/ready")
    ]
    with grpc.insecure_channel(running.grpc) as channel:
        health = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=20)
        ask = channel.unary_unary(
            f"/{inference_messages.NAME}/ModelReady",
            request_serializer=inference_messages.ModelReadyRequest.SerializeToString,
            response_deserializer=inference_messages.ModelReadyResponse.FromString,
        )
        over_grpc = ask(inference_messages.ModelReadyRequest(name="imdb_sentiment"), timeout=20).ready
    yes, no = statuses == [200, 200, 200] and over_grpc, statuses == [503, 400, 400] and not over_grpc
    return yes, no, health.status


@pytest.mark.parametrize("kind", ["no main_op", "a function of another process"])
def test_a_broken_version_is_refused_with_its_reason(small_workspace, serve_workspace, odd_model, kind):
    running = serve_workspace(small_workspace)
    number = running.push(odd_model(kind))
    until(lambda: state(running, number)["state"] == "END")
    status = state(running, number)["status"]
    assert status["error_code"] == "DATA_LOSS"
    assert status["error_message"].startswith("signature serving_default does not answer a plain text: ")
    assert state(running, 1)["state"] == "AVAILABLE"
    assert ready(running) == (True, False, health_pb2.HealthCheckResponse.SERVING)
    assert running.client.post(f"{MODEL}:predict", json=ASK).status_code == 200


def test_a_first_version_that_is_broken_is_said_and_a_good_one_mends_it(
    tmp_path, serving_model, odd_model, small_model
):
    with serving_model(odd_model("no main_op")) as running:
        until(lambda: state(running, 1)["state"] == "END")
        assert ready(running) == (False, True, health_pb2.HealthCheckResponse.NOT_SERVING)
        assert "Table not initialized" in state(running, 1)["status"]["error_message"]
        running.push(small_model())
        until(lambda: ready(running)[0])


@pytest.fixture
def leaning(tmp_path):
    """A model that reads a file outside at each call, and that file."""
    file = tmp_path / "outside.txt"
    file.write_text("0.5")

    def answer(text):
        nothing = tf.strings.substr(text[0], 0, 0)  # or else TensorFlow reads the file once, as a constant
        probability = tf.strings.to_number(tf.io.read_file(str(file) + nothing))
        return {"probability": tf.fill(tf.shape(text), probability)}

    module = tf.Module()
    module.answer = tf.function(answer, input_signature=[tf.TensorSpec([None], tf.string, name="text")])
    tf.saved_model.save(module, str(tmp_path / "model"), signatures=module.answer)
    return tmp_path / "model", file


@pytest.mark.proof
def test_a_live_version_that_stops_answering_is_not_ready_until_it_does_again(leaning, serving_model):
    model, file = leaning
    with serving_model(model) as running:
        assert ready(running) == (True, False, health_pb2.HealthCheckResponse.SERVING)
        file.unlink()
        for _ in range(3):
            assert running.client.post(f"{MODEL}:predict", json=ASK).status_code == 404
        until(lambda: ready(running) == (False, True, health_pb2.HealthCheckResponse.NOT_SERVING))
        status = state(running, 1)
        assert (status["state"], status["status"]["error_code"]) == ("AVAILABLE", "UNAVAILABLE")
        assert "does not answer: " in status["status"]["error_message"]
        assert (
            'greenlight_model_answers{model_name="imdb_sentiment"} 0.0'
            in running.client.get("/monitoring/prometheus/metrics").text
        )
        file.write_text("0.5")
        until(lambda: ready(running)[0])
        assert running.client.post(f"{MODEL}:predict", json=ASK).json() == {"predictions": [0.5]}
