"""A version that does not answer never replaces one that does; a live one that stops is taken back."""

import asyncio
import logging

import numpy as np
import pytest

from serving.model import manager
from serving.model.batching import Batcher, BatchLimits
from serving.model.lifecycle import probe
from serving.model.lifecycle.states import State
from serving.model.load_attempt import in_thread
from serving.model.manager import Models
from serving.model.metrics import Metrics
from serving.model.service import Service
from serving.settings import ServeSettings
from serving.status import Code, RequestError
from serving.store.manifest import Facts
from serving.versions import VersionStore

NAME = "imdb_sentiment"
LIMITS = BatchLimits(max_rows=8, max_delay=0, max_queue=100, workers=1, inline_seconds=0)


class Server:
    """The versions and the service over a store."""

    def __init__(self, folder, **options):
        self.store = VersionStore(folder / NAME)
        self.metrics = Metrics(NAME)
        self.models = Models(self.store, name=NAME, metrics=self.metrics, **options)
        self.service = Service(self.models, Batcher(LIMITS), ServeSettings(), metrics=self.metrics)

    async def push(self, model):
        number = self.store.push(model, Facts()).version
        await self.models.refresh()
        return number

    async def ask(self, text="a film"):
        with self.service.lease() as leased:
            inputs = {"text": np.array([text.encode()], object)}
            return (await self.service.predict(leased, leased.signature(""), inputs)).version

    def states(self):
        return {one.version: (one.state, one.code) for one in self.models.statuses()}

    def gauge(self, name):
        return self.metrics.registry.get_sample_value(name, {"model_name": NAME})


def story(tmp_path, tell, **options):
    """Runs `await tell(server)`."""

    async def live():
        server = Server(tmp_path, **options)
        try:
            return await asyncio.wait_for(tell(server), 120)
        finally:
            await server.models.close()

    return asyncio.run(live())


@pytest.mark.parametrize(
    "kind",
    [
        "no main_op",
        "a function of another process",
        "NaN",
        "another type than its signature",
        "an asset that is missing",
        "no signature",
        "a tensor that is not in the graph",
    ],
)
def test_a_version_that_cannot_answer_does_not_replace_one_that_can(
    tmp_path, tiny_model, odd_model, kind, caplog
):
    async def tell(server):
        await server.push(tiny_model(0.25))
        number = await server.push(odd_model(kind))
        assert server.states() == {
            1: (State.AVAILABLE, Code.OK),
            number: (State.END, Code.DATA_LOSS),
        }
        assert server.models.statuses(version=number)[0].message
        assert server.models.ready()
        assert await server.ask() == 1
        assert server.gauge("greenlight_versions_refused_total") == 1

    with caplog.at_level(logging.ERROR, "greenlight.serving"):
        story(tmp_path, tell)
    (record,) = [record for record in caplog.records if record.message == "version refused"]
    assert record.version == 2
    assert record.error


@pytest.fixture
def nameless(tmp_path):
    """A model without a default signature."""
    import tensorflow as tf

    module = tf.Module()
    module.answer = tf.function(
        lambda text: {"probability": tf.fill(tf.shape(text), 0.5)},
        input_signature=[tf.TensorSpec([None], tf.string, name="text")],
    )
    tf.saved_model.save(module, str(tmp_path / "nameless"), signatures={"predict_text": module.answer})
    return tmp_path / "nameless"


def test_a_server_that_starts_judges_a_version_as_one_that_was_running(tmp_path, tiny_model, nameless):
    async def tell(server):
        server.store.push(tiny_model(0.25), Facts())
        await server.push(nameless)
        assert server.states() == {1: (State.AVAILABLE, Code.OK), 2: (State.END, Code.DATA_LOSS)}
        assert server.models.statuses(version=2)[0].message == (
            "it has no signature serving_default, which version 1 has: requests that name no signature "
            "would fail"
        )
        assert await server.ask() == 1

    story(tmp_path, tell)


