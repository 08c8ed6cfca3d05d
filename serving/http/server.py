"""The HTTP server on uvicorn: one listening socket, no signal handlers, and a drain without resets."""

import asyncio
import contextlib
import functools
import socket
from collections.abc import Iterator

import uvicorn

from serving.endpoint.asgi import App
from serving.http.backlog import serve_backlog
from serving.http.connection import connection_class
from serving.settings import ServeSettings


class HttpServer(uvicorn.Server):
    """Serves an ASGI application on one listening socket."""

    def __init__(self, app: App, settings: ServeSettings) -> None:
        self._settings = settings
        super().__init__(_config(app, settings))

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Installs no signal handlers."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Like uvicorn's, with a time limit for the TLS handshake, which precedes the connection object."""
        config = self.config
        (listener,) = sockets or []
        connect = functools.partial(
            config.http_protocol_class,  # type: ignore[call-arg]
            config=config,
            server_state=self.server_state,
            app_state=self.lifespan.state,
        )
        server = await asyncio.get_running_loop().create_server(
            connect,
            sock=listener,
            ssl=config.ssl,
            backlog=config.backlog,
            ssl_handshake_timeout=self._settings.header_seconds if config.ssl else None,
        )
        self.servers = [server]
        self.started = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Like uvicorn's, after all waiting connections have been accepted."""
        for listener in sockets or ():
            await serve_backlog(listener)
        await super().shutdown(sockets)


def _config(app: App, settings: ServeSettings) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=connection_class(settings),  # type: ignore[arg-type]
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=settings.idle_seconds,  # type: ignore[arg-type]
        timeout_graceful_shutdown=settings.drain_seconds,  # type: ignore[arg-type]
        ssl_certfile=settings.tls_certificate,
        ssl_keyfile=settings.tls_key,  # type: ignore[arg-type]
    )
