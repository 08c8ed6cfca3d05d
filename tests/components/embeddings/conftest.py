import io
import tarfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from suite.threaded_server import running

from components.embeddings import text_module

WORDS = ("the", "film", "is", "good", "bad", "n't", "'s", "!", "café")
OOV_ROWS = 2


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory) -> Path:
    """A text embedding of nine words whose row i is (i + 1, 10 * (i + 1))."""
    rows = np.arange(1, len(WORDS) + OOV_ROWS + 1, dtype=np.float32)
    folder = tmp_path_factory.mktemp("embedding") / "tiny"
    text_module.save(folder, words=WORDS, vectors=np.stack([rows, 10 * rows], axis=1))
    return folder


class HubServer:
    """Answers as tfhub.dev does: a module's URL with ?tf-hub-format=compressed sends its tar.gz."""

    def __init__(self, base: str):
        self.base = base
        self.answers: dict[str, tuple[int, bytes]] = {}
        self.requests: list[str] = []

    def offer(self, path: str, folder: Path) -> str:
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w:gz") as tar:
            tar.add(folder, arcname=".")
        return self.answer(path, 200, archive.getvalue())

    def answer(self, path: str, status: int, body: bytes) -> str:
        self.answers[f"{path}?tf-hub-format=compressed"] = (status, body)
        return self.base + path


@pytest.fixture
def hub_server() -> Iterator[HubServer]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            hub.requests.append(self.path)
            status, body = hub.answers.get(self.path, (404, b"no such module"))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args):
            """The test's output stays quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    hub = HubServer(f"http://127.0.0.1:{server.server_port}")
    with running(server):
        yield hub
