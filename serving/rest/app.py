"""The ASGI application: ids, keys, limits and logs of every request, and the routing to the interfaces.

It is plain ASGI, so that no framework takes time in a prediction.
"""

import functools
import time
from collections.abc import Callable, Mapping

from serving.endpoint.access_log import HEADER, AccessLog, log_bug
from serving.endpoint.asgi import App, Receive, Scope, Send
from serving.endpoint.auth import ApiKeys, load_keys
from serving.http.cors import Cors
from serving.http.messages import (
    ClientGone,
    HttpError,
    Pairs,
    Request,
    Response,
    error_response,
    json_response,
    not_allowed,
    not_found,
    read_body,
    send_response,
)
from serving.model import metrics as metrics_page
from serving.model.metrics import Metrics
from serving.model.service import Service
from serving.open_inference.models import server_version
from serving.rest.open_inference import OpenInferenceApi
from serving.rest.openapi import document
from serving.rest.tensorflow_serving import ModelApi
from serving.settings import ServeSettings
from serving.status import RequestError
from serving.web import files as web

OPEN_PATHS = frozenset({"/v2/health/live", "/v2/health/ready", "/healthz", "/readyz"})
"""Paths that need no key, because the probes of a server have none."""

_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})


class Rest:
    """The application: the handling of every request, and the routing of paths.

    Args:
      service: the service that answers.
      metrics: the metrics for their page.
      access: assigns the ids of requests and logs their ends.
      keys: each of them opens all paths; health and `pages` need none.
      pages: path -> static file; they contain nothing about the model.
      stopping: whether each response is the last one of its connection.
    """

    def __init__(
        self,
        service: Service,
        *,
        metrics: Metrics,
        access: AccessLog,
        keys: ApiKeys,
        pages: Mapping[str, Response],
        stopping: Callable[[], bool] = lambda: False,
    ) -> None:
        self._service = service
        self._limits = service.settings
        self._metrics = metrics
        self._access = access
        self._keys = keys if keys else None
        origins = service.settings.cors_origins
        self._cors = Cors(origins) if origins else None
        self._stopping = stopping
        self._models = ModelApi(service)
        version = server_version()
        self._v2 = OpenInferenceApi(service, server_version=version)
        self._openapi = functools.partial(document, service.model_name, version, with_keys=bool(keys))
        self._pages = pages
        self._open = OPEN_PATHS | pages.keys()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await _live_through(receive, send)
            return
        started = time.perf_counter()
        headers = dict(scope["headers"])
        request_id = self._access.request_id(headers.get(HEADER))
        status = 0
        try:
            response = await self._respond_to_all(scope, headers, receive, request_id)
            if response is not None:
                status = response.status
                await send_response(response, self._last_headers(headers, request_id), send)
        finally:
            seconds = time.perf_counter() - started
            self._access.http_ended(scope, status=status, seconds=seconds, request_id=request_id)

    async def _respond_to_all(
        self, scope: Scope, headers: Mapping[bytes, bytes], receive: Receive, request_id: str
    ) -> Response | None:
        """The response, also for errors; None if the client has gone away."""
        path = scope["raw_path"].decode("latin-1")
        method = scope["method"]
        try:
            if self._keys is not None and path not in self._open and method != "OPTIONS":
                self._keys.check(headers)
            body = await read_body(headers, receive, self._limits) if method in _WITH_BODY else b""
            return await self._respond(
                Request(method=method, path=path, headers=headers, body=body, id=request_id)
            )
        except (RequestError, HttpError) as error:
            return error_response(error)
        except ClientGone:
            return None
        except Exception as error:  # for a bug, the client gets a response without a traceback
            log_bug("request failed", error, request_id=request_id)
            text = f"Internal error; the server's log has more under the request id {request_id}"
            return json_response({"error": text}, status=500)

    def _last_headers(self, headers: Mapping[bytes, bytes], request_id: str) -> Pairs:
        """The headers of every response."""
        cors = () if self._cors is None else self._cors.headers(headers)
        last: Pairs = ((b"connection", b"close"),) if self._stopping() else ()
        return (*cors, (HEADER, request_id.encode("ascii")), *last)

    async def _respond(self, request: Request) -> Response:
        path = request.path
        if self._models.serves(path):
            return await self._models.respond(request)
        if request.method == "OPTIONS" and self._cors is not None and self._cors.allows(request.headers):
            return Response(body=b"")
        if self._v2.serves(path):
            return await self._v2.respond(request)
        if path not in self._fixed and path not in self._pages:
            raise not_found()
        if request.method not in ("GET", "HEAD"):
            raise not_allowed("GET", "HEAD")
        return self._pages[path] if path in self._pages else self._fixed[path]()

    @functools.cached_property
    def _fixed(self) -> Mapping[str, Callable[[], Response]]:
        return {
            metrics_page.PATH: lambda: Response(
                body=self._metrics.render(), content_type=metrics_page.CONTENT_TYPE.encode()
            ),
            "/openapi.json": lambda: json_response(self._openapi()),
            "/healthz": lambda: json_response({"live": True}),
            "/readyz": self._readiness,
        }

    def _readiness(self) -> Response:
        ready = self._service.ready()
        retry = () if ready else ((b"retry-after", b"1"),)
        return json_response({"ready": ready}, status=200 if ready else 503, headers=retry)


def create_app(
    service: Service,
    settings: ServeSettings,
    metrics: Metrics,
    *,
    access: AccessLog,
    stopping: Callable[[], bool],
) -> App:
    """The ASGI application of the HTTP port, with the page at `/`.

    Raises:
      StoreInputError: the API keys in the settings cannot be read.
    """
    return Rest(
        service,
        metrics=metrics,
        access=access,
        keys=load_keys(settings),
        pages=web.pages(service.model_name),
        stopping=stopping,
    )


async def _live_through(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
