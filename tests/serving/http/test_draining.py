"""A server that stops answers all that it has let in: no client sees a reset, however fast it comes again."""

import asyncio
import collections
import socket
import ssl
import threading
from unittest import mock

import pytest
import trustme
import uvloop
from uvicorn.server import ServerState
from waiting import until

from serving.http import backlog, connection, server
from serving.settings import ServeSettings

BODY = b'{"instances": ["good"]}'
REQUEST = b"POST /v1/models/imdb_sentiment:predict HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s" % (
    len(BODY),
    BODY,
)


@pytest.fixture(autouse=True)
def patience(monkeypatch):
    """Patience for a busy machine: what is tested ends by itself."""
    monkeypatch.setattr(backlog, "_LONGEST_SECONDS", 60.0)


def answer_of(connection: socket.socket) -> bytes:
    content = b""
    while part := connection.recv(65536):
        content += part
        if content.endswith(b"}]}"):
            break
    return content


class Crowd:
    """Clients that connect again as soon as they have their answer, until they are refused."""

    def __init__(self, port: int, clients: int, *, tls: ssl.SSLContext | None = None) -> None:
        self.port = port
        self.tls = tls
        self.outcomes: collections.Counter[str] = collections.Counter()
        self.enough = threading.Event()
        self.threads = [threading.Thread(target=self.ask_on) for _ in range(clients)]
        for thread in self.threads:
            thread.start()

    def ask_on(self) -> None:
        outcome = ""
        while outcome != "refused":
            outcome = self.ask()
            self.outcomes[outcome] += 1
            if self.outcomes["answered"] > 100:
                self.enough.set()

    def ask(self) -> str:
        try:
            plain = socket.create_connection(("127.0.0.1", self.port), timeout=60)
        except ConnectionRefusedError:
            return "refused"
        with plain:
            try:
                connection = plain if self.tls is None else self.tls.wrap_socket(plain)
                with connection:
                    connection.sendall(REQUEST)
                    content = answer_of(connection)
            except OSError as error:
                return repr(error)
        whole = content.startswith(b"HTTP/1.1 200 ") and content.endswith(b"}]}")
        return "answered" if whole else f"broke off: {content!r}"


@pytest.mark.parametrize("settings", [{}, {"drain_delay_seconds": 0.2}], ids=str)
def test_clients_that_reconnect_without_pause_are_answered_or_refused_never_reset(serving_small, settings):
    with serving_small(**settings) as running:
        crowd = Crowd(running.port, clients=8)
        crowd.enough.wait(120)
        running.stop()
        for thread in crowd.threads:
            thread.join()
    assert set(crowd.outcomes) == {"answered", "refused"}, crowd.outcomes
    assert crowd.outcomes["refused"] == 8


def test_with_tls_as_well(serving_small, tmp_path):
    certificate = trustme.CA().issue_cert("localhost")
    certificate.cert_chain_pems[0].write_to_path(tmp_path / "chain.pem")
    certificate.private_key_pem.write_to_path(tmp_path / "key.pem")
    tls = {"tls_certificate": tmp_path / "chain.pem", "tls_key": tmp_path / "key.pem"}
    with serving_small(**tls) as running:
        crowd = Crowd(running.port, clients=8, tls=ssl._create_unverified_context())
        crowd.enough.wait(120)
        running.stop()
        for thread in crowd.threads:
            thread.join()
    assert set(crowd.outcomes) == {"answered", "refused"}, crowd.outcomes


@pytest.mark.parametrize("closing", [True, False])
def test_a_connection_whose_socket_is_closed_already_is_let_go(closing):
    """TLS tells its protocol later; meanwhile the transport has no socket."""
    transport = mock.Mock()
    transport.get_extra_info.return_value = None
    transport.is_closing.return_value = closing
    settings = ServeSettings()
    made = connection.connection_class(settings)(
        config=server._config(mock.Mock(), settings),
        server_state=ServerState(),
        app_state={},
        _loop=mock.Mock(),
    )
    made.connection_made(transport)
    made.cycle = mock.Mock(response_complete=True)
    made.shutdown()
    assert transport.close.call_count == (0 if closing else 1)
    made._cut_off()
    transport.abort.assert_called_once()


def test_a_connection_that_has_not_asked_yet_may_still_ask(serving_small, monkeypatch):
    monkeypatch.setattr(connection, "_FIRST_REQUEST_SECONDS", 60.0)
    with serving_small() as server, socket.create_connection(("127.0.0.1", server.port)) as client:
        stopping = threading.Thread(target=server.stop)
        stopping.start()
        until(lambda: server.server.stopping)
        client.sendall(REQUEST)
        content = answer_of(client)
        stopping.join()
    assert content.startswith(b"HTTP/1.1 200 ") and b"\r\nconnection: close\r\n" in content


def test_connections_that_say_nothing_do_not_hold_up_the_end(serving_small):
    with (
        serving_small(idle_seconds=3600, header_seconds=3600, drain_seconds=3600) as server,
        socket.create_connection(("127.0.0.1", server.port)) as silent,
        socket.create_connection(("127.0.0.1", server.port)) as idle,
    ):
        idle.sendall(REQUEST)
        assert answer_of(idle).endswith(b"}]}")
        server.stop()
        assert (silent.recv(1), idle.recv(1)) == (b"", b"")


async def listening(accepted: list) -> tuple[asyncio.Server, socket.socket]:
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setblocking(False)
    server = await asyncio.start_server(lambda reader, writer: accepted.append(writer), sock=listener)
    return server, listener


@pytest.mark.parametrize("with_filter", [True, False])
def test_all_that_wait_are_accepted_before_it_returns(monkeypatch, with_filter):
    if not with_filter:
        monkeypatch.setattr(backlog, "_refuse_new", lambda listener: False)

    async def run() -> None:
        accepted: list = []
        server, listener = await listening(accepted)
        clients = [socket.create_connection(listener.getsockname()) for _ in range(50)]
        await backlog.serve_backlog(listener)
        server.close()
        async with asyncio.timeout(60):
            while len(accepted) < len(clients):
                await asyncio.sleep(0.001)
        for each in (*clients, *accepted):
            each.close()

    uvloop.run(run())  # which attaches a connection as it accepts it


@pytest.mark.skipif(not hasattr(socket, "SO_INCOMING_CPU"), reason="needs Linux")
def test_what_comes_after_the_filter_waits_and_is_then_refused():
    async def run() -> BaseException | None:
        server, listener = await listening([])
        with socket.socket() as late:
            late.setblocking(False)
            assert backlog._refuse_new(listener)
            connecting = asyncio.ensure_future(
                asyncio.get_running_loop().sock_connect(late, listener.getsockname())
            )
            await asyncio.wait([connecting], timeout=0.2)
            assert not connecting.done()
            server.close()
            await asyncio.wait([connecting])
            return connecting.exception()

    assert isinstance(uvloop.run(run()), ConnectionRefusedError)
