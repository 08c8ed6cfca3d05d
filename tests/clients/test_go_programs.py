"""gRPC's usual programs against a real server: grpc_health_probe, and grpcurl, which uses reflection."""

import base64
import json

import pytest
from clients.conftest import KEY, MODEL
from clients.languages import run

PROBE = "github.com/grpc-ecosystem/grpc-health-probe@v0.4.42"
GRPCURL = "github.com/fullstorydev/grpcurl/cmd/grpcurl@v1.9.3"

pytestmark = [pytest.mark.proof, pytest.mark.clients, pytest.mark.timeout(1800)]


@pytest.fixture(scope="module")
def probe(go_program):
    return go_program(PROBE)


@pytest.fixture(scope="module")
def grpcurl(go_program, server):
    """Calls grpcurl with the key; the method and the request come last."""
    program = go_program(GRPCURL)

    def call(*arguments, key=KEY):
        options = ("-plaintext", *(("-H", f"authorization: Bearer {key}") if key else ()))
        before, after = arguments[:-1], arguments[-1:]
        return run(str(program), *options, *before, server.grpc, *after, folder=program.parent)

    return call


@pytest.mark.parametrize("service", ["", "tensorflow.serving.PredictionService"])
def test_the_probe_of_health_says_serving(probe, server, service):
    done = run(str(probe), f"-addr={server.grpc}", f"-service={service}", folder=probe.parent)
    assert (done.returncode, (done.stdout + done.stderr).strip()) == (0, "status: SERVING")


def test_the_probe_of_an_unknown_service_fails(probe, server):
    done = run(str(probe), f"-addr={server.grpc}", "-service=unknown", folder=probe.parent)
    assert done.returncode != 0


def test_reflection_lists_the_services(grpcurl):
    done = grpcurl("list")
    assert done.returncode == 0, done.stderr
    assert {"tensorflow.serving.PredictionService", "inference.GRPCInferenceService"} <= set(
        done.stdout.split()
    )


def test_reflection_needs_the_key(grpcurl):
    assert grpcurl("list", key=None).returncode != 0


def test_a_request_in_json_is_answered(grpcurl):
    text = base64.b64encode("最高の映画".encode()).decode()
    tensor = {"dtype": "DT_STRING", "tensor_shape": {"dim": [{"size": 1}]}, "string_val": [text]}
    request = {"model_spec": {"name": MODEL}, "inputs": {"text": tensor}}
    done = grpcurl("-d", json.dumps(request), "tensorflow.serving.PredictionService/Predict")
    assert done.returncode == 0, done.stderr
    outputs = json.loads(done.stdout)["outputs"]
    assert outputs["probability"]["float_val"] == [5 / 64]
