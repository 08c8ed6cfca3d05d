"""The comparison with other model servers: formats, the table, and a server that does not start."""

import sys
from pathlib import Path

import pytest

from benchmarks.serving.formats import FORMATS
from benchmarks.serving_peers import __main__ as comparing
from benchmarks.serving_peers.peers import PEERS, SERVERS, NotStarted, Peer, Place, serving


@pytest.mark.parametrize(
    ("form", "body", "answer"),
    [
        ("tensorflow", {"instances": ["fine"]}, b'{"predictions": [{"probability": 0.75}]}'),
        (
            "open-inference",
            {"inputs": [{"name": "text", "shape": [1], "datatype": "BYTES", "data": ["fine"]}]},
            b'{"outputs": [{"name": "probability", "data": [0.75]}]}',
        ),
        ("list", {"instances": ["fine"]}, b"[0.75]"),
    ],
)
def test_each_format_asks_for_and_finds_the_probability(form, body, answer):
    assert FORMATS[form].body("fine") == body
    assert FORMATS[form].answer(answer) == 0.75


def test_a_single_client_is_named_in_the_singular():
    assert comparing.key("BentoML", 1, "rows/s") == "BentoML, 1 client, rows/s"
    assert comparing.key("BentoML", 64, "errors") == "BentoML, 64 clients, errors"


def test_the_table_has_medians_relative_speed_and_all_errors():
    rounds = {
        comparing.key(server, clients, measure): values
        for server, factor in ((comparing.OURS, 2), ("LitServe", 1))
        for clients in comparing.CLIENTS
        for measure, values in (
            ("p50, ms", [1.0, 3.0, 2.0]),
            ("p99, ms", [5.0, 4.0, 6.0]),
            ("rows/s", [1000.0 * factor, 3000.0 * factor, 2000.0 * factor]),
            ("errors", [0, 1, 2]),
        )
    }
    cells = comparing.rows(rounds, (comparing.OURS, "LitServe"))

    assert len(cells) == 2 * len(comparing.CLIENTS)
    assert cells[0] == ("greenlight", "1", "2.00", "5.00", "4,000", "1.00", "3")
    assert cells[-1] == ("LitServe", "256", "2.00", "5.00", "2,000", "0.50", "3")


def test_a_server_that_ends_is_named_with_its_last_words(tmp_path: Path):
    ends = Peer(lambda place: ["-c", "raise SystemExit('no such model')"])

    with (
        pytest.raises(NotStarted, match="no such model"),
        serving(ends, model=tmp_path, python=Path(sys.executable), folder=tmp_path),
    ):
        pass


def test_a_server_is_used_once_it_answers_and_ended_afterwards(tmp_path: Path):
    program = tmp_path / "answering.py"
    program.write_text(
        "import sys\n"
        "from http.server import BaseHTTPRequestHandler, HTTPServer\n"
        "class Answer(BaseHTTPRequestHandler):\n"
        "    def do_POST(self):\n"
        "        body = b'[0.75]'\n"
        "        self.send_response(200)\n"
        "        self.send_header('content-length', str(len(body)))\n"
        "        self.end_headers()\n"
        "        self.wfile.write(body)\n"
        "HTTPServer(('127.0.0.1', int(sys.argv[1])), Answer).serve_forever()\n"
    )
    answering = Peer(lambda place: [str(program), str(place.port)], form="list")

    with serving(answering, model=tmp_path, python=Path(sys.executable), folder=tmp_path) as url:
        assert url.endswith("/predict")
        port = int(url.split(":")[2].split("/")[0])
    with pytest.raises(NotStarted):  # the port is free again: the first server has ended
        ends = Peer(lambda place: ["-c", f"import socket; socket.create_server(('127.0.0.1', {port}))"])
        with serving(ends, model=tmp_path, python=Path(sys.executable), folder=tmp_path):
            pass
    assert "Address already in use" not in (tmp_path / "server.log").read_text()


def test_every_server_has_its_program(tmp_path: Path):
    place = Place(Path("/env/bin/python"), 1234, tmp_path)
    for peer in PEERS.values():
        peer.prepare(place)
        assert peer.command(place)

    assert {path.name for path in SERVERS.glob("*.py")} >= {
        "fastapi_app.py", "bentoml_service.py", "litserve_server.py", "mlserver_runtime.py"
    }  # fmt: skip
    assert '"http_port": 1234' in (tmp_path / "settings.json").read_text()
