"""The HTTP client for Kubeflow Pipelines' REST API, v2beta1, with timeouts.

Paths and fields are those of kubeflow/pipelines (backend/api/v2beta1/swagger). The client in the package kfp
is not used: it repeats requests silently, has no timeout, and accepts any response.
"""

from __future__ import annotations

import json
import os
import queue
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from components.errors import GreenlightError, InputError

if TYPE_CHECKING:
    from pipeline.settings.kubeflow import ApiSettings

PREFIX = "/apis/v2beta1"
TOKEN_VARIABLE = "GREENLIGHT_KUBEFLOW_TOKEN"
PAGE_SIZE = 100

_GRACE_SECONDS = 0.5  # so that a socket's own time limit, whose error is clearer, comes first
_REASONS = {
    401: "refused the token. Give a valid one in kubeflow.api.token_file or in "
    f"the environment variable {TOKEN_VARIABLE}",
    403: "does not allow this to the token's owner. Ask for the role kubeflow-pipelines-edit in "
    "the namespace (kubeflow.api.namespace)",
    404: "does not have this object",
    409: "already has an object of that name",
}
_LATER = {408: "timed out waiting for the request", 429: "limits the rate of requests"}
_GATEWAY = (502, 503, 504)

Json = dict[str, Any]


class Taken(InputError):
    """The host already has an object of that name."""


class Missing(InputError):
    """The host does not have what the request is about."""


class Unclear(GreenlightError):
    """A request was sent, but whether the host carried it out is unknown.

    is_over: whether the host has finished with the request, so that no object will appear later.
    was_refused: whether the host reported a failure.
    """

    def __init__(self, message: str, *, is_over: bool, was_refused: bool = False):
        super().__init__(message)
        self.is_over = is_over
        self.was_refused = was_refused


class KubeflowApi:
    """Requests and responses as JSON objects; error messages never contain a token.

    Every method raises:
      InputError: the host refuses the request (Taken and Missing among them).
      Unclear: whether the request was carried out is unknown.
      GreenlightError: the request was not carried out; the same one may succeed later.
    """

    def __init__(self, settings: ApiSettings):
        self.settings = settings
        self._client = httpx.Client(
            base_url=f"{str(settings.host).rstrip('/')}{PREFIX}",
            timeout=settings.request_seconds,
            verify=_trust(settings),
            trust_env=False,  # no proxy, no .netrc: only this host may get the token
            headers={"Accept": "application/json"},
        )

    def get(self, path: str, **query: str | int | None) -> Json:
        return self._request("GET", path, query)

    def listed(self, path: str, key: str, **query: str | int | None) -> Iterator[Json]:
        """The objects in the field `key` of all pages."""
        token: str | None = None
        while True:
            page = self.get(path, page_size=PAGE_SIZE, page_token=token, **query)
            yield from page.get(key) or ()
            token = page.get("next_page_token")
            if not token:
                return

    def named(self, path: str, key: str, name: str, **query: str | int | None) -> list[Json]:
        """The objects whose display name is exactly `name`; the databases of hosts ignore case."""
        predicate = {"operation": "EQUALS", "key": "display_name", "stringValue": name}
        found = self.listed(path, key, filter=json.dumps({"predicates": [predicate]}), **query)
        return [each for each in found if each.get("display_name") == name]

    def post(self, path: str, body: Json | None = None, **query: str | int | None) -> Json:
        return self._request("POST", path, query, json=body)

    def upload(self, path: str, text: str, **query: str | int | None) -> Json:
        """Uploads a compiled pipeline as a form file."""
        return self._request("POST", path, query, files={"uploadfile": ("pipeline.yaml", text.encode())})

    def delete(self, path: str, **query: str | int | None) -> Json:
        return self._request("DELETE", path, query)

    def unreadable(self, reason: object) -> GreenlightError:
        """The error for a response that is not from Kubeflow Pipelines."""
        return GreenlightError(_not_kubeflow(self.settings, reason))

    def _request(self, method: str, path: str, query: dict[str, str | int | None], **content: Any) -> Json:
        request = self._client.build_request(
            method,
            path,
            params={name: value for name, value in query.items() if value is not None},
            headers=_authorization(self.settings),
            **content,
        )
        status, kind, text = _within(
            self.settings.request_seconds, lambda: self._exchange(request), late=self._late
        )
        if status >= 300:
            raise _refusal(self.settings, status, text)
        if "json" not in kind:
            raise self._no_answer(f"it sends {kind or 'something'}, not JSON")
        try:
            answer = json.loads(text)
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            raise self._no_answer("it does not send a JSON object")
        return answer

    def _exchange(self, request: httpx.Request) -> tuple[int, str, bytes]:
        """Status, content type and content of the response."""
        response = None
        try:
            response = self._client.send(request, stream=True)
            try:
                return response.status_code, response.headers.get("Content-Type", ""), response.read()
            finally:
                response.close()
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.UnsupportedProtocol) as error:
            raise GreenlightError(_unreachable(self.settings, error)) from None
        except httpx.TimeoutException:
            raise self._late() from None
        except httpx.HTTPError as error:
            what = (
                "closed the connection without an answer"
                if response is None
                else "closed the connection during its response"
            )
            raise Unclear(
                f"{self.settings.host} {what} ({type(error).__name__}).",
                is_over=response is not None and response.status_code not in _GATEWAY,
            ) from None

    def _late(self) -> Unclear:
        seconds = self.settings.request_seconds
        return Unclear(
            f"{self.settings.host} did not answer within {seconds:g} s (kubeflow.api.request_seconds).",
            is_over=False,
        )

    def _no_answer(self, reason: str) -> Unclear:
        return Unclear(_not_kubeflow(self.settings, reason), is_over=True)


