import contextlib

import grpc
import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2

SERVING, NOT_SERVING, UNKNOWN = 1, 2, 3
NAMES = [
    "",
    "tensorflow.serving.PredictionService",
    "tensorflow.serving.ModelService",
    "inference.GRPCInferenceService",
]


@pytest.mark.parametrize("name", NAMES)
def test_a_server_with_a_model_is_serving(channel, name):
    health = health_pb2_grpc.HealthStub(channel)
    assert health.Check(health_pb2.HealthCheckRequest(service=name), timeout=20).status == SERVING


def test_health_of_an_unknown_service_is_not_found(channel, status_of):
    health = health_pb2_grpc.HealthStub(channel)
    code, _ = status_of(health.Check, health_pb2.HealthCheckRequest(service="other"))
    assert code == "NOT_FOUND"


def test_watchers_see_a_first_version_come_and_the_server_go(tmp_path, small_model, serve_workspace):
    running = serve_workspace(tmp_path / "empty")
    with grpc.insecure_channel(running.grpc) as channel:
        health = health_pb2_grpc.HealthStub(channel)
        request = health_pb2.HealthCheckRequest(service=NAMES[1])
        gone, one, two = (health.Watch(request, timeout=60) for _ in range(3))
        assert [next(watch).status for watch in (gone, one, two)] == [NOT_SERVING] * 3
        gone.cancel()
        running.push(small_model())
        assert [next(watch).status for watch in (one, two)] == [SERVING] * 2
        running.stop()
        assert [watch.status for watch in one] == [NOT_SERVING]


def test_watchers_do_not_use_up_the_calls_of_others(small_workspace, serve_workspace):
    running = serve_workspace(small_workspace, max_queue=8)
    with grpc.insecure_channel(running.grpc) as channel:
        health, request = health_pb2_grpc.HealthStub(channel), health_pb2.HealthCheckRequest()
        watches = [health.Watch(request, timeout=60) for _ in range(2)]
        assert [next(watch).status for watch in watches] == [SERVING] * 2
        with pytest.raises(grpc.RpcError) as refused:
            next(health.Watch(request, timeout=60))
        assert refused.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert refused.value.details() == "2 clients watch already; use Check"
        assert health.Check(request, timeout=20).status == SERVING
        for watch in watches:
            watch.cancel()
        while True:  # the place of one that went is another's
            with contextlib.suppress(grpc.RpcError):
                assert next(health.Watch(request, timeout=60)).status == SERVING
                break


def test_a_watcher_of_an_unknown_service_is_told_so(channel):
    watch = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest(service="other"))
    with contextlib.closing(watch) if hasattr(watch, "close") else contextlib.nullcontext():
        assert next(watch).status == UNKNOWN
    watch.cancel()


REFLECTIONS = ("grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection")


@pytest.fixture(params=REFLECTIONS)
def reflected(channel, request):
    """Ask one version of reflection; both have the same messages."""
    call = channel.stream_stream(
        f"/{request.param}/ServerReflectionInfo",
        request_serializer=reflection_pb2.ServerReflectionRequest.SerializeToString,
        response_deserializer=reflection_pb2.ServerReflectionResponse.FromString,
    )

    def ask(**asked):
        (response,) = call(iter([reflection_pb2.ServerReflectionRequest(**asked)]), timeout=20)
        return response

    return ask


def test_the_services_can_be_listed(reflected):
    services = reflected(list_services="").list_services_response.service
    assert {service.name for service in services} == {
        *NAMES[1:],
        "grpc.health.v1.Health",
        *REFLECTIONS,
    }


@pytest.mark.parametrize("name", REFLECTIONS)
def test_reflection_describes_itself_under_its_own_package(reflected, name):
    (content,) = reflected(file_containing_symbol=name).file_descriptor_response.file_descriptor_proto
    file = descriptor_pb2.FileDescriptorProto.FromString(content)
    (method,) = file.service[0].method
    assert f"{file.package}.{file.service[0].name}" == name
    assert method.input_type == f".{file.package}.ServerReflectionRequest"
    descriptor_pool.DescriptorPool().Add(file)  # whatever it names is in it


@pytest.mark.parametrize(
    ("symbol", "service"),
    [
        ("tensorflow.serving.PredictionService.Predict", "PredictionService"),
        ("inference.GRPCInferenceService.ModelInfer", "GRPCInferenceService"),
        ("grpc.health.v1.Health.Watch", "Health"),
    ],
)
def test_a_method_is_a_symbol_too(reflected, symbol, service):
    (content, *_) = reflected(file_containing_symbol=symbol).file_descriptor_response.file_descriptor_proto
    file = descriptor_pb2.FileDescriptorProto.FromString(content)
    assert [each.name for each in file.service] == [service]


@pytest.mark.parametrize(
    "symbol", ["inference.Nothing", "inference.GRPCInferenceService.Nothing", "Nothing", "", ".", "a..b"]
)
def test_a_symbol_that_is_not_here_is_an_answer(reflected, symbol):
    answer = reflected(file_containing_symbol=symbol)
    assert answer.error_response.error_code == grpc.StatusCode.NOT_FOUND.value[0]


@pytest.mark.parametrize("name", NAMES[1:3])
def test_a_client_can_build_a_services_messages_from_what_reflection_gives(channel, reflected, name):
    answer = reflected(file_containing_symbol=name).file_descriptor_response
    files = {
        file.name: file
        for file in map(descriptor_pb2.FileDescriptorProto.FromString, answer.file_descriptor_proto)
    }
    pool = descriptor_pool.DescriptorPool()

    def add(file):
        for needed in file.dependency:
            if needed in files:
                add(files.pop(needed))
        pool.Add(file)

    while files:
        add(files.pop(next(iter(files))))
    service = pool.FindServiceByName(name)
    method = service.methods_by_name["Predict" if "Prediction" in name else "GetModelStatus"]
    request = message_factory.GetMessageClass(method.input_type)()
    request.model_spec.name = "imdb_sentiment"
    if method.name == "Predict":
        tensor = request.inputs["text"]
        tensor.dtype = 7
        tensor.tensor_shape.dim.add(size=1)
        tensor.string_val.append(b"good")
    call = channel.unary_unary(
        f"/{name}/{method.name}",
        request_serializer=lambda message: message.SerializeToString(),
        response_deserializer=message_factory.GetMessageClass(method.output_type).FromString,
    )
    response = call(request, timeout=20)
    if method.name == "Predict":
        assert list(response.outputs["label"].string_val) == [b"positive"]
    else:
        assert [status.version for status in response.model_version_status] == [1]
