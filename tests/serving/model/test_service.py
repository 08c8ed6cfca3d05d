"""What every protocol calls: requests are checked, answered by the version they mean, counted and sampled."""

import asyncio
import time

import numpy as np
import pytest

from serving.model.batching import Batcher, BatchLimits
from serving.model.manager import Models
from serving.model.metrics import Metrics
from serving.model.service import Service
from serving.settings import ServeSettings
from serving.status import Code, RequestError
from serving.store.manifest import Facts
from serving.versions import VersionStore

LIMITS = BatchLimits(max_rows=8, max_delay=0, max_queue=100, workers=1, inline_seconds=0.001)


@pytest.fixture(scope="module")
def store(tmp_path_factory, tiny_model):
    store = VersionStore(tmp_path_factory.mktemp("store") / "imdb_sentiment")
    store.push(tiny_model(0.25), Facts())
    store.push(tiny_model(0.75), Facts())
    return store


@pytest.fixture
def ask(store):
    """Runs `await story(service)` over both versions; `metrics` of it has what was counted."""

    def run(story, *, request_log=None, **settings):
        async def live():
            models = Models(store, name="imdb_sentiment", versions=2)
            await models.refresh()
            run.metrics = Metrics("imdb_sentiment")
            service = Service(
                models,
                Batcher(LIMITS),
                ServeSettings(**settings),
                metrics=run.metrics,
                request_log=request_log,
            )
            try:
                return await story(service)
            finally:
                await models.close()

        return asyncio.run(live())

    return run


def texts(*values):
    return {"text": np.array([value.encode() for value in values], object)}


async def answer(service, *, inputs, signature_name="", version=None, label=None, **options):
    """What every protocol does with a request."""
    with service.lease(version=version, label=label) as leased:
        return await service.predict(leased, leased.signature(signature_name), inputs, **options)


def predict(**request):
    return lambda service: answer(service, **request)


def refusal(ask, **settings_and_request):
    """The error that a request gets, as its code and message."""
    settings = settings_and_request.pop("settings", {})
    with pytest.raises(RequestError) as refused:
        ask(predict(**settings_and_request), **settings)
    return refused.value.code, refused.value.message


def test_the_newest_version_answers(ask):
    prediction = ask(predict(inputs=texts("a", "b")))
    assert prediction.version == 2
    assert prediction.signature.name == "serving_default"
    assert prediction.outputs["probability"].tolist() == [0.75, 0.75]


@pytest.mark.parametrize("which", [{"version": 1}, {"label": "previous"}])
def test_a_version_can_be_asked_for(ask, which):
    assert ask(predict(inputs=texts("a"), **which)).version == 1


def test_a_signature_can_be_asked_for(ask):
    prediction = ask(predict(inputs={"x": np.float32(4)}, signature_name="single"))
    assert prediction.outputs["y"] == 8


def test_an_unknown_signature_is_named_as_tensorflow_serving_does(ask):
    assert refusal(ask, inputs=texts("a"), signature_name="x") == (
        Code.INVALID_ARGUMENT,
        'Serving signature name: "x" not found in signature def',
    )


def test_a_version_that_is_not_loaded_is_not_found(ask):
    assert refusal(ask, inputs=texts("a"), version=7) == (
        Code.NOT_FOUND,
        "Servable not found for request: Specific(imdb_sentiment, 7)",
    )


def test_other_inputs_than_the_signatures_are_refused(ask):
    assert refusal(ask, inputs={"words": np.array([b"a"], object)}) == (
        Code.INVALID_ARGUMENT,
        "The inputs of signature serving_default are text, and not words",
    )


def test_another_shape_than_the_signatures_is_refused(ask):
    code, message = refusal(ask, inputs={"text": np.array([[b"a"]], object)})
    assert (code, message) == (
        Code.INVALID_ARGUMENT,
        "Input text has the shape [1, 1], and not [-1] as in the signature",
    )


def test_too_many_rows_are_refused(ask):
    assert refusal(ask, inputs=texts("a", "b", "c"), settings={"max_rows": 2}) == (
        Code.INVALID_ARGUMENT,
        "The request has 3 rows; the most is 2 (serve.max_rows)",
    )
    ask(predict(inputs=texts("a", "b")), max_rows=2)


def test_too_long_a_text_is_refused(ask):
    assert refusal(ask, inputs=texts("ok", "x" * 11), settings={"max_text_bytes": 10}) == (
        Code.INVALID_ARGUMENT,
        "Input text holds a text of 11 bytes; the most is 10 (serve.max_text_bytes)",
    )
    ask(predict(inputs=texts("x" * 10)), max_text_bytes=10)


def test_what_the_model_dislikes_is_the_clients_error(ask):
    code, message = refusal(ask, inputs=texts("bad"), signature_name="fails")
    assert code is Code.INVALID_ARGUMENT
    assert "that was bad" in message


def test_a_deadline_in_the_past_is_not_run(ask):
    code, _ = refusal(ask, inputs=texts("a"), deadline=time.monotonic() - 1)
    assert code is Code.DEADLINE_EXCEEDED


def test_no_request_takes_longer_than_the_servers_own_limit(ask):
    request = {"inputs": {"loops": np.array([200_000], np.int32)}, "signature_name": "slow"}
    code, _ = refusal(ask, **request, deadline=time.monotonic() + 3600, settings={"timeout_seconds": 0.02})
    assert code is Code.DEADLINE_EXCEEDED


def test_requests_are_counted_by_how_they_ended(ask):
    async def story(service):
        for text in ("good", "good", "bad"):
            await asyncio.gather(
                answer(service, inputs=texts(text), signature_name="fails", protocol="grpc"),
                return_exceptions=True,
            )

    ask(story)

    def count(status):
        labels = {"model_name": "imdb_sentiment", "status": status}
        return ask_metrics.get_sample_value(":tensorflow:serving:request_count", labels)

    ask_metrics = ask.metrics.registry
    assert (count("OK"), count("INVALID_ARGUMENT")) == (2, 1)
    latency = {"model_name": "imdb_sentiment", "API": "Predict", "entrypoint": "GRPC"}
    assert ask_metrics.get_sample_value(":tensorflow:serving:request_latency_count", latency) == 3


def test_answered_requests_are_offered_to_the_request_log_and_refused_ones_are_not(ask):
    class Log:
        offered = []

        def offer(self, **request):
            self.offered.append((request["version"], request["request_id"]))

    async def story(service):
        await answer(service, inputs=texts("a"), request_id="r-1")
        with pytest.raises(RequestError):
            await answer(service, inputs=texts("a"), version=9, request_id="r-2")

    ask(story, request_log=Log())
    assert Log.offered == [(2, "r-1")]


def test_a_draining_service_is_not_ready_and_still_answers(ask):
    async def story(service):
        assert service.ready()
        service.drain()
        assert not service.ready()
        return await answer(service, inputs=texts("a"))

    assert ask(story).version == 2


def test_metadata_and_statuses_of_a_version(ask):
    async def story(service):
        assert service.metadata(label="previous").version == 1
        assert set(service.metadata().signatures) == {"serving_default", "slow", "fails", "single"}
        with service.lease(version=1) as leased:
            assert leased.signature("").inputs["text"].dtype == "string"
        assert [(status.version, status.state.name) for status in service.statuses()] == [
            (2, "AVAILABLE"),
            (1, "AVAILABLE"),
        ]

    ask(story)
