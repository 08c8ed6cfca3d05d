"""A request is answered by the version that it was read for, even when versions switch in between."""

import asyncio
import json
from pathlib import Path

import pytest
import tensorflow as tf
from tensorflow_serving.apis import classification_pb2, predict_pb2, regression_pb2

from serving.endpoint.access_log import AccessLog
from serving.grpc import inference_messages
from serving.grpc.calls import Call
from serving.grpc.inference import GRPCInferenceServicer
from serving.grpc.prediction import PredictionServicer
from serving.http.messages import Request
from serving.model.batching import Batcher, BatchLimits
from serving.model.lifecycle.states import State
from serving.model.manager import Models
from serving.model.metrics import Metrics
from serving.model.service import Service
from serving.rest.open_inference import OpenInferenceApi
from serving.rest.tensorflow_serving import ModelApi
from serving.settings import ServeSettings
from serving.status import RequestError
from serving.store.manifest import Facts
from serving.versions import VersionStore

NAME = "imdb_sentiment"
LIMITS = BatchLimits(max_rows=8, max_delay=0, max_queue=100, workers=1, inline_seconds=0)
CALL = Call(request_id="r", deadline=None)


def save_model(folder: Path, *, input_name: str, answer: float) -> Path:
    """Answers with one number, under signatures whose input has a name of its own in each model."""

    class Constant(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name=input_name)])
        def predict(self, values):
            return {"score": tf.fill(tf.shape(values), answer)}

        @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="inputs")])
        def regress(self, inputs):
            return {"outputs": tf.fill(tf.shape(inputs), answer)}

        @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="inputs")])
        def classify(self, inputs):
            return {"scores": tf.fill([tf.size(inputs), 1], answer)}

    model = Constant()
    signatures = {
        "serving_default": model.predict,
        "regress": model.regress,
        "classify": model.classify,
    }
    tf.saved_model.save(model, str(folder), signatures=signatures)
    return folder


