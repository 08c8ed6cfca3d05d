"""The server process: HTTP and gRPC over one service in one event loop."""

import asyncio
import logging
import os
import signal
import socket
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING

import uvloop

from serving.endpoint import descriptors
from serving.endpoint.access_log import AccessLog, EventHandler, LineSink
from serving.endpoint.addresses import Addresses, address, listen
from serving.endpoint.auth import load_keys
from serving.errors import StoreInputError
from serving.http.server import HttpServer
from serving.model import loader
from serving.model.batching import Batcher, BatchLimits
from serving.model.manager import Models
from serving.model.metrics import Metrics
from serving.model.service import Service
from serving.request_log import RequestLog
from serving.settings import ServeSettings
from serving.versions import VersionStore

if TYPE_CHECKING:
    from serving.grpc.server import GrpcServer

_LOG = logging.getLogger("greenlight.serving")
_LOGGERS = ("greenlight", "uvicorn", "asyncio", "grpc")
"""Whose records are lines of the log: ours, and those of what carries us."""
_SWITCH_SECONDS = 0.0005
"""How long a model thread that has its answer waits for the event loop to let it go on; Python's own 5 ms are
as long as a whole call."""


class Server:
    """The server over `store`, in the running event loop.

    Use: `await start()`, and then `await run()` until it is told to stop.
    """

    def __init__(
        self,
        store: VersionStore,
        settings: ServeSettings,
        *,
        model_name: str,
        request_log: Path,
    ) -> None:
        self._settings = settings
        self._stop = asyncio.Event()
        self._sink = LineSink(sys.stderr.buffer)
        self._events = EventHandler(self._sink)
        self.metrics = Metrics(model_name)
        self._access = AccessLog(self.metrics, self._sink if settings.access_log else None)
        self._batcher = Batcher(_limits(settings), observe=self.metrics.call)
        self.metrics.follow(
            queued=lambda: self._batcher.queued,
            running=lambda: self._batcher.running,
            connections=lambda: len(self._http.server_state.connections) if self._http else 0,
        )
        self.models = Models(
            store,
            name=model_name,
            versions=settings.versions,
            pin=settings.version,
            poll_seconds=settings.poll_seconds,
            load_seconds=settings.load_seconds,
            answer_seconds=settings.timeout_seconds,
            metrics=self.metrics,
        )
        self._log = (
            RequestLog(
                request_log,
                share=settings.request_log_share,
                max_mib=settings.request_log_max_mib,
                max_days=settings.request_log_days,
                outcome=self.metrics.log_rows,
            )
            if settings.request_log_share
            else None
        )
        self.service = Service(
            self.models, self._batcher, settings, metrics=self.metrics, request_log=self._log
        )
        self._http: HttpServer | None = None
        self._grpc: GrpcServer | None = None
        self._watching: asyncio.Task[None] | None = None
        self._serving: asyncio.Task[None] | None = None

    async def start(self) -> Addresses:
        """Loads what there is to load, and listens.

        Raises:
          StoreInputError: an address cannot be listened on; or the pinned version is not there.
          StoreError: the store cannot be read; or the pinned version does not verify.
        """
        for name in _LOGGERS:
            logging.getLogger(name).addHandler(self._events)
        logging.getLogger("greenlight").setLevel(logging.INFO)
        settings = self._settings
        descriptors.reserve(settings)
        listener = listen(settings.host, settings.rest_port, setting="rest_port")
        try:
            if settings.grpc:  # known before TensorFlow is imported, which takes seconds
                listen(settings.host, settings.grpc_port, setting="grpc_port").close()
            await self.models.check_pin()
            await asyncio.to_thread(loader.prepare)
            grpc_address = self._prepare_grpc() if settings.grpc else None
            await self.models.start()
        except BaseException:
            listener.close()
            raise
        self._watching = asyncio.create_task(self.models.watch())
        if self._grpc is not None:
            await self._grpc.start()
        await self._start_http(listener)
        return Addresses(
            rest=address(settings.host, listener.getsockname()[1]),
            grpc=grpc_address,
            tls=settings.tls_certificate is not None,
        )

    async def _start_http(self, listener: socket.socket) -> None:
        from serving.rest.app import create_app

        settings = self._settings
        app = create_app(
            self.service, settings, self.metrics, access=self._access, stopping=self._stop.is_set
        )
        self._http = HttpServer(app, settings)
        serving = self._serving = asyncio.create_task(self._http.serve(sockets=[listener]))
        while not self._http.started:
            if serving.done():  # the certificate was changed meanwhile, perhaps
                listener.close()
                await serving
            await asyncio.sleep(0.01)

    def _prepare_grpc(self) -> str:
        """A gRPC server that holds its port; it takes no call before it is started."""
        from serving.grpc.server import GrpcServer

        settings = self._settings
        self._grpc = GrpcServer(self.service, settings, keys=load_keys(settings), access=self._access)
        self.models.on_change(self._grpc.readiness_changed)
        try:
            port = self._grpc.listen(address(settings.host, settings.grpc_port))
        except RuntimeError as error:  # its text does not say why; an attempt of our own finds out
            listen(settings.host, settings.grpc_port, setting="grpc_port").close()
            raise StoreInputError(f"gRPC cannot listen on port {settings.grpc_port}: {error}") from error
        return address(settings.host, port)

    @property
    def stopping(self) -> bool:
        """Whether `stop` was called."""
        return self._stop.is_set()

    def stop(self) -> None:
        """Asks `run` to drain and return."""
        self._stop.set()

    async def run(self) -> None:
        """Serves until `stop`, then drains: not ready, then no new connections, then the last answers."""
        await self._stop.wait()
        _LOG.info("stopping")
        self.service.drain()
        if self._grpc is not None:
            self._grpc.readiness_changed()
        await asyncio.sleep(self._settings.drain_delay_seconds)
        ends: list[Awaitable[None]] = []
        if self._http is not None and self._serving is not None:
            self._http.should_exit = True
            ends.append(self._serving)
        if self._grpc is not None:
            ends.append(self._grpc.stop(self._settings.drain_seconds))
        await asyncio.gather(*ends)
        await self.close()

    async def close(self) -> None:
        """Lets go of everything; logs are finished."""
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.wait([self._watching])
        self._batcher.close()
        await self.models.close()
        if self._log is not None:
            await asyncio.to_thread(self._log.close)
        _LOG.info("stopped")
        for name in _LOGGERS:
            logging.getLogger(name).removeHandler(self._events)
        self._sink.close()