def test_a_version_that_is_wanted_for_itself_is_compared_with_nothing(tmp_path, tiny_model, nameless):
    async def tell(server):
        server.store.push(tiny_model(0.25), Facts())
        await server.push(nameless)
        assert server.states() == {2: (State.AVAILABLE, Code.OK)}

    story(tmp_path, tell, pin=2)


def test_a_rollback_goes_back_to_a_version_that_differs(tmp_path, tiny_model, nameless):
    async def tell(server):
        await server.push(nameless)
        assert await server.push(tiny_model(0.25)) == 2
        assert await server.ask() == 2
        server.store.rollback("the clients are not ready")
        await server.models.refresh()
        assert server.models.find().version == 1

    story(tmp_path, tell)


def test_a_first_version_that_cannot_answer_leaves_the_server_not_ready(tmp_path, odd_model):
    async def tell(server):
        await server.push(odd_model("no main_op"))
        assert not server.service.ready()
        assert server.states() == {1: (State.END, Code.DATA_LOSS)}
        with pytest.raises(RequestError, match="Servable not found"):
            await server.ask()

    story(tmp_path, tell)


def test_whatever_a_load_raises_is_a_refusal_and_later_versions_are_followed(tmp_path, tiny_model):
    def load(path, number):
        if number == 2:
            raise ZeroDivisionError("odd")
        return manager.loader.load(path, number)

    async def tell(server):
        await server.push(tiny_model(0.25))
        await server.push(tiny_model(0.5))
        assert server.models.statuses(version=2)[0].message == "ZeroDivisionError: odd"
        assert await server.ask() == 1
        await server.push(tiny_model(0.75))
        assert await server.ask() == 3

    story(tmp_path, tell, load=load)


def test_a_version_that_hangs_is_given_up_and_later_versions_are_followed(tmp_path, tiny_model, odd_model):
    async def tell(server):
        await server.push(tiny_model(0.25))
        server.models.loading.load_seconds = 0.5
        await server.push(odd_model("endless"))
        (status,) = server.models.statuses(version=2)
        assert status.message == "it did not load and answer within 0.5 seconds (serve.load_seconds)"
        assert (status.state, status.code) == (State.END, Code.DATA_LOSS)
        server.models.loading.load_seconds = 120
        await server.push(tiny_model(0.75))
        assert await server.ask() == 3

    story(tmp_path, tell)


def test_a_version_that_hangs_is_given_up_when_it_is_rolled_back(tmp_path, tiny_model, odd_model):
    async def tell(server):
        await server.push(tiny_model(0.25))
        server.store.push(odd_model("endless"), Facts())
        following = asyncio.create_task(server.models.refresh())
        await until(lambda: (State.LOADING, Code.OK) in server.states().values())
        server.store.rollback("it hangs")
        await following
        assert server.states() == {1: (State.AVAILABLE, Code.OK)}
        assert server.gauge("greenlight_versions_refused_total") == 0

    story(tmp_path, tell, poll_seconds=0.05)


def test_a_version_is_not_loaded_again_while_an_earlier_attempt_still_hangs(tmp_path, tiny_model):
    import threading

    loads, go_on = [], threading.Event()

    def load(path, number):
        loads.append(number)
        go_on.wait(60)
        return manager.loader.load(path, number)

    async def tell(server):
        await server.push(tiny_model(0.25))
        refusal = server.models.loading.refused[server.store.store_id, 1]
        refusal.retry_at = 0
        await server.models.refresh()
        assert loads == [1]
        go_on.set()
        await asyncio.wait({refusal.stuck})
        server.models.loading.load_seconds = 120
        await server.models.refresh()
        assert loads == [1, 1]
        assert await server.ask() == 1

    story(tmp_path, tell, load=load, load_seconds=0.2)


async def until(condition):
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.01)


