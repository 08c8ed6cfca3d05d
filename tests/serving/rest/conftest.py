"""A server on a real socket, over a small model with the signatures of the real one and some more."""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
import uvloop

from serving.manifest import Facts
from serving.server import Server
from serving.settings import ServeSettings
from serving.versions import VersionStore

MODEL = "imdb_sentiment"
PREDICT = f"/v1/models/{MODEL}:predict"


class RunningServer:
    """A server in a thread of its own, and a client of it."""

    def __init__(self, store: VersionStore, settings: ServeSettings, request_log: Path) -> None:
        self._store, self._settings, self._request_log = store, settings, request_log
        self._started = threading.Event()
        self._thread = threading.Thread(target=lambda: uvloop.run(self._live()))
        self._error: BaseException | None = None

    async def _live(self) -> None:
        try:
            self.server = Server(self._store, self._settings, model_name=MODEL, request_log=self._request_log)
            self._loop = asyncio.get_running_loop()
            self.address = (await self.server.start()).rest
        except BaseException as error:
            self._error = error
            raise
        finally:
            self._started.set()
        await self.server.run()

    def __enter__(self) -> "RunningServer":
        self._thread.start()
        self._started.wait()
        if self._error is not None:
            raise self._error
        scheme = "https" if self._settings.tls_certificate else "http"
        self.url = f"{scheme}://{self.address}"
        self.client = httpx.Client(base_url=self.url, timeout=30, verify=False)
        return self

    def __exit__(self, *error: object) -> None:
        self.client.close()
        self._loop.call_soon_threadsafe(self.server.stop)
        self._thread.join()

    @property
    def port(self) -> int:
        return int(self.address.rpartition(":")[2])


Serve = Callable[..., RunningServer]


def save_small_model(folder: Path) -> None:
    """The more often a text says `good`, the more probable is positive; `kinds` has inputs of all kinds."""
    import tensorflow as tf

    class Small(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="text")])
        def serving_default(self, text):
            goods = tf.strings.length(text) - tf.strings.length(tf.strings.regex_replace(text, "good", "bad"))
            probability = tf.sigmoid(tf.cast(goods, tf.float32) * 2.0 - 1.0)
            return {
                "probability": probability,
                "label": tf.where(probability >= 0.5, "positive", "negative"),
            }

        def _texts(self, examples):
            return tf.io.parse_example(examples, {"text": tf.io.FixedLenFeature([], tf.string)})["text"]

        @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
        def tf_example(self, examples):
            return self.serving_default(self._texts(examples))

        @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="inputs")])
        def classify(self, inputs):
            positive = self.serving_default(self._texts(inputs))["probability"]
            classes = tf.tile([["negative", "positive"]], [tf.size(positive), 1])
            return {"classes": classes, "scores": tf.stack([1 - positive, positive], axis=1)}

        @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="inputs")])
        def regress(self, inputs):
            return {"outputs": self.serving_default(self._texts(inputs))["probability"]}

        @tf.function(
            input_signature=[
                tf.TensorSpec([None, 2], tf.float32, name="floats"),
                tf.TensorSpec([None], tf.int64, name="ints"),
                tf.TensorSpec([None], tf.bool, name="flags"),
                tf.TensorSpec([None], tf.string, name="payload"),
            ]
        )
        def kinds(self, floats, ints, flags, payload):
            return {
                "floats": tf.identity(floats),
                "ints": tf.identity(ints),
                "flags": tf.identity(flags),
                "payload_bytes": tf.identity(payload),
            }

        @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, name="x")])
        def one_number(self, x):
            return {"y": x / 2.0}

    module = Small()
    names = ("serving_default", "tf_example", "classify", "regress", "kinds", "one_number")
    tf.saved_model.save(module, str(folder), signatures={name: getattr(module, name) for name in names})


@pytest.fixture(scope="session")
def small_store(tmp_path_factory) -> VersionStore:
    folder = tmp_path_factory.mktemp("small")
    save_small_model(folder / "model")
    store = VersionStore(folder / "serving" / MODEL)
    store.push(folder / "model", Facts())
    return store


@pytest.fixture(scope="session")
def serving_small(small_store, tmp_path_factory) -> Serve:
    """Call it with settings to get a server, not yet started."""

    def make(**settings: object) -> RunningServer:
        defaults = {"rest_port": 0, "grpc": False, "access_log": False, "drain_delay_seconds": 0}
        return RunningServer(
            small_store, ServeSettings(**(defaults | settings)), tmp_path_factory.mktemp("requests")
        )

    return make


@pytest.fixture(scope="session")
def server(serving_small) -> Iterator[RunningServer]:
    """One server with the default limits, for all tests that do not change them."""
    with serving_small() as running, contextlib.closing(running.client):
        yield running


@pytest.fixture(scope="session")
def client(server) -> httpx.Client:
    return server.client