@pytest.fixture(scope="module")
def two_models(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    return (
        save_model(folder / "old", input_name="old", answer=0.25),
        save_model(folder / "new", input_name="new", answer=0.75),
    )


class Switch:
    """A service over version 1; `now` publishes version 2 and returns when the server has switched to it."""

    def __init__(self, store, new_model):
        self.models = Models(store, name=NAME)
        self._publish = lambda: store.push(new_model, Facts())
        self._done = False
        self.service = SwitchingService(self.models, Batcher(LIMITS), ServeSettings())
        self.service.before_predict = self.now

    async def now(self):
        if self._done:
            return
        self._done = True
        self._publish()
        await self.models.refresh()
        for _ in range(10):  # a version that is let go at once would be closed by now
            await asyncio.sleep(0)
        assert self.states() == {2: State.AVAILABLE, 1: State.UNLOADING}

    def states(self):
        return {status.version: status.state for status in self.models.statuses()}


class SwitchingService(Service):
    """Calls `before_predict` between the reading of a request and the model's call."""

    async def predict(self, *args, **options):
        await self.before_predict()
        return await super().predict(*args, **options)


def during_a_switch(tmp_path, two_models, story):
    """Runs `await story(switch)`; afterwards the old version has to leave."""
    old, new = two_models

    async def live():
        store = VersionStore(tmp_path / NAME)
        store.push(old, Facts())
        switch = Switch(store, new)
        await switch.models.refresh()
        try:
            answer = await story(switch)
            async with asyncio.timeout(30):
                while switch.states() != {2: State.AVAILABLE, 1: State.END}:
                    await asyncio.sleep(0)
            return answer
        finally:
            await switch.models.close()

    return asyncio.run(live())


def switching_request(switch, *, path, content, after_reads):
    """A POST during which versions switch after so many of its reads, as they can while a thread reads."""
    reads = []

    class SwitchingRequest(Request):
        async def read(self, function):
            result = await asyncio.to_thread(function)
            reads.append(1)
            if len(reads) == after_reads:
                await switch.now()
            return result

    body = json.dumps(content).encode()
    return SwitchingRequest(method="POST", path=path, headers={}, body=body, id="r")


def example(text):
    feature = tf.train.Feature(bytes_list=tf.train.BytesList(value=[text]))
    return tf.train.Example(features=tf.train.Features(feature={"text": feature}))


V2_INPUT = {"name": "old", "shape": [1], "datatype": "BYTES", "data": ["a film"]}
LAST_READ = 2  # of each of these requests: its document, then its tensors; the version is resolved between


@pytest.mark.parametrize("after_reads", [LAST_READ, LAST_READ + 1], ids=["while read", "once read"])
@pytest.mark.parametrize(
    ("path", "content", "expected"),
    [
        (":predict", {"instances": ["a film"]}, {"predictions": [0.25]}),
        (":predict", {"inputs": ["a film"]}, {"outputs": [0.25]}),
    ],
)
def test_tensorflow_servings_rest(tmp_path, two_models, path, content, expected, after_reads):
    async def story(switch):
        request = switching_request(
            switch, path=f"/v1/models/{NAME}{path}", content=content, after_reads=after_reads
        )
        return await ModelApi(switch.service).respond(request)

    assert json.loads(during_a_switch(tmp_path, two_models, story).body) == expected


@pytest.mark.parametrize("method", ["classify", "regress"])
def test_tensorflow_servings_rest_with_examples(tmp_path, two_models, method):
    async def story(switch):
        content = {"signature_name": method, "examples": [{"text": "a film"}]}
        path = f"/v1/models/{NAME}:{method}"
        request = switching_request(switch, path=path, content=content, after_reads=None)
        return await ModelApi(switch.service).respond(request)

    (result,) = json.loads(during_a_switch(tmp_path, two_models, story).body)["results"]
    assert result == (0.25 if method == "regress" else [["", 0.25]])


@pytest.mark.parametrize("after_reads", [LAST_READ, LAST_READ + 1], ids=["while read", "once read"])
def test_the_open_inference_protocol(tmp_path, two_models, after_reads):
    async def story(switch):
        path = f"/v2/models/{NAME}/infer"
        request = switching_request(
            switch, path=path, content={"inputs": [V2_INPUT]}, after_reads=after_reads
        )
        return await OpenInferenceApi(switch.service, server_version="1").respond(request)

    answer = json.loads(during_a_switch(tmp_path, two_models, story).body)
    assert (answer["model_version"], answer["outputs"][0]["data"]) == ("1", [0.25])


@pytest.mark.parametrize("method", ["Predict", "Classify", "Regress"])
def test_grpc(tmp_path, two_models, method):
    spec = {"name": NAME, "signature_name": "" if method == "Predict" else method.lower()}
    if method == "Predict":
        request = predict_pb2.PredictRequest(model_spec=spec)
        request.inputs["old"].CopyFrom(tf.make_tensor_proto(["a film"]))
    elif method == "Classify":
        request = classification_pb2.ClassificationRequest(model_spec=spec)
        request.input.example_list.examples.append(example(b"a film"))
    else:
        request = regression_pb2.RegressionRequest(model_spec=spec)
        request.input.example_list.examples.append(example(b"a film"))

    async def story(switch):
        servicer = PredictionServicer(switch.service, AccessLog(Metrics(NAME), None))
        return await getattr(PredictionServicer, method).__wrapped__(servicer, request, CALL)

    assert during_a_switch(tmp_path, two_models, story).model_spec.version.value == 1


def test_the_open_inference_protocol_over_grpc(tmp_path, two_models):
    request = inference_messages.ModelInferRequest(model_name=NAME)
    tensor = request.inputs.add(name="old", datatype="BYTES", shape=[1])
    tensor.contents.bytes_contents.append(b"a film")

    async def story(switch):
        servicer = GRPCInferenceServicer(switch.service, AccessLog(Metrics(NAME), None))
        return await GRPCInferenceServicer.ModelInfer.__wrapped__(servicer, request, CALL)

    assert during_a_switch(tmp_path, two_models, story).model_version == "1"


def test_a_request_that_fails_lets_its_version_go(tmp_path, two_models):
    async def story(switch):
        content = {"instances": [{"old": "a film"}, {"other": 1}]}
        path = f"/v1/models/{NAME}:predict"
        with pytest.raises(RequestError):
            await ModelApi(switch.service).respond(
                switching_request(switch, path=path, content=content, after_reads=None)
            )
        await switch.models.refresh()
        switch._publish()
        await switch.models.refresh()

    during_a_switch(tmp_path, two_models, story)


def test_a_request_whose_client_goes_away_lets_its_version_go(tmp_path, two_models):
    async def story(switch):
        async def hold():
            with switch.service.lease():
                await asyncio.Event().wait()

        request = asyncio.create_task(hold())
        await asyncio.sleep(0)
        await switch.now()
        request.cancel()

    during_a_switch(tmp_path, two_models, story)
