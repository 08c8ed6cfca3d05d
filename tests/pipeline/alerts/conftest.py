"""A real web server that answers as it is told, and a post that delivers to it without long pauses."""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from suite.threaded_server import running

from pipeline.alerts.alert import Alert
from pipeline.settings.alerts import AlertSettings


class Receiver(ThreadingHTTPServer):
    """Takes alerts. `answers` says what it does with each request in turn, the last one over and over:
    a status code, or "hang" (no answer), or "trickle" (a byte of the answer now and then).
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers: list[int | str] = [200]
        self.got: list[dict] = []
        self.keys: list[str | None] = []
        self.asked = 0
        self.changed = threading.Condition()
        self.closing = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/services/SECRET-TOKEN"

    def wait_for(self, condition: Callable[[], bool]) -> None:
        with self.changed:
            assert self.changed.wait_for(condition, timeout=120)


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        server = self.server
        with server.changed:
            answer = server.answers[min(server.asked, len(server.answers) - 1)]
            server.asked += 1
            if answer == 200:
                server.got.append(body)
                server.keys.append(self.headers["Idempotency-Key"])
            server.changed.notify_all()
        if answer == "hang":
            server.closing.wait(600)
        elif answer == "trickle":
            self._trickle()
        else:
            self.send_response(int(answer))
            self.send_header("Content-Length", "0")
            self.end_headers()

    def _trickle(self) -> None:
        for byte in b"HTTP/1.1 200 OK\r\nX-Slow: " + b"x" * 1000:
            if self.server.closing.wait(0.05):
                return
            try:
                self.wfile.write(bytes([byte]))
            except OSError:
                return

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with running(Receiver()) as server:
        yield server
        server.closing.set()


@pytest.fixture
def alert() -> Callable[..., Alert]:
    def make(key: str = "20260302-promoted", **facts) -> Alert:
        known = {
            "event": "promoted",
            "at": "2026-03-02T03:00:00+00:00",
            "title": "imdb_sentiment: promoted, version 2 is live (span 5 is new)",
            "model": "imdb_sentiment",
            "workspace": "/data/workspace",
            "reasons": ("accuracy is up",),
        }
        return Alert(id=key, **(known | facts))

    return make


@pytest.fixture
def quick() -> Callable[..., AlertSettings]:
    """Settings that try again at once, and give a receiver the time that a busy machine takes."""

    def make(**given) -> AlertSettings:
        return AlertSettings(**({"retry_seconds": 0.01, "timeout_seconds": 20, "linger_seconds": 60} | given))

    return make
