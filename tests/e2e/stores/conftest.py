import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import obstore
import processes
import pytest
from e2e.stores import servers
from obstore.store import S3Store

WRITERS = Path(__file__).parent / "writers.py"


class Bucket:
    """A bucket of a running server, and processes that use it.

    Attributes:
      variables: the environment of its clients.
      client: to look at the objects and to damage them.
    """

    def __init__(self, variables: dict[str, str], folder: Path) -> None:
        self.variables = variables
        self.folder = folder
        self.client = S3Store(
            servers.BUCKET,
            endpoint=variables["AWS_ENDPOINT_URL"],
            region=variables["AWS_REGION"],
            access_key_id=variables["AWS_ACCESS_KEY_ID"],
            secret_access_key=variables["AWS_SECRET_ACCESS_KEY"],
            client_options={"allow_http": True},
        )

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


@pytest.fixture(scope="session", params=["obeys"])
def server(request, tmp_path_factory) -> Iterator[dict[str, str]]:
    try:
        servers.python()
    except servers.Missing as error:
        pytest.skip(str(error))
    with servers.s3_server(tmp_path_factory.mktemp("s3"), conditions=request.param) as variables:
        yield variables


@pytest.fixture
def bucket(server, tmp_path, monkeypatch) -> Bucket:
    for name, value in server.items():
        monkeypatch.setenv(name, value)
    return Bucket(server, tmp_path)


@pytest.fixture
def without_conditions(tmp_path) -> Iterator[Bucket]:
    try:
        with servers.s3_server(tmp_path, conditions="ignores") as variables:
            yield Bucket(variables, tmp_path)
    except servers.Missing as error:
        pytest.skip(str(error))


@pytest.fixture
def race(bucket) -> Callable[[str, list[str]], list[dict[str, object]]]:
    """Starts a process for each model, lets them all push at once, and returns what they say."""

    def run(root: str, models: list[str]) -> list[dict[str, object]]:
        go = bucket.folder / "go"
        go.unlink(missing_ok=True)
        writers = [bucket.start(root, "race", name) for name in models]
        for writer in writers:
            assert json.loads(writer.stdout.readline()) == {"ready": True}
        go.touch()
        return [json.loads(writer.communicate(timeout=280)[0]) for writer in writers]

    return run
