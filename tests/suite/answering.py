"""An HTTP server on loopback that answers in place of an engine's pages or a repository."""

import http.server
import json
from collections.abc import Iterator
from contextlib import contextmanager

from suite.threaded_server import running


class Answers(http.server.ThreadingHTTPServer):
    """`files` has what it answers, by path; other paths are 404."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files: dict[str, bytes] = {}
        self.asked: list[str] = []
        self.address = f"127.0.0.1:{self.server_port}"
        self.url = f"http://{self.address}"

    def answer_json(self, path: str, found: object) -> None:
        self.files[path] = json.dumps(found).encode()


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Answers

    def do_GET(self) -> None:
        self.server.asked.append(f"{self.command} {self.path}")
        found = self.server.files.get(self.path)
        self.send_response(200 if found is not None else 404)
        self.send_header("Content-Length", str(len(found or b"")))
        self.end_headers()
        self.wfile.write(found or b"")

    do_PATCH = do_GET

    def log_message(self, *arguments: object) -> None:
        pass


@contextmanager
def answering() -> Iterator[Answers]:
    """A server for as long as the context."""
    with running(Answers()) as server:
        yield server
