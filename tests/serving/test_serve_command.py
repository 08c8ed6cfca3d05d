"""`greenlight serve` from outside: a process that starts, says where it is, ends well, and can be killed."""

import contextlib
import itertools
import json
import re
import signal
import socket
import subprocess
import threading
from pathlib import Path

import httpx
import processes
import pytest
from processes import refusal
from waiting import until

from serving.store.manifest import Facts
from serving.versions import VersionStore

ROOT = Path(__file__).parents[2]
MODEL = "imdb_sentiment"


class Process:
    """A server over `workspace`; `url` once it is up."""

    def __init__(self, workspace: Path, *options: str, rest_port: int = 0, open_files: int = 0) -> None:
        limited = ("sh", "-c", 'ulimit -n "$0" && exec "$@"', str(open_files)) if open_files else ()
        self.process = subprocess.Popen(
            [
                *limited,
                *processes.GREENLIGHT,
                "serve",
                "--workspace",
                str(workspace),
                "--rest-port",
                str(rest_port),
                "--grpc-port",
                "0",
                *options,
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=processes.environment(),
        )
        self.errors: list[str] = []
        self._reading = threading.Thread(target=lambda: self.errors.extend(self.process.stderr))
        self._reading.start()
        self.said = []
        for line in self.process.stdout:
            self.said.append(line)
            if "  ask " in line:
                break
        found = re.search(r"rest +(http://\S+?)/v1/", "".join(self.said))
        assert found, "".join(self.errors)
        self.url = found[1]
        self.port = int(self.url.rpartition(":")[2])
        self.client = httpx.Client(base_url=self.url, timeout=60)

    def __enter__(self) -> "Process":
        return self

    def __exit__(self, *error: object) -> None:
        self.client.close()
        self.process.kill()
        self.ended()

    def tell(self, number: int) -> None:
        self.process.send_signal(number)

    def ended(self) -> int:
        """The exit code; standard error is complete then."""
        code = self.process.wait(60)
        self._reading.join(60)
        self.process.stdout.close()
        self.process.stderr.close()
        return code

    def events(self) -> list[dict]:
        return [json.loads(line) for line in self.errors if line.startswith("{")]

    def predict(self, text: str = "a film", **options) -> httpx.Response:
        return self.client.post(f"/v1/models/{MODEL}:predict", json={"instances": [text]}, **options)

    def slow(self, steps: int = 300_000) -> "threading.Thread":
        """Sends a request that the model needs some time for; its response is `answered` of the thread."""

        def ask():
            body = {"signature_name": "slow", "instances": [steps]}
            with contextlib.suppress(httpx.RemoteProtocolError):  # in the story where the server is ended
                thread.answered = httpx.post(f"{self.url}/v1/models/{MODEL}:predict", json=body, timeout=60)

        thread = threading.Thread(target=ask)
        thread.answered = None
        thread.start()
        until(lambda: not thread.is_alive() or self.is_busy())
        return thread

    def is_busy(self) -> bool:
        metrics = self.client.get("/monitoring/prometheus/metrics").text
        return not re.search(r"^greenlight_running_calls\{.*\} 0\.0$", metrics, re.MULTILINE)


@pytest.fixture
def workspace(tmp_path) -> Path:
    return tmp_path / "workspace"


@pytest.fixture
def store(workspace) -> VersionStore:
    return VersionStore(workspace / "serving" / MODEL)


def test_it_waits_for_the_first_version_and_answers_the_last_request_before_it_ends(
    workspace, store, tiny_model
):
    with Process(workspace, "--set", "serve.poll_seconds=0.05") as server:
        assert server.said[1].rstrip() == (
            f"NOT READY  {MODEL} has no version that can be served; it will be as soon as there is one in "
            f"{workspace / 'serving' / MODEL}"
        )
        assert server.client.get("/readyz").status_code == 503
        assert server.predict().status_code == 404
        store.push(tiny_model(0.75), Facts())
        until(lambda: server.client.get("/readyz").status_code == 200)
        assert server.predict("secret words").json() == {
            "predictions": [{"label": "positive", "probability": 0.75}]
        }
        last = server.slow()
        server.tell(signal.SIGTERM)
        assert server.ended() == 0
        last.join()
        assert last.answered.json() == {"predictions": [300_000]}
        assert last.answered.headers["connection"] == "close"
    events = server.events()
    assert [event["event"] for event in events if event["event"] != "request"] == [
        "version loaded",
        "stopping",
        "stopped",
    ]
    assert "secret words" not in "".join(server.errors)
    assert {event["route"] for event in events if event["event"] == "request"} >= {
        "GET /readyz",
        "POST /v1/models:predict",
    }


@pytest.mark.proof
def test_after_a_kill_it_starts_again_at_once_on_the_same_port(workspace, store, tiny_model):
    store.push(tiny_model(0.25), Facts())
    store.push(tiny_model(0.75), Facts())
    with Process(workspace, "--version", "1") as server:
        assert server.said[0] == f"Loading version 1 in {store.root} ...\n"
        assert server.said[1] == f"READY  {MODEL}, version 1\n"
        server.predict()
        server.tell(signal.SIGKILL)
        assert server.ended() == -signal.SIGKILL
    with Process(workspace, rest_port=server.port) as again:
        assert again.port == server.port
        assert again.said[1] == f"READY  {MODEL}, version 2\n"
        assert again.predict().json()["predictions"][0]["probability"] == 0.75
        waiting = again.slow(300_000_000)  # longer than any machine takes to pass on two signals
        again.tell(signal.SIGTERM)
        # Python handles signals that wait together in the order of their numbers, not of their arrival
        until(lambda: any(event["event"] == "stopping" for event in again.events()))
        again.tell(signal.SIGINT)
        assert again.ended() == 128 + signal.SIGINT, "the second signal does not wait"
        waiting.join()


def test_it_does_not_listen_elsewhere_without_protection(greenlight):
    assert refusal(greenlight("serve", "--host", "0.0.0.0"), 2) == (
        "0.0.0.0 can be reached by other machines, and nothing would protect the model. Give API keys "
        "(serve.api_keys) or a TLS certificate (serve.tls_certificate, serve.tls_key), or stay on 127.0.0.1"
    )


@pytest.mark.parametrize("option", ["--rest-port", "--grpc-port"])
def test_a_taken_port_is_one_clear_message(greenlight, option):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ports = {"--rest-port": "0", "--grpc-port": "0", option: str(taken.getsockname()[1])}
        done = greenlight("serve", *itertools.chain(*ports.items()))
    assert (done.exit_code, done.stdout.splitlines()[1:]) == (2, [])
    assert f"Error: cannot listen on 127.0.0.1:{ports[option]}: Address already in use. " in done.stderr
    assert f"Choose another port with {option}, or free it" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_version_that_is_not_there_cannot_be_pinned(greenlight, workspace, store, tiny_model):
    store.push(tiny_model(0.25), Facts())
    done = greenlight("serve", "--workspace", str(workspace), "--version", "7")
    assert refusal(done, 2) == f"Version 7 is not published in {store.root}; there are: 1."


def test_a_version_that_was_rolled_back_cannot_be_pinned(greenlight, workspace, store, tiny_model):
    store.push(tiny_model(0.25), Facts())
    store.push(tiny_model(0.75), Facts())
    store.rollback()
    said = refusal(greenlight("serve", "--workspace", str(workspace), "--version", "2"), 2)
    assert said.startswith("Version 2 was rolled back. `greenlight promote 2` publishes it")


@pytest.mark.parametrize("host", ["nowhere.invalid", "192.0.2.1"])
def test_a_host_that_is_not_this_machine_is_to_be_named_otherwise(greenlight, tmp_path, host):
    (tmp_path / "keys").write_text("k" * 24)
    done = greenlight("serve", "--host", host, "--api-keys", "keys")
    assert done.exit_code == 2
    assert f"Error: cannot listen on {host}: " in done.stderr
    assert "Name an address of this machine with --host\n" in done.stderr


def test_a_mistake_in_an_option_is_named_with_its_setting(greenlight):
    assert "serve.rest_port" in refusal(greenlight("serve", "--rest-port", "70000"), 2)


@pytest.mark.proof
def test_connections_beyond_the_limit_of_open_files_are_answered_503(small_workspace):
    with Process(small_workspace, open_files=128) as server, contextlib.ExitStack() as stack:
        connections = [
            stack.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=60))
            for _ in range(300)
        ]
        statuses = []
        for connection in connections:
            with contextlib.suppress(ConnectionError):  # it was refused before it asked
                connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            statuses.append(connection.recv(65536).split()[1].decode())
        assert set(statuses) == {"200", "503"}
        assert statuses == sorted(statuses)
        assert 40 < statuses.count("200") < 128
        for connection in connections:
            connection.close()
        until(lambda: server.client.get("/healthz").status_code != 503)
        assert not any("Too many open files" in line for line in server.errors)
        server.tell(signal.SIGTERM)
        assert server.ended() == 0
        (warning,) = [event for event in server.events() if event["level"] == "warning"]
        assert (warning["limit"], warning["needed"]) == (128, 2128)
        assert "ulimit -n" in warning["event"]


@pytest.mark.proof
def test_connections_of_grpc_leave_descriptors_for_http_and_new_versions(small_workspace, small_model):
    with Process(small_workspace, open_files=64) as server, contextlib.ExitStack() as stack:
        port = int(re.search(r"grpc +\S+:(\d+)", "".join(server.said))[1])
        for _ in range(150):
            stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=60))
        assert server.predict().status_code == 200
        VersionStore(small_workspace / "serving" / MODEL).push(small_model(2.0), Facts())
        until(lambda: '"AVAILABLE"' in server.client.get(f"/v1/models/{MODEL}/versions/2").text)
        assert not any("Too many open files" in line for line in server.errors)
