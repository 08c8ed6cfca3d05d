import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import obstore
import processes
import pytest
from e2e.stores import servers

from serving.storage.buckets import open_bucket

WRITERS = Path(__file__).parent / "writers.py"


class Bucket:
    """A bucket of a running server, and processes that use it.

    Attributes:
      variables: the environment of its clients.
      client: to look at the objects and to damage them.
    """

    def __init__(self, api: str, variables: dict[str, str], folder: Path, monkeypatch) -> None:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        self.variables = variables
        self.folder = folder
        self._root = f"{api}://{servers.BUCKET}"
        self.client = open_bucket(self._root)

    def address(self, path: str) -> str:
        return f"{self._root}/{path}"

    def environment(self, **more: str) -> dict[str, str]:
        """The variables of a process; an empty one of `more` is not set."""
        every = {**processes.environment(), **self.variables, **more}
        return {name: value for name, value in every.items() if value}

    def start(self, root: str, *words: str, **more: str) -> subprocess.Popen[str]:
        command = [sys.executable, str(WRITERS), root, str(self.folder), *words]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        return subprocess.Popen(command, env=self.environment(**more), **pipes)

    def run(self, root: str, *words: str, **more: str) -> list[dict[str, object]]:
        out, errors = self.start(root, *words, **more).communicate(timeout=280)
        assert "a-secret-of-the-tests" not in out + errors
        assert out or not errors, errors
        return [json.loads(line) for line in out.splitlines()]

    def names(self, prefix: str) -> list[str]:
        return sorted(one["path"] for one in obstore.list(self.client, prefix).collect())


@contextmanager
def running(folder: Path, **options: str) -> Iterator[dict[str, str]]:
    try:
        servers.python()
    except servers.Missing as error:
        pytest.skip(str(error))
    with servers.bucket_server(folder, **options) as variables:
        yield variables


@pytest.fixture(scope="session", params=["s3", "gs"])
def server(request, tmp_path_factory) -> Iterator[tuple[str, dict[str, str]]]:
    """The API of a running store, and the variables of its clients."""
    with running(tmp_path_factory.mktemp(request.param), api=request.param, conditions="obeys") as variables:
        yield request.param, variables


@pytest.fixture
def bucket(server, tmp_path, monkeypatch) -> Bucket:
    return Bucket(*server, tmp_path, monkeypatch)


@pytest.fixture(params=["s3-ignores", "s3-refuses", "gs-ignores"])
def without_conditions(request, tmp_path, monkeypatch) -> Iterator[Bucket]:
    api, _, conditions = request.param.partition("-")
    with running(tmp_path, api=api, conditions=conditions) as variables:
        yield Bucket(api, variables, tmp_path, monkeypatch)


@pytest.fixture
def limited(tmp_path, monkeypatch) -> Iterator[Bucket]:
    """A bucket that takes one write a second of each object."""
    with running(tmp_path, api="gs", conditions="limits") as variables:
        yield Bucket("gs", variables, tmp_path, monkeypatch)


@pytest.fixture
def race(bucket) -> Callable[[str, list[str]], list[dict[str, object]]]:
    """Starts a process for each model, lets them all push at once, and returns what they say."""

    def run(path: str, models: list[str]) -> list[dict[str, object]]:
        go = bucket.folder / "go"
        go.unlink(missing_ok=True)
        writers = [bucket.start(bucket.address(path), "race", name) for name in models]
        for writer in writers:
            assert json.loads(writer.stdout.readline()) == {"ready": True}
        go.touch()
        return [json.loads(writer.communicate(timeout=280)[0]) for writer in writers]

    return run
