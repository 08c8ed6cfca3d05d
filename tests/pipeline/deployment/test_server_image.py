"""The health check of the server's image, run against servers of each kind of answer."""

import http.server
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from suite.threaded_server import running

DOCKERFILE = (Path(__file__).parents[3] / "deploy" / "Dockerfile").read_text(encoding="utf-8")


def health_check(port: int) -> list[str]:
    """The command of the HEALTHCHECK, on this Python and another port."""
    (command,) = re.findall(r"^HEALTHCHECK (?:.*\\\n)* *CMD (\[.*\])$", DOCKERFILE, re.MULTILINE)
    program, *arguments = json.loads(command)
    assert program == "python" and "127.0.0.1:8501/v2/health/ready" in arguments[-1]
    return [sys.executable, *arguments[:-1], arguments[-1].replace(":8501/", f":{port}/")]


@pytest.fixture
def server():
    """A server that answers `server.status` to every question."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(self.server.status)
            self.end_headers()

        def log_message(self, *arguments):
            pass

    with running(http.server.HTTPServer(("127.0.0.1", 0), Handler)) as found:
        yield found


@pytest.mark.parametrize(("status", "healthy"), [(200, True), (503, False), (404, False)])
def test_a_server_is_healthy_once_it_is_ready(server, status, healthy):
    server.status = status
    done = subprocess.run(health_check(server.server_port), capture_output=True)
    assert (done.returncode == 0) is healthy


def test_no_server_is_not_healthy(server):
    port = server.server_port
    server.server_close()
    assert subprocess.run(health_check(port), capture_output=True).returncode != 0