class Failing:
    """Makes the loaded version's calls fail while `on`."""

    def __init__(self, server):
        self.on = True
        self.calls = 0
        self._predictor = server.models.find().predictor
        self._run = self._predictor.run
        self._predictor.run = self.run

    def run(self, name, inputs):
        self.calls += 1
        if self.on:
            raise RequestError(Code.INVALID_ARGUMENT, "Table not initialized.")
        return self._run(name, inputs)


async def fail(server, times):
    for _ in range(times):
        with pytest.raises(RequestError):
            await server.ask()


def test_a_live_version_that_begins_to_fail_is_not_ready_until_it_answers_again(
    tmp_path, tiny_model, monkeypatch, caplog
):
    monkeypatch.setattr(probe, "AGAIN_SECONDS", 0.05)
    caplog.set_level(logging.INFO, "greenlight.serving")

    async def tell(server):
        await server.push(tiny_model(0.25))
        heard = []
        server.models.on_change(lambda: heard.append(server.models.ready()))
        failing = Failing(server)
        await fail(server, probe.SUSPICIOUS)
        await until(lambda: not server.service.ready())
        assert server.states() == {1: (State.AVAILABLE, Code.UNAVAILABLE)}
        (status,) = server.models.statuses()
        assert status.message == "does not answer: Table not initialized."
        assert not server.service.version_ready()
        assert server.gauge("greenlight_model_answers") == 0
        failing.on = False
        await until(server.service.ready)
        assert server.states() == {1: (State.AVAILABLE, Code.OK)}
        assert server.gauge("greenlight_model_answers") == 1
        assert heard == [False, True]

    story(tmp_path, tell)
    said = [record.message for record in caplog.records]
    assert said.count("version does not answer") == said.count("version answers again") == 1


def test_clients_mistakes_do_not_take_a_version_back(tmp_path, tiny_model):
    async def tell(server):
        await server.push(tiny_model(0.25))
        with server.service.lease() as leased:
            inputs = {"text": np.array([b"bad"], object)}
            for _ in range(7):
                with pytest.raises(RequestError, match="that was bad"):
                    await server.service.predict(leased, leased.signature("fails"), inputs)
            await until(lambda: leased.probe.task is None)
        assert server.service.ready()

    story(tmp_path, tell)


def test_a_live_version_that_hangs_is_taken_back(tmp_path, tiny_model, monkeypatch):
    import threading

    monkeypatch.setattr(probe, "AGAIN_SECONDS", 0.05)

    async def tell(server):
        await server.push(tiny_model(0.25))
        one = server.models.find()
        go_on, run = threading.Event(), one.predictor.run

        def hang(name, inputs):
            go_on.wait(60)
            return run(name, inputs)

        one.predictor.run = hang
        for _ in range(probe.SUSPICIOUS):
            server.models.note(one, failed=True)
        await until(lambda: not server.service.ready())
        (status,) = server.models.statuses()
        assert status.message == "does not answer: no answer within 0.1 seconds"
        go_on.set()
        await until(server.service.ready)

    story(tmp_path, tell, answer_seconds=0.1)


def test_a_new_version_that_answers_replaces_one_that_does_not_any_more(tmp_path, tiny_model, monkeypatch):
    monkeypatch.setattr(probe, "AGAIN_SECONDS", 0.05)

    async def tell(server):
        await server.push(tiny_model(0.25))
        Failing(server)
        await fail(server, probe.SUSPICIOUS)
        await until(lambda: not server.service.ready())
        await server.push(tiny_model(0.75))
        assert server.service.ready()
        assert await server.ask() == 2
        await until(lambda: server.states()[1] == (State.END, Code.OK))

    story(tmp_path, tell)


def test_a_thread_that_ends_after_its_loop_troubles_nobody():
    import threading

    go_on, ended = threading.Event(), threading.Event()

    def work():
        go_on.wait(60)
        threading.current_thread().name = "ended"
        ended.set()

    async def start():
        in_thread(work)

    asyncio.run(start())
    go_on.set()
    assert ended.wait(60)
