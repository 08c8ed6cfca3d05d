"""The standard gRPC health service: SERVING while the model answers.

The packaged servicer drops all watchers of a service when one of them disconnects.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any

import grpc
from grpc.aio import ServicerContext
from grpc_health.v1 import health_pb2, health_pb2_grpc

NAME = "grpc.health.v1.Health"
_Response = health_pb2.HealthCheckResponse


class HealthServicer(health_pb2_grpc.HealthServicer):
    """The state of `services`, and of the server under the empty name, from `ready`."""

    def __init__(self, services: Iterable[str], ready: Callable[[], bool], *, most_watchers: int) -> None:
        self._names = {"", *services}
        self._ready = ready
        self._most_watchers = most_watchers
        self._watchers = 0
        self._changed = asyncio.Event()
        self._closed = False

    def changed(self) -> None:
        """To be called when the result of `ready` may have changed."""
        self._changed.set()
        self._changed = asyncio.Event()

    def close(self) -> None:
        """Ends the calls of watchers after they have received the last state."""
        self._closed = True
        self.changed()

    async def Check(self, request: Any, context: ServicerContext) -> Any:
        """The state of a service; NOT_FOUND for an unknown service."""
        if request.service not in self._names:
            await context.abort(grpc.StatusCode.NOT_FOUND, f"There is no service {request.service} here")
        return _Response(status=self._status(request.service))

    async def Watch(self, request: Any, context: ServicerContext) -> AsyncIterator[Any]:
        """The state of a service, now and after each change; RESOURCE_EXHAUSTED for too many watchers."""
        if self._watchers >= self._most_watchers:
            text = f"{self._watchers} clients watch already; use Check"
            await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, text)
        self._watchers += 1
        try:
            async for status in self._states(request.service):
                yield _Response(status=status)
        finally:
            self._watchers -= 1

    async def _states(self, service: str) -> AsyncIterator[Any]:
        told = None
        while True:
            changed = self._changed
            if (status := self._status(service)) != told:
                told = status
                yield status
            if self._closed:
                return
            await changed.wait()

    def _status(self, service: str) -> Any:
        if service not in self._names:
            return _Response.SERVICE_UNKNOWN
        return _Response.SERVING if self._ready() else _Response.NOT_SERVING
