"""What holds for every test: legacy Keras and quiet libraries, settled before anything imports TensorFlow.

And what the tests of serving share with those of the commands that use it: a small model, and its server.
"""

import asyncio
import contextlib
import functools
import gc
import json
import os
import shutil
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import filelock
import processes
import pytest
from hypothesis import HealthCheck, settings
from small_run import FIRST_RUN
from suite import process_state, schedule
from suite.proofs import Proofs

# Until the tests are collected: it takes a quarter of the time of importing TFX, and finds nothing.
gc.disable()

# How long an example takes says nothing on a machine with other work.
settings.register_profile("all", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("fast", settings.get_profile("all"), max_examples=40)

os.environ["TF_USE_LEGACY_KERAS"] = "1"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("GRPC_VERBOSITY", "ERROR")

# A shell's background job ignores Ctrl-C, and so would each process that a test starts and interrupts.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Schemas that rendered files are held against; no part of what runs.
sys.path.append(os.path.join(sys.prefix, "schemas"))

MODEL_NAME = "imdb_sentiment"


def pytest_configure(config: pytest.Config) -> None:
    settings.load_profile("fast" if config.option.markexpr == "not proof" else "all")
    config.pluginmanager.register(Proofs(config), "proofs")
    config.pluginmanager.register(schedule.Schedule(config), "schedule")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(schedule.RECORD, action="store_true", help="record how long each file takes")


def pytest_collection_finish() -> None:
    """Leaves alone for good what the imports of all test files made: millions of objects.

    The server collects whenever a version goes, and would look at all of them.
    """
    gc.freeze()
    gc.enable()


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Names raw bytes by their argument.

    Packed bytes hold the second they were packed in: workers that name tests by them collect different ones.
    """
    return argname if isinstance(val, bytes) and not (val.isascii() and val.decode().isprintable()) else None


@pytest.fixture(autouse=True)
def process_as_before() -> Iterator[None]:
    """No test sees what another one left in the process."""
    with process_state.kept():
        yield


@pytest.fixture
def greenlight(tmp_path, monkeypatch):
    """Calls a command in this process, in an empty folder: `greenlight("run", "--json")`."""
    from click.testing import CliRunner

    from pipeline import cli

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return lambda *arguments: CliRunner().invoke(cli.cli, arguments, prog_name="greenlight")


@pytest.fixture(scope="session")
def shared(tmp_path_factory) -> Path:
    """A folder that all workers of this run of the tests share."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "shared"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def build_once(shared) -> Callable[[str, Callable[[Path], None]], Path]:
    """`build_once(name, build)` is a folder that one worker filled for all; do not change it."""

    def build_once(name: str, build: Callable[[Path], None]) -> Path:
        folder, done = shared / name, shared / f"{name}.done"
        with filelock.FileLock(shared / f"{name}.lock"):
            if not done.exists():
                shutil.rmtree(folder, ignore_errors=True)
                build(folder)
                done.touch()
        return folder

    return build_once


@pytest.fixture(scope="session")
def embedding_cache(shared) -> Path:
    """The folder of built embeddings, which every run of the tests takes and may add to."""
    return shared / "cache"


@pytest.fixture(scope="session")
def first_run(build_once, embedding_cache) -> Path:
    """Where `greenlight run` ran with FIRST_RUN, in a process of its own, as its user starts it.

    Its stages are in the cache of `workspace`, in which one file of tests goes on; `copy` is as it was then.
    """

    def run(folder: Path) -> None:
        original = folder / "workspace"
        given = (f"workspace={original}", f"cache_dir={embedding_cache}", *FIRST_RUN)
        done = processes.greenlight("run", "--json", *processes.with_set(*given))
        assert done.returncode == 0, done.stdout + done.stderr
        assert json.loads(done.stdout)["verdict"] == "promoted", done.stdout
        shutil.copytree(original, folder / "copy")

    return build_once("first-run", run)


@pytest.fixture(scope="session")
def finished_workspace(first_run) -> Path:
    """What `greenlight run` left behind: version 1 is live.

    For all tests of this run; who changes anything takes a copy.
    """
    return first_run / "copy"


def save_small_model(folder: Path, *, bias: float) -> None:
    """The more often a text says `good`, the more probably it is positive; signatures as the real model's.

    And two more: `kinds` has inputs of all kinds, `one_number` halves one.
    """
    import tensorflow as tf

    class Small(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="text")])
        def serving_default(self, text):
            other = tf.strings.regex_replace(text, "good", "bad")
            goods = tf.strings.length(text) - tf.strings.length(other)
            probability = tf.sigmoid(tf.cast(goods, tf.float32) * 2.0 - 1.0 + bias)
            label = tf.where(probability >= 0.5, "positive", "negative")
            return {"probability": probability, "label": label}

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
            inputs = {"floats": floats, "ints": ints, "flags": flags, "payload_bytes": payload}
            return {name: tf.identity(tensor) for name, tensor in inputs.items()}

        @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, name="x")])
        def one_number(self, x):
            return {"y": x / 2.0}

    small = Small()
    names = ("serving_default", "tf_example", "classify", "regress", "kinds", "one_number")
    tf.saved_model.save(small, str(folder), signatures={name: getattr(small, name) for name in names})


