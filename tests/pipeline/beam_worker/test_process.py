"""What Beam's worker is told, from the arguments and from the cluster's own service."""

from concurrent import futures

import grpc
import pytest
from apache_beam.portability.api import (
    beam_provision_api_pb2,
    beam_provision_api_pb2_grpc,
    endpoints_pb2,
)
from apache_beam.runners.worker import sdk_worker_main
from google.protobuf import text_format

from pipeline.beam_worker import process

OPTIONS = {"beam:option:job_name:v1": "greenlight-1", "beam:option:experiments:v1": ["state_cache_size=7"]}


class Provision(beam_provision_api_pb2_grpc.ProvisionServiceServicer):
    """Answers as a task manager does; `asked` has the names of the workers."""

    def __init__(self) -> None:
        self.asked = []

    def GetProvisionInfo(self, request, context):
        self.asked.append(dict(context.invocation_metadata())["worker_id"])
        answer = beam_provision_api_pb2.GetProvisionInfoResponse()
        answer.info.pipeline_options.update(OPTIONS)
        answer.info.control_endpoint.url = "localhost:1001"
        answer.info.logging_endpoint.url = "localhost:1002"
        answer.info.runner_capabilities.append("beam:protocol:control_response_elements_embedding:v1")
        return answer


@pytest.fixture
def provision():
    """The service and its address."""
    server = grpc.server(futures.ThreadPoolExecutor(1))
    service = Provision()
    beam_provision_api_pb2_grpc.add_ProvisionServiceServicer_to_server(service, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield service, f"127.0.0.1:{port}"
    server.stop(None).wait()


def url(descriptor: str) -> str:
    return text_format.Parse(descriptor, endpoints_pb2.ApiServiceDescriptor()).url


def test_a_process_learns_its_channels_and_options_from_the_cluster(provision):
    service, address = provision
    found = process.environment("1-1", provision=address)
    assert service.asked == ["1-1"]
    assert found["WORKER_ID"] == "1-1"
    assert url(found["CONTROL_API_SERVICE_DESCRIPTOR"]) == "localhost:1001"
    assert url(found["LOGGING_API_SERVICE_DESCRIPTOR"]) == "localhost:1002"
    assert found["RUNNER_CAPABILITIES"] == "beam:protocol:control_response_elements_embedding:v1"
    options = sdk_worker_main._load_pipeline_options(found["PIPELINE_OPTIONS"])
    assert options == {"job_name": "greenlight-1", "experiments": ["state_cache_size=7"]}


def test_a_pool_gives_the_channels_itself(provision):
    _, address = provision
    found = process.environment("1-1", provision=address, control="flink:1", logging="flink:2")
    assert url(found["CONTROL_API_SERVICE_DESCRIPTOR"]) == "flink:1"
    assert url(found["LOGGING_API_SERVICE_DESCRIPTOR"]) == "flink:2"


def test_arguments_are_those_of_beams_containers(capsys):
    with pytest.raises(SystemExit):
        process.main(["--id=1-1"])
    assert "--provision_endpoint" in capsys.readouterr().err
