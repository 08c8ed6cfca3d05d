"""More requests than the model can take are turned away at once, over both protocols; then it recovers."""

import asyncio
import re
from pathlib import Path

import grpc
import httpx
import pytest
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

from serving.server import Server
from serving.settings import ServeSettings
from serving.store.manifest import Facts
from serving.versions import VersionStore

MODEL = "imdb_sentiment"
PREDICT = f"/v1/models/{MODEL}:predict"


@pytest.fixture
def store(tmp_path, tiny_model):
    store = VersionStore(tmp_path / MODEL)
    store.push(tiny_model(0.75), Facts())
    return store


def overloaded(store, story):
    """Runs `await story(client, stub)` while one call runs and as many rows wait as there is room for."""

    async def live():
        settings = ServeSettings(
            rest_port=0, grpc_port=0, workers=1, max_queue=2, access_log=False, drain_delay_seconds=0
        )
        server = Server(store, settings, model_name=MODEL, request_log=Path(store.root, "requests"))
        addresses = await server.start()
        async with (
            httpx.AsyncClient(base_url=f"http://{addresses.rest}", timeout=60) as client,
            grpc.aio.insecure_channel(addresses.grpc) as channel,
        ):
            slow = asyncio.create_task(
                client.post(PREDICT, json={"signature_name": "slow", "instances": [400_000]})
            )
            await until(client, r"greenlight_running_calls\{.*\} 1\.0")
            waiting = [asyncio.create_task(client.post(PREDICT, json={"instances": ["a"]})) for _ in range(2)]
            await until(client, r"greenlight_queue_rows\{.*\} 2\.0")
            await story(client, prediction_service_pb2_grpc.PredictionServiceStub(channel))
            answers = await asyncio.gather(slow, *waiting)
            assert [answer.status_code for answer in answers] == [200] * 3
            after = await client.post(PREDICT, json={"instances": ["a"]})
            assert after.status_code == 200
        server.stop()
        await server.run()

    asyncio.run(live())


async def until(client, pattern):
    async with asyncio.timeout(60):
        while not re.search(pattern, (await client.get("/monitoring/prometheus/metrics")).text):
            await asyncio.sleep(0.005)


def test_http_answers_503_and_when_to_try_again(store):
    async def story(client, stub):
        refused = await client.post(PREDICT, json={"instances": ["a"]})
        assert refused.status_code == 503
        assert refused.json() == {"error": "The queue is full: 2 rows of 2 wait. Try again later."}
        assert refused.headers["retry-after"] == "1"
        assert (await client.get("/readyz")).status_code == 200, "busy is not broken"

    overloaded(store, story)


def test_grpc_answers_resource_exhausted_and_when_to_try_again(store):
    async def story(client, stub):
        request = predict_pb2.PredictRequest(inputs={"text": tf.make_tensor_proto(["a"])})
        request.model_spec.name = MODEL
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await stub.Predict(request)
        assert refused.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert refused.value.details() == "The queue is full: 2 rows of 2 wait. Try again later."
        assert refused.value.trailing_metadata()["grpc-retry-pushback-ms"] == "1000"

    overloaded(store, story)
