"""uvicorn's internals that our connection and server build on, which docs/private-apis.md lists.

What our classes use of `self` and of a cycle is read from their source, so that the list is complete.
"""

import ast
import asyncio
import inspect
from pathlib import Path

import httptools
import pytest
import uvicorn
from uvicorn.lifespan.off import LifespanOff
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from serving.http import connection, server

ROOT = Path(__file__).parents[3]


async def no_app(scope, receive, send):
    return


def make_protocol() -> HttpToolsProtocol:
    config = uvicorn.Config(no_app, log_config=None, lifespan="off", ws="none")
    loop = asyncio.new_event_loop()
    try:
        protocol = HttpToolsProtocol(config, ServerState(), {}, loop)
        protocol.on_message_begin()
        return protocol
    finally:
        loop.close()


def attributes_used(owner: type, holder: str) -> set[str]:
    """The names X in `holder.X` in a class's source, where `holder` is an expression such as `self.cycle`."""
    nodes = ast.walk(ast.parse(inspect.getsource(owner)))
    return {
        node.attr for node in nodes if isinstance(node, ast.Attribute) and ast.unparse(node.value) == holder
    }


def require(where: object, names: set[str], what: str) -> None:
    missing = sorted(name for name in names if not hasattr(where, name))
    assert not missing, (
        f"uvicorn {uvicorn.__version__}: {what} has no {', '.join(missing)} any more. Adapt "
        "serving/http/connection.py or server.py, and docs/private-apis.md, before the pin is raised."
    )


def own_attributes(cls: type) -> set[str]:
    """What a class of ours defines: its methods, and what its `__init__` sets."""
    tree = ast.parse(inspect.getsource(cls))
    set_there = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)
    }
    return set(vars(cls)) | {name for name in set_there if name.startswith("_")}


def test_the_connection_finds_what_it_uses_of_uvicorns_protocol():
    used = attributes_used(connection.Connection, "self") - own_attributes(connection.Connection)
    assert {"cycle", "pipeline", "flow", "transport", "loop", "connections", "scheme"} <= used
    require(make_protocol(), used, "HttpToolsProtocol")


def test_the_connection_finds_what_it_uses_of_a_requests_cycle():
    used = attributes_used(connection.Connection, "self.cycle")
    used |= attributes_used(connection.Connection, "cycle")
    assert {"response_complete", "keep_alive", "transport"} <= used
    cycle = inspect.getsource(RequestResponseCycle.__init__)
    missing = sorted(name for name in used if f"self.{name} = " not in cycle)
    assert not missing, f"uvicorn {uvicorn.__version__}: RequestResponseCycle sets no {', '.join(missing)}"


OVERRIDDEN = [
    *(
        (HttpToolsProtocol, connection.Connection, name)
        for name in vars(connection.Connection)
        if not name.startswith("_")
    ),
    *((FlowControl, connection._Flow, name) for name in ("resume_reading",)),
    *((uvicorn.Server, server.HttpServer, name) for name in ("capture_signals", "startup", "shutdown")),
]


@pytest.mark.parametrize(
    ("base", "own", "name"), OVERRIDDEN, ids=[f"{base.__name__}.{name}" for base, _, name in OVERRIDDEN]
)
def test_what_is_overridden_is_still_what_uvicorn_calls(base, own, name):
    require(base, {name}, base.__name__)
    parameters = [list(inspect.signature(getattr(cls, name)).parameters) for cls in (base, own)]
    assert parameters[0] == parameters[1], f"uvicorn {uvicorn.__version__} calls {name} otherwise"


def test_uvicorn_still_answers_what_cannot_be_parsed_through_our_method():
    assert "self.send_400_response(" in inspect.getsource(HttpToolsProtocol.data_received)
    assert STATUS_LINE[503] == b"HTTP/1.1 503 Service Unavailable\r\n"


def test_the_server_finds_what_it_uses_of_uvicorns_server():
    made = uvicorn.Server(uvicorn.Config(no_app, log_config=None))
    used = attributes_used(server.HttpServer, "self") - own_attributes(server.HttpServer)
    require(made, used - {"servers", "lifespan"}, "Server")  # which uvicorn sets later
    require(ServerState(), {"connections", "tasks"}, "ServerState")
    assert "self.lifespan = config.lifespan_class(config)" in inspect.getsource(uvicorn.Server._serve)
    assert LifespanOff(made.config).state == {}
    assert "for server in self.servers" in inspect.getsource(uvicorn.Server.shutdown)


def test_the_connection_takes_uvicorns_arguments():
    expected = ["self", "config", "server_state", "app_state", "_loop"]
    assert list(inspect.signature(HttpToolsProtocol.__init__).parameters) == expected


def test_httptools_stops_where_a_request_offers_another_protocol():
    """Http1Parser reads such a request again, from the place that the exception names."""
    head = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n"
    parser = httptools.HttpRequestParser(object())
    with pytest.raises(httptools.HttpParserUpgrade) as stop:
        parser.feed_data(head + b"rest")
    assert stop.value.args[0] == len(head)


def test_the_lock_keeps_to_the_minor_version_that_is_tested():
    (line,) = [
        line
        for line in (ROOT / "requirements" / "serve.in").read_text().splitlines()
        if line.startswith("uvicorn")
    ]
    major, minor, *_ = uvicorn.__version__.split(".")
    assert line.split("#")[0].strip() == f"uvicorn>={major}.{minor},<{major}.{int(minor) + 1}"
