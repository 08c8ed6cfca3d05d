"""Bytes that are not the method's message: INTERNAL, as gRPC's other servers answer, and no Python name."""

import asyncio

import grpc
import pytest
from grpc_health.v1 import health_pb2

from serving.endpoint.access_log import AccessLog
from serving.grpc.boundary import UNDECODABLE, Boundary
from serving.model.metrics import Metrics

GARBAGE = b"\xff\xff\xff\xff"
UNARY = [
    *(
        f"/tensorflow.serving.PredictionService/{name}"
        for name in ("Predict", "Classify", "Regress", "MultiInference", "GetModelMetadata")
    ),
    "/tensorflow.serving.ModelService/GetModelStatus",
    "/tensorflow.serving.ModelService/HandleReloadConfigRequest",
    "/inference.GRPCInferenceService/ModelInfer",
    "/inference.GRPCInferenceService/ServerLive",
    "/grpc.health.v1.Health/Check",
]
REFLECTION = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"


def outcome(call, *arguments) -> tuple[str, str]:
    with pytest.raises(grpc.RpcError) as caught:
        list(call(*arguments, timeout=20))
    return caught.value.code().name, caught.value.details()


@pytest.mark.parametrize("path", UNARY)
def test_a_unary_method_answers_internal(channel, status_of, path):
    assert status_of(channel.unary_unary(path), GARBAGE) == ("INTERNAL", UNDECODABLE)


def test_a_streaming_answer_is_internal(channel):
    call = channel.unary_stream("/grpc.health.v1.Health/Watch")
    assert outcome(call, GARBAGE) == ("INTERNAL", UNDECODABLE)


def test_a_streamed_request_is_internal(channel):
    assert outcome(channel.stream_stream(REFLECTION), iter([GARBAGE])) == ("INTERNAL", UNDECODABLE)


def test_a_method_that_is_not_there_stays_unimplemented(channel, status_of):
    code, _ = status_of(channel.unary_unary("/tensorflow.serving.PredictionService/Guess"), b"")
    assert code == "UNIMPLEMENTED"


class Lines(list):
    """The lines of an access log."""

    write = list.append


def answers_of(handlers: dict[str, grpc.RpcMethodHandler], ask) -> tuple[object, Lines]:
    """What `ask`, given a channel, gets from a server with these handlers; and its access log."""

    async def run():
        lines = Lines()
        server = grpc.aio.server(interceptors=[Boundary(AccessLog(Metrics("m"), lines))])
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("a.Service", handlers),))
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            try:
                return await ask(channel), lines
            finally:
                await server.stop(0)

    return asyncio.run(run())


async def end_of(call) -> tuple[str, str, str]:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call if hasattr(call, "__await__") else [part async for part in call]
    error = caught.value
    return error.code().name, error.details(), dict(list(error.trailing_metadata()))["x-request-id"]


def test_it_is_in_the_access_log_under_the_clients_id():
    async def never(request, context):
        raise AssertionError(request)

    handler = grpc.unary_unary_rpc_method_handler(never, health_pb2.HealthCheckRequest.FromString)
    answer, (line,) = answers_of(
        {"Ask": handler},
        lambda channel: end_of(
            channel.unary_unary("/a.Service/Ask")(GARBAGE, metadata=(("x-request-id", "id-1"),))
        ),
    )
    assert answer == ("INTERNAL", UNDECODABLE, "id-1")
    assert (line["route"], line["status"], line["request_id"]) == ("Service/Ask", "INTERNAL", "id-1")


async def fails(request, context):
    raise LookupError("a secret")


async def fails_later(request, context):
    yield b"first"
    raise LookupError("a secret")


HANDLERS = {
    "Raises": grpc.unary_unary_rpc_method_handler(fails),
    "Encodes": grpc.unary_unary_rpc_method_handler(
        lambda request, context: asyncio.sleep(0, "text"), None, health_pb2.HealthCheckResponse.FromString
    ),
    "Streams": grpc.unary_stream_rpc_method_handler(fails_later),
    "Talks": grpc.stream_stream_rpc_method_handler(fails_later),
}


@pytest.mark.parametrize("name", HANDLERS)
def test_whatever_fails_in_a_method_is_internal_without_its_name(name, caplog):
    async def ask(channel):
        path = f"/a.Service/{name}"
        if name == "Streams":
            return await end_of(channel.unary_stream(path)(b""))
        if name == "Talks":
            return await end_of(channel.stream_stream(path)(iter([b""])))
        return await end_of(channel.unary_unary(path)(b""))

    (code, details, request_id), _ = answers_of(HANDLERS, ask)
    assert (code, details) == ("INTERNAL", "Internal error; the server's log has the cause")
    (record,) = [record for record in caplog.records if record.name == "greenlight.serving"]
    assert record.request_id == request_id
    assert "secret" not in str(record.__dict__)
