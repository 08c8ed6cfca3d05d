"""How errors become answers of HTTP."""

import asyncio
import json
import logging

import pytest

from serving.endpoint.access_log import AccessLog
from serving.endpoint.auth import ApiKeys
from serving.http.messages import HttpError, Response, error_response
from serving.model.metrics import Metrics
from serving.rest.app import Rest
from serving.settings import ServeSettings
from serving.status import Code, RequestError

STATUSES = {
    Code.INVALID_ARGUMENT: 400,
    Code.FAILED_PRECONDITION: 400,
    Code.OUT_OF_RANGE: 400,
    Code.NOT_FOUND: 404,
    Code.ALREADY_EXISTS: 409,
    Code.ABORTED: 409,
    Code.RESOURCE_EXHAUSTED: 429,
    Code.INTERNAL: 500,
    Code.UNKNOWN: 500,
    Code.UNIMPLEMENTED: 501,
    Code.UNAVAILABLE: 503,
    Code.DEADLINE_EXCEEDED: 504,
}


@pytest.mark.parametrize(("code", "status"), STATUSES.items())
def test_each_code_has_tensorflow_servings_status(code, status):
    response = error_response(RequestError(code, "why"))
    assert (response.status, response.body, response.content_type) == (
        status,
        b'{"error":"why"}',
        b"application/json",
    )
    assert response.headers == ()


@pytest.mark.parametrize(("seconds", "header"), [(0.01, b"1"), (1.0, b"1"), (1.2, b"2"), (30, b"30")])
def test_retry_after_is_in_whole_seconds(seconds, header):
    response = error_response(RequestError(Code.UNAVAILABLE, "full", retry_after=seconds))
    assert (response.status, response.headers) == (503, ((b"retry-after", header),))


def test_an_error_of_http_keeps_its_status_and_headers():
    response = error_response(HttpError(413, "large", headers=((b"connection", b"close"),)))
    assert (response.status, response.headers) == (413, ((b"connection", b"close"),))


class Failing:
    """A service with a bug, or with no response."""

    model_name = "m"
    settings = ServeSettings()

    def __init__(self, error: Exception | None) -> None:
        self.error = error

    def ready(self) -> bool:
        return False

    def statuses(self, **which):
        raise self.error


def ask(app, path: str) -> tuple[int, dict[bytes, bytes], dict]:
    """Status, headers and document that the application answers to a GET."""
    sent = []

    async def send(message):
        sent.append(message)

    scope = {
        "type": "http",
        "method": "GET",
        "path": path,
        "raw_path": path.encode(),
        "headers": [(b"x-request-id", b"r-1")],
    }
    asyncio.run(app(scope, None, send))
    start, body = sent
    return start["status"], dict(start["headers"]), json.loads(body["body"])


def rest(service, pages=None) -> Rest:
    metrics = Metrics("m")
    access = AccessLog(metrics, None)
    return Rest(service, metrics=metrics, access=access, keys=ApiKeys([]), pages=pages or {})


def test_a_bug_is_answered_and_logged_without_what_the_client_sent(caplog):
    with caplog.at_level(logging.ERROR, "greenlight.serving"):
        status, _, document = ask(rest(Failing(KeyError("a client's text"))), "/v1/models/m")
    assert status == 500
    assert document == {"error": "Internal error; the server's log has more under the request id r-1"}
    (record,) = caplog.records
    assert (record.request_id, record.error) == ("r-1", "KeyError")
    assert any("tensorflow_serving.py:" in place for place in record.where)
    assert "client's text" not in caplog.text and record.exc_info is None


@pytest.mark.parametrize(("path", "status"), [("/readyz", 503), ("/v2/health/ready", 400)])
def test_a_server_without_a_version_lives_and_is_not_ready(path, status):
    app = rest(Failing(None))
    found, headers, document = ask(app, path)
    assert (found, document) == (status, {"ready": False})
    assert (b"retry-after" in headers) == (status == 503)
    assert ask(app, "/healthz")[0] == ask(app, "/v2/health/live")[0] == 200


def test_a_page_answers_what_no_api_does():
    app = rest(Failing(RequestError(Code.NOT_FOUND, "none")), {"/": Response(body=b'"page"')})
    assert ask(app, "/")[2] == "page"
    assert ask(app, "/v1/models/m")[:1] == (404,)
    assert ask(app, "/healthz")[2] == {"live": True}
