"""How many connections of gRPC there may be at a time."""

import contextlib
import socket

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0"


def connect(address: str) -> socket.socket:
    host, _, port = address.rpartition(":")
    connection = socket.create_connection((host, int(port)), timeout=60)
    connection.sendall(PREFACE)
    return connection


def is_taken(connection: socket.socket) -> bool:
    """Whether the server answers with its settings, or closes."""
    with contextlib.suppress(ConnectionResetError):
        return bool(connection.recv(9))
    return False


def test_connections_beyond_the_limit_are_closed_and_the_others_live_on(small_workspace, serve_workspace):
    running = serve_workspace(small_workspace, max_connections=3)
    with contextlib.ExitStack() as stack:
        held = [stack.enter_context(connect(running.grpc)) for _ in range(3)]
        assert all(is_taken(connection) for connection in held)
        assert not is_taken(stack.enter_context(connect(running.grpc)))
        held[0].close()
        while not is_taken(stack.enter_context(connect(running.grpc))):
            pass