def serve(
    store: VersionStore,
    settings: ServeSettings,
    *,
    model_name: str,
    request_log: Path,
    started: Callable[[Server, Addresses], None],
) -> None:
    """Serves until SIGTERM, SIGINT or SIGHUP, then drains and returns; a second one ends the process at once.

    Raises:
      StoreError: what stands in the way.
    """

    async def whole_life() -> None:
        server = Server(store, settings, model_name=model_name, request_log=request_log)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            if signal.getsignal(number) is not signal.SIG_IGN:  # as SIGHUP is under `nohup`
                loop.add_signal_handler(number, _on_signal, server, number)
        try:
            addresses = await server.start()
        except BaseException:
            await server.close()
            raise
        started(server, addresses)
        await server.run()

    sys.setswitchinterval(_SWITCH_SECONDS)
    uvloop.run(whole_life())


def _on_signal(server: Server, number: int) -> None:
    if server.stopping:
        os._exit(128 + number)
    server.stop()


def _limits(settings: ServeSettings) -> BatchLimits:
    return BatchLimits(
        max_rows=settings.max_batch,
        max_delay=settings.max_delay_ms / 1000,
        max_queue=settings.max_queue,
        workers=settings.workers or max(1, (os.cpu_count() or 1) // 2),
        inline_seconds=settings.inline_ms / 1000,
    )
