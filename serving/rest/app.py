"""The HTTP server's application: limits and keys first, then TensorFlow Serving's paths, the Open Inference
Protocol, metrics and health. Plain ASGI: the path of a prediction has no framework in it."""

import functools
from collections.abc import Callable, Mapping

from serving.endpoint.access_log import log_bug
from serving.endpoint.asgi import App, Receive, Scope, Send
from serving.endpoint.auth import ApiKeys, load_keys
from serving.http.body import ClientGone, read_body
from serving.http.cors import Cors
from serving.http.messages import (
    Answer,
    HttpError,
    Request,
    error_answer,
    json_answer,
    not_allowed,
    not_found,
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
"""What can be asked without a key: whoever watches over the server has none."""

_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})


class Rest:
    """The application. `pages` are files by their path; they say nothing of the model, and need no key."""

    def __init__(
        self,
        service: Service,
        *,
        metrics: Metrics,
        keys: ApiKeys,
        pages: Mapping[str, Answer],
    ) -> None:
        self._service = service
        self._limits = service.settings
        self._metrics = metrics
        self._keys = keys
        self._cors = Cors(service.settings.cors_origins)
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
        path = scope["raw_path"].decode("latin-1")
        headers = dict(scope["headers"])
        try:
            if self._keys and path not in self._open and scope["method"] != "OPTIONS":
                self._keys.check(headers)
            answer = await self._answer(scope, path, headers, receive)
        except (RequestError, HttpError) as error:
            answer = error_answer(error)
        except ClientGone:
            return
        except Exception as error:  # a bug must not leave the client without an answer, or with a traceback
            answer = _failed(error, scope)
        await _send(answer, (*answer.headers, *self._cors.headers(headers)), send)

    async def _answer(
        self, scope: Scope, path: str, headers: Mapping[bytes, bytes], receive: Receive
    ) -> Answer:
        method = scope["method"]
        body = await read_body(headers, receive, self._limits) if method in _WITH_BODY else b""
        request_id = scope.get("state", {}).get("request_id", "")
        request = Request(method=method, path=path, headers=headers, body=body, id=request_id)
        if self._models.serves(path):
            return await self._models.answer(request)
        if method == "OPTIONS" and self._cors.allows(headers):
            return Answer(body=b"")
        if self._v2.serves(path):
            return await self._v2.answer(request)
        if path not in self._fixed and path not in self._pages:
            raise not_found()
        if method not in ("GET", "HEAD"):
            raise not_allowed("GET", "HEAD")
        return self._pages[path] if path in self._pages else self._fixed[path]()

    @functools.cached_property
    def _fixed(self) -> Mapping[str, Callable[[], Answer]]:
        return {
            metrics_page.PATH: lambda: Answer(
                body=self._metrics.render(), content_type=metrics_page.CONTENT_TYPE.encode()
            ),
            "/openapi.json": lambda: json_answer(self._openapi()),
            "/healthz": lambda: json_answer({"live": True}),
            "/readyz": self._readiness,
        }

    def _readiness(self) -> Answer:
        ready = self._service.ready()
        retry = () if ready else ((b"retry-after", b"1"),)
        return json_answer({"ready": ready}, status=200 if ready else 503, headers=retry)


def create_app(service: Service, settings: ServeSettings, metrics: Metrics) -> App:
    """The ASGI application of the HTTP port, the page at `/` with it.

    Raises:
      StoreInputError: the API keys that the settings name cannot be had.
    """
    return Rest(service, metrics=metrics, keys=load_keys(settings), pages=web.answers(service.model_name))


def _failed(error: Exception, scope: Scope) -> Answer:
    """The answer to a bug."""
    request_id = scope.get("state", {}).get("request_id", "")
    log_bug("request failed", error, request_id=request_id)
    text = f"Internal error; the server's log has more under the request id {request_id}"
    return json_answer({"error": text}, status=500)


async def _send(answer: Answer, headers: tuple[tuple[bytes, bytes], ...], send: Send) -> None:
    first = (
        (b"content-type", answer.content_type),
        (b"content-length", str(len(answer.body)).encode()),
    )
    await send({"type": "http.response.start", "status": answer.status, "headers": [*first, *headers]})
    await send({"type": "http.response.body", "body": answer.body})


async def _live_through(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