def connect(settings: ApiSettings) -> KubeflowApi:
    """A connection to the host, checked with a first request.

    Raises:
      InputError: settings are missing, or the host does not accept them.
      GreenlightError: the host does not respond, or not as Kubeflow Pipelines does.
    """
    if settings.host is None:
        raise InputError(
            "kubeflow.api.host is not set. Set it to the URL of Kubeflow Pipelines, such as with --set kubeflow.api.host=https://kubeflow.example/pipeline."
        )
    try:
        api = KubeflowApi(settings)
    except httpx.InvalidURL as error:
        raise InputError(f"kubeflow.api.host = {settings.host!r}: expected a URL ({error}).") from None
    if api.get("/healthz").get("multi_user") and settings.namespace is None:
        raise InputError(
            f"{settings.host} is a multi-user Kubeflow. Name the namespace of the runs with "
            "--set kubeflow.api.namespace=NAMESPACE."
        )
    return api


def _within(seconds: float, exchange: Callable[[], Any], *, late: Callable[[], Exception]) -> Any:
    """The result of `exchange` within a limit: httpx only limits single reads, not slow responses.

    Args:
      seconds: the limit.
      late: makes the error that is raised after the limit.
    """
    ended: queue.SimpleQueue[tuple[Any, BaseException | None]] = queue.SimpleQueue()

    def run() -> None:
        try:
            ended.put((exchange(), None))
        except BaseException as error:
            ended.put((None, error))

    threading.Thread(target=run, daemon=True).start()
    try:
        answer, error = ended.get(timeout=seconds + _GRACE_SECONDS)
    except queue.Empty:
        raise late() from None
    if error is not None:
        raise error
    return answer


# --- certificates and tokens


def _trust(settings: ApiSettings) -> ssl.SSLContext | bool:
    if settings.ca_file is None:
        return True
    path = _there(settings.ca_file, "ca_file")
    try:
        return ssl.create_default_context(cafile=str(path))
    except (OSError, ssl.SSLError):
        raise InputError(f"kubeflow.api.ca_file = {str(path)!r}: expected certificates in PEM.") from None


def _authorization(settings: ApiSettings) -> dict[str, str]:
    """The header, read for each request: a renewed token replaces the file."""
    if settings.token_file is not None:
        token = _there(settings.token_file, "token_file").read_text("utf-8", "replace").strip()
        source = f"kubeflow.api.token_file = {str(settings.token_file)!r}"
    else:
        token = os.environ.get(TOKEN_VARIABLE, "").strip()
        source = f"The environment variable {TOKEN_VARIABLE}"
        if not token:
            return {}
    if not token.isascii() or not token.isprintable() or len(token.split()) != 1:
        raise InputError(f"{source}: the token must be a single word.")
    return {"Authorization": f"Bearer {token}"}


def _there(path: Path, key: str) -> Path:
    if not path.is_file():
        raise InputError(f"kubeflow.api.{key} = {str(path)!r}: the file does not exist.")
    return path


# --- error messages


def _refusal(settings: ApiSettings, status: int, text: bytes) -> GreenlightError:
    """The error for a status of 300 or more."""
    host, told = settings.host, _told(text)
    if status in _LATER:
        return GreenlightError(f"{host} {_LATER[status]}. Try again later.{told}")
    if status in _REASONS:
        kind = {404: Missing, 409: Taken}.get(status, InputError)
        return kind(f"{host} {_REASONS[status]}.{told}")
    if status < 400:  # a redirect is never followed: only this host may get the token
        return GreenlightError(_not_kubeflow(settings, "it redirects to another address"))
    if status < 500:
        return InputError(f"{host} refuses the request ({status}).{told}")
    return Unclear(
        f"{host} has an internal error ({status}).{told}",
        is_over=status not in _GATEWAY,
        was_refused=status not in _GATEWAY,
    )


def _told(text: bytes) -> str:
    """The message in the host's response; the rest of the response does not help the user."""
    try:
        message = json.loads(text)
        said = message.get("error_message") or message.get("message") or message["error"]
        return f" It says: {' '.join(str(said).split())[:300]}"
    except (ValueError, TypeError, KeyError, AttributeError):
        return ""


def _not_kubeflow(settings: ApiSettings, reason: object) -> str:
    return (
        f"{settings.host} does not answer as Kubeflow Pipelines does ({reason}): a login page, perhaps. Give "
        "the URL of the API, and a token."
    )


def _unreachable(settings: ApiSettings, error: BaseException) -> str:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLError):
            return (
                f"The certificate of {settings.host} is not trusted. Give its authority's PEM file with "
                "kubeflow.api.ca_file."
            )
        cause = cause.__cause__ or cause.__context__
    return f"{settings.host} cannot be reached ({type(error).__name__}). Check kubeflow.api.host."