@pytest.fixture(scope="session")
def small_model(tmp_path_factory) -> Callable[..., Path]:
    """Make the small model's folder; another bias makes another model."""
    made: dict[float, Path] = {}

    def make(bias: float = 0.0) -> Path:
        if bias not in made:
            made[bias] = tmp_path_factory.mktemp("small-model")
            save_small_model(made[bias], bias=bias)
        return made[bias]

    return make


@pytest.fixture(scope="session")
def multiclass_model(tmp_path_factory) -> Path:
    """The folder of a small model of three classes."""
    from multiclass_model import save_multiclass_model

    folder = tmp_path_factory.mktemp("multiclass-model")
    save_multiclass_model(folder)
    return folder


@pytest.fixture
def small_workspace(tmp_path, small_model) -> Path:
    """A workspace whose version 1 is the small model."""
    workspace = tmp_path / "workspace"
    push(workspace, small_model())
    return workspace


def push(workspace: Path, model: Path) -> int:
    """Publishes a model in a workspace; returns its version."""
    from serving.store.manifest import Facts

    return store_of(workspace).push(model, Facts()).version


def store_of(workspace: Path):
    from serving.versions import VersionStore

    return VersionStore(workspace / "serving" / MODEL_NAME)


class RunningServer:
    """A server over a workspace, in a thread of its own; `rest` and `grpc` are its addresses.

    `client` asks it over HTTP, at `url`. As a context it runs as long as the context lasts.
    """

    def __init__(self, workspace: Path, **settings):
        from serving.settings import ServeSettings

        defaults = {"rest_port": 0, "grpc_port": 0, "poll_seconds": 0.05, "access_log": False}
        self.workspace = workspace
        self._settings = ServeSettings(**{**defaults, "drain_delay_seconds": 0, **settings})
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._run, name="server")
        self._error: BaseException | None = None

    def _run(self) -> None:
        import uvloop

        uvloop.run(self._live())

    async def _live(self) -> None:
        from serving.server import Server

        try:
            self.server = Server(
                store_of(self.workspace),
                self._settings,
                model_name=MODEL_NAME,
                request_log=self.workspace / "requests",
            )
            self._loop = asyncio.get_running_loop()
            addresses = await self.server.start()
            self.rest, self.grpc = addresses.rest, addresses.grpc
        except BaseException as error:
            self._error = error
            return
        finally:
            self._started.set()
        await self.server.run()

    def start(self) -> "RunningServer":
        self._thread.start()
        self._started.wait()
        if self._error is not None:
            raise self._error
        return self

    def stop(self) -> None:
        """Drains and ends; once."""
        if self._thread.is_alive():
            self.client.close()
            self._loop.call_soon_threadsafe(self.server.stop)
            self._thread.join()

    def __enter__(self) -> "RunningServer":
        return self.start()

    def __exit__(self, *error: object) -> None:
        self.stop()

    @property
    def url(self) -> str:
        return f"{'https' if self._settings.tls_certificate else 'http'}://{self.rest}"

    @property
    def port(self) -> int:
        return int(self.rest.rpartition(":")[2])

    @functools.cached_property
    def client(self):
        import httpx

        return httpx.Client(base_url=self.url, timeout=30, verify=False)

    def push(self, model: Path) -> int:
        return push(self.workspace, model)


@pytest.fixture
def serve_workspace() -> Iterator[Callable[..., RunningServer]]:
    """Start a server over a workspace, with settings of `serve`; it ends with the test."""
    with contextlib.ExitStack() as stack:

        def start(workspace: Path, **settings) -> RunningServer:
            running = RunningServer(workspace, **settings)
            stack.callback(running.stop)
            return running.start()

        yield start


@pytest.fixture(scope="session")
def serving_model(tmp_path_factory) -> Callable[..., RunningServer]:
    """Make a server of any model's folder with settings of `serve`, not yet started, for those who ask."""

    def make(model: Path, **settings) -> RunningServer:
        workspace = tmp_path_factory.mktemp("served")
        push(workspace, model)
        return RunningServer(workspace, **settings)

    return make


@pytest.fixture(scope="session")
def serving_small(tmp_path_factory, small_model) -> Callable[..., RunningServer]:
    """Make an HTTP server of the small model with settings of `serve`, not yet started, for those who ask."""
    workspace = tmp_path_factory.mktemp("served")
    push(workspace, small_model())
    return functools.partial(RunningServer, workspace, poll_seconds=1, grpc=False)


@pytest.fixture(scope="module")
def served(serving_small) -> Iterator[RunningServer]:
    """A server with the default limits, gRPC as well, for tests that leave it as it is."""
    with serving_small(grpc=True) as running:
        yield running


@pytest.fixture
def fits_made(monkeypatch) -> list:
    """The settings of every fit of a search that is really made, and not taken from those that are kept."""
    from components.tuner import fit_cache  # imports TensorFlow

    seen, fit = [], fit_cache.fit_prepared
    monkeypatch.setattr(fit_cache, "fit_prepared", lambda *given: seen.append(given[1]) or fit(*given))
    return seen
