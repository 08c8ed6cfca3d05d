import http.server
import json
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

OVERVIEW = {"flink-version": "1.18.1", "taskmanagers": 2, "slots-total": 4, "slots-available": 4}


class Answers(http.server.ThreadingHTTPServer):
    """An HTTP server on loopback. `files` has what it answers, by path; other paths are 404."""

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


@pytest.fixture
def answers() -> Iterator[Answers]:
    with Answers() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def flink(answers) -> Answers:
    """The REST API of a Flink 1.18 cluster of two task managers."""
    answers.answer_json("/overview", OVERVIEW)
    return answers


def write_jar(path: Path, *, beam: str, flink: str) -> Path:
    """A jar that tells of these versions, as Beam's job server for Flink does."""
    with zipfile.ZipFile(path, "w") as jar:
        jar.writestr(
            "org/apache/beam/sdk/sdk.properties", f"# a comment\nversion={beam}\nsdk_version={beam}\n"
        )
        jar.writestr(".flink-runtime.version.properties", f"project.version={flink}\n")
    return path


@pytest.fixture
def make_jar(tmp_path):
    return lambda **versions: write_jar(tmp_path / "job-server.jar", **versions)


@pytest.fixture
def make_spark_jar(tmp_path):
    """Makes a jar that tells of its versions as Beam's job server for Spark does."""

    def make(*, beam: str, spark: str) -> Path:
        path = tmp_path / "spark-job-server.jar"
        with zipfile.ZipFile(path, "w") as jar:
            jar.writestr("org/apache/beam/sdk/sdk.properties", f"version={beam}\n")
            jar.writestr("spark-version-info.properties", f"version={spark}\nuser=\n")
        return path

    return make
