"""Calls to a service that is slow, full or broken."""

import asyncio
import contextlib
import logging
import time

import grpc
import pytest
from tensorflow_serving.apis import (
    get_model_status_pb2,
    model_service_pb2_grpc,
    prediction_service_pb2_grpc,
)

from serving.endpoint.access_log import AccessLog
from serving.endpoint.auth import ApiKeys
from serving.grpc.calls import PUSHBACK, REQUEST_ID
from serving.grpc.server import GrpcServer
from serving.model.metrics import Metrics
from serving.settings import ServeSettings
from serving.status import Code, RequestError

STATUS = get_model_status_pb2.GetModelStatusRequest(model_spec={"name": "m"})


class Sink(list):
    """The lines of an access log."""

    write = list.append


class Service:
    """What a call finds behind the protocol; its `statuses` fail with `error`."""

    model_name = "m"

    def __init__(self, error: Exception):
        self.error = error

    def ready(self) -> bool:
        return True

    def statuses(self, version, label):
        raise self.error


async def outcome(error: Exception) -> tuple[grpc.aio.AioRpcError, Sink]:
    """What a client gets, and what is logged, when the service fails with `error`."""
    lines = Sink()
    access = AccessLog(Metrics("m"), lines)
    server = GrpcServer(Service(error), ServeSettings(), keys=ApiKeys([]), access=access)
    port = server.listen("127.0.0.1:0")
    await server.start()
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            stub = model_service_pb2_grpc.ModelServiceStub(channel)
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await stub.GetModelStatus(STATUS, metadata=((REQUEST_ID, "id-7"),))
        return caught.value, lines
    finally:
        await server.stop(0)


@pytest.mark.parametrize("code", [code for code in Code if code is not Code.OK])
def test_every_code_reaches_the_client_as_it_is(code):
    error, lines = asyncio.run(outcome(RequestError(code, f"it is {code.name}")))
    assert (error.code().name, error.details()) == (code.name, f"it is {code.name}")
    (line,) = lines
    assert line["route"] == "ModelService/GetModelStatus"
    assert (line["protocol"], line["status"], line["request_id"]) == ("grpc", code.name, "id-7")


def test_a_full_queue_tells_when_to_come_back():
    error, _ = asyncio.run(outcome(RequestError(Code.UNAVAILABLE, "full", retry_after=1.5)))
    assert dict(list(error.trailing_metadata())) == {REQUEST_ID: "id-7", PUSHBACK: "1500"}


def test_a_fault_of_ours_is_logged_and_the_client_learns_nothing_of_it(caplog):
    with caplog.at_level(logging.ERROR, "greenlight.serving"):
        error, lines = asyncio.run(outcome(ZeroDivisionError("secret")))
    assert error.code() is grpc.StatusCode.INTERNAL
    assert "secret" not in error.details()
    assert lines[0]["status"] == "INTERNAL"
    (record,) = [record for record in caplog.records if record.name == "greenlight.serving"]
    assert (record.error, record.request_id) == ("ZeroDivisionError", "id-7")
    assert "grpc/models.py" in record.where[-2]
    assert "secret" not in str(record.__dict__)


class SlowService(Service):
    """Never answers Predict; `asked` has the deadlines it was asked with."""

    settings = ServeSettings()

    def __init__(self, signatures):
        self.asked = []
        self._leased = type("Leased", (), {"version": 1, "signatures": signatures})

    def lease(self, version, label):
        return contextlib.nullcontext(self._leased)

    def check_rows(self, signature, rows):
        assert rows == 0

    async def predict(self, leased, signature, inputs, *, deadline, **_):
        self.asked.append(deadline - time.monotonic())
        await asyncio.Event().wait()


def test_a_clients_deadline_goes_along_and_ends_the_call(small_model):
    from tensorflow_serving.apis import predict_pb2

    from serving.model.loader import load

    loaded = load(str(small_model()), 1)
    service, lines = SlowService(loaded.signatures), Sink()
    request = predict_pb2.PredictRequest(model_spec={"name": "m"})
    request.inputs["text"].dtype = 7
    request.inputs["text"].tensor_shape.dim.add(size=0)

    async def ask() -> grpc.StatusCode:
        access = AccessLog(Metrics("m"), lines)
        server = GrpcServer(service, ServeSettings(), keys=ApiKeys([]), access=access)
        port = server.listen("127.0.0.1:0")
        await server.start()
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            await channel.channel_ready()  # so that all of the second is the call's
            stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await stub.Predict(request, timeout=1)
        await server.stop(5)
        return caught.value.code()

    assert asyncio.run(ask()) is grpc.StatusCode.DEADLINE_EXCEEDED
    loaded.close()
    assert 0 < service.asked[0] < 2
    assert lines[0]["status"] == "CANCELLED"
