"""The servers that are compared: how each is started, and what it is sent."""

import json
import os
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.processes import free_port
from benchmarks.serving.formats import FORMATS, TENSORFLOW

SERVERS = Path(__file__).parent / "servers"
STARTUP_SECONDS = 300
_POLL_SECONDS = 0.2
_LAST_WORDS = 2000


class NotStarted(Exception):
    """A server ended, or did not answer in time; the message has the end of its log."""


@dataclass(frozen=True)
class Place:
    """Where a server runs: its Python, a port, and a folder of its own for files."""

    python: Path
    port: int
    folder: Path


@dataclass(frozen=True)
class Peer:
    """A server of another project.

    Attributes:
      command: the arguments after its Python.
      path: where predictions are posted.
      form: the name of a format of `benchmarks.serving.formats`.
      environment: variables beside those of this process.
      prepare: writes what it needs into its folder.
    """

    command: Callable[[Place], list[str]]
    path: str = "/predict"
    form: str = TENSORFLOW
    environment: Mapping[str, str] = field(default_factory=dict)
    prepare: Callable[[Place], None] = lambda place: None


def _fastapi(place: Place) -> list[str]:
    return ["-m", "uvicorn", "fastapi_app:app", "--port", str(place.port), "--log-level", "warning"]


def _bentoml(place: Place) -> list[str]:
    options = ["--host", "127.0.0.1", "--port", str(place.port)]
    return ["-m", "bentoml", "serve", "bentoml_service:Sentiment", "--working-dir", str(SERVERS), *options]


def _litserve(place: Place) -> list[str]:
    return [str(SERVERS / "litserve_server.py"), str(place.port)]


def _mlserver(place: Place) -> list[str]:
    return [str(place.python.with_name("mlserver")), "start", str(place.folder)]


def _mlserver_settings(place: Place) -> None:
    server = {
        "debug": False,
        "host": "127.0.0.1",
        "http_port": place.port,
        "grpc_port": free_port(),
        "metrics_port": free_port(),
    }
    model = {
        "name": "sentiment",
        "implementation": "mlserver_runtime.Sentiment",
        "max_batch_size": 64,
        "max_batch_time": 0.005,
    }
    for name, content in (("settings.json", server), ("model-settings.json", model)):
        (place.folder / name).write_text(json.dumps(content), encoding="utf-8")


PEERS: Mapping[str, Peer] = {
    "TensorFlow in FastAPI": Peer(_fastapi),
    "BentoML": Peer(_bentoml, form="list", environment={"BENTOML_DO_NOT_TRACK": "True"}),
    "LitServe": Peer(_litserve),
    "MLServer": Peer(
        _mlserver, path="/v2/models/sentiment/infer", form="open-inference", prepare=_mlserver_settings
    ),
}


@contextmanager
def serving(peer: Peer, *, model: Path, python: Path, folder: Path) -> Iterator[str]:
    """Starts the server on the SavedModel `model`; yields the URL for predictions once it answers one.

    Raises:
      NotStarted: it did not answer.
    """
    place = Place(python, free_port(), folder)
    peer.prepare(place)
    environment = _environment(folder) | {"MODEL": str(model), **peer.environment}
    url = f"http://127.0.0.1:{place.port}{peer.path}"
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(
            [str(python), *peer.command(place)],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            _await_answer(process, url, peer, folder / "server.log")
            yield url
        finally:
            _end(process)


def _environment(folder: Path) -> dict[str, str]:
    """Without Greenlight's own PYTHONPATH; with the servers' modules."""
    kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "2", "CUDA_VISIBLE_DEVICES": ""}
    return kept | quiet | {"PYTHONPATH": str(SERVERS), "HOME": str(folder)}


def _await_answer(process: subprocess.Popen[bytes], url: str, peer: Peer, log: Path) -> None:
    form = FORMATS[peer.form]
    request = urllib.request.Request(
        url, form.request("a fine film"), {"content-type": "application/json"}, method="POST"
    )
    until = time.monotonic() + STARTUP_SECONDS
    while process.poll() is None and time.monotonic() < until:
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                form.answer(answer.read())
                return
        except (OSError, urllib.error.HTTPError):
            time.sleep(_POLL_SECONDS)
    said = log.read_text(encoding="utf-8", errors="replace")[-_LAST_WORDS:]
    raise NotStarted(f"no answer within {STARTUP_SECONDS} s, or it ended: {said}")


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ends the server with its workers, which are in its process group."""
    for sent in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, sent)
            process.wait(20)
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue
