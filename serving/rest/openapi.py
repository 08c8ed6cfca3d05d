"""The OpenAPI 3.1 document of the HTTP port."""

from collections.abc import Iterable
from typing import Any

from serving.rest.openapi_schemas import SCHEMAS

Object = dict[str, Any]

_ERRORS = {
    400: "The request is wrong; `error` says how.",
    401: "An API key is needed, or the one given is not valid.",
    404: "There is no such model, version or path.",
    405: "The path has other methods; the header `Allow` has them.",
    408: "The body did not arrive in time.",
    413: "The body is too large.",
    415: "The body is packed in an unknown way.",
    429: "The model ran out of a resource, such as memory.",
    500: "A bug; the log has more under the id in `X-Request-Id`.",
    501: "The model has a type that JSON cannot carry.",
    503: "Too much at once, or not ready; `Retry-After` says when to try again.",
    504: "The response would have come too late.",
}
_LOOKING = (400, 401, 404, 405)
_CALLING = (400, 401, 404, 405, 408, 413, 415, 429, 500, 501, 503, 504)
_LABELS = ("stable", "previous")


def document(model_name: str, server_version: str, *, with_keys: bool) -> Object:
    """The document of a server with the model `model_name`. with_keys: whether it needs API keys."""
    paths = _tensorflow_serving(model_name) | _open_inference(model_name) | _server()
    result: Object = {
        "openapi": "3.1.0",
        "info": {
            "title": "Greenlight model server",
            "version": server_version,
            "summary": "TensorFlow Serving's REST interface and the Open Inference Protocol over one model.",
        },
        "paths": paths,
        "components": {"schemas": SCHEMAS, "responses": {str(code): _error(code) for code in _ERRORS}},
    }
    if with_keys:
        result["components"]["securitySchemes"] = {
            "bearer": {"type": "http", "scheme": "bearer"},
            "header": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
        }
        result["security"] = [{"bearer": []}, {"header": []}]
    return result


def _tensorflow_serving(model_name: str) -> Object:
    paths: Object = {}
    for infix, parameters in _selections():
        path = f"/v1/models/{{model}}{infix}"
        given = [_path_parameter("model", {"type": "string"}, model_name), *parameters]
        suffix = _suffix(infix)
        paths[path] = {
            "parameters": given,
            "get": _operation(
                f"status{suffix}", "The states of the model's versions.", "ModelStatus", _LOOKING
            ),
        }
        paths[f"{path}/metadata"] = {
            "parameters": given,
            "get": _operation(
                f"metadata{suffix}", "What the model takes and gives.", "ModelMetadata", _LOOKING
            ),
        }
        for method, request, response, summary in (
            ("predict", "PredictRequest", "PredictAnswer", "Call a signature, with rows or with columns."),
            ("classify", "ExamplesRequest", "ClassifyAnswer", "Classes and scores of tf.Examples."),
            ("regress", "ExamplesRequest", "RegressAnswer", "A number for each tf.Example."),
        ):
            paths[f"{path}:{method}"] = {
                "parameters": given,
                "post": _operation(f"{method}{suffix}", summary, response, _CALLING, request),
            }
    return paths


def _open_inference(model_name: str) -> Object:
    paths: Object = {
        "/v2": {"get": _operation("v2Server", "About the server.", "V2Server", (401, 405))},
        "/v2/health/live": {"get": _open(_operation("v2Live", "Whether it runs.", "Live", (405,)))},
        "/v2/health/ready": {
            "get": _open(_operation("v2Ready", "Whether it answers.", "Ready", (405,), also={400: "Ready"}))
        },
    }
    for infix, parameters in _selections(labels=False):
        path = f"/v2/models/{{model}}{infix}"
        given = [_path_parameter("model", {"type": "string"}, model_name), *parameters]
        suffix = _suffix(infix)
        paths[path] = {
            "parameters": given,
            "get": _operation(f"v2Metadata{suffix}", "What the model takes and gives.", "V2Model", _LOOKING),
        }
        paths[f"{path}/ready"] = {
            "parameters": given,
            "get": _operation(
                f"v2ModelReady{suffix}",
                "Whether the model answers.",
                "V2ModelReady",
                (401, 404, 405),
                also={400: "V2ModelReadyOrError"},
            ),
        }
        paths[f"{path}/infer"] = {
            "parameters": given,
            "post": _operation(f"v2Infer{suffix}", "Call the model.", "V2Answer", _CALLING, "V2Request"),
        }
    return paths


def _server() -> Object:
    metrics = _operation("metrics", "Metrics in Prometheus's text format.", "Text", (401, 405))
    metrics["responses"]["200"]["content"] = {"text/plain": {"schema": {"type": "string"}}}
    return {
        "/monitoring/prometheus/metrics": {"get": metrics},
        "/healthz": {"get": _open(_operation("live", "Whether it runs.", "Live", (405,)))},
        "/readyz": {
            "get": _open(_operation("ready", "Whether it answers.", "Ready", (405,), also={503: "Ready"}))
        },
        "/openapi.json": {"get": _operation("openapi", "This document.", "Document", (401, 405))},
    }


def _selections(*, labels: bool = True) -> Iterable[tuple[str, list[Object]]]:
    """The ways to select a version: without a path for the newest, by number, by label."""
    yield "", []
    yield "/versions/{version}", [_path_parameter("version", {"type": "integer", "minimum": 0}, 1)]
    if labels:
        yield "/labels/{label}", [_path_parameter("label", {"type": "string"}, _LABELS[0])]


def _suffix(infix: str) -> str:
    return {"": "", "/versions/{version}": "OfVersion", "/labels/{label}": "OfLabel"}[infix]


def _path_parameter(name: str, schema: Object, example: Any) -> Object:
    return {"name": name, "in": "path", "required": True, "schema": schema, "example": example}


def _operation(
    name: str,
    summary: str,
    response: str,
    errors: Iterable[int],
    request: str | None = None,
    *,
    also: dict[int, str] | None = None,
) -> Object:
    """An operation. also: statuses with another schema than that of errors."""
    responses: Object = {"200": {"description": "The response.", "content": _json(response)}}
    responses |= {str(code): {"$ref": f"#/components/responses/{code}"} for code in errors}
    for code, schema in (also or {}).items():
        responses[str(code)] = {"description": "Not now.", "content": _json(schema)}
    operation: Object = {"operationId": name, "summary": summary, "responses": responses}
    if request is not None:
        operation["requestBody"] = {"required": True, "content": _json(request)}
    return operation


def _open(operation: Object) -> Object:
    """An operation without a key."""
    return operation | {"security": []}


def _json(schema: str) -> Object:
    return {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}


def _error(code: int) -> Object:
    response: Object = {"description": _ERRORS[code], "content": _json("Error")}
    if code == 503:
        response["headers"] = {"Retry-After": {"schema": {"type": "integer"}}}
    return response
