"""The Open Inference Protocol, version 2, over HTTP: health, metadata and inference, with binary tensors.

Invalid requests get 400, as the protocol requires; the codes of a server that is not ready are those of REST.
"""

import dataclasses
import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from serving.http.messages import (
    HttpError,
    Pairs,
    Request,
    Response,
    json_response,
    not_allowed,
    not_found,
    unquoted,
)
from serving.model.predictor import Signature
from serving.model.service import Service
from serving.open_inference.models import SERVER_NAME, describe, is_ready, version_of
from serving.rest import v2_tensors
from serving.rest.json_document import parse
from serving.rest.response_json import to_json
from serving.status import Code, RequestError, invalid

EXTENSIONS = ("binary_tensor_data",)
HEADER_LENGTH = b"inference-header-content-length"

_MODEL = re.compile(r"/v2/models/(?P<model>[^/]+)(?:/versions/(?P<version>[^/]+))?(?P<method>/ready|/infer)?")
_CLIENT_CODES = (Code.NOT_FOUND, Code.INVALID_ARGUMENT, Code.FAILED_PRECONDITION, Code.OUT_OF_RANGE)


class OpenInferenceApi:
    """The responses to requests to `/v2...`, from a service."""

    def __init__(self, service: Service, *, server_version: str) -> None:
        self._service = service
        self._server_version = server_version

    def serves(self, path: str) -> bool:
        """Whether the path is one of this interface."""
        return path == "/v2" or path.startswith("/v2/")

    async def respond(self, request: Request) -> Response:
        """The response to a request.

        Raises:
          RequestError, HttpError: the request is invalid or cannot be answered.
        """
        try:
            return await self._respond(request)
        except RequestError as error:
            if error.code in _CLIENT_CODES:
                raise HttpError(400, error.message) from error
            raise

    async def _respond(self, request: Request) -> Response:
        if found := _MODEL.fullmatch(request.path):
            if found["method"] == "/infer":
                return await self._infer(request, found)
            _only_get(request)
            if found["method"]:
                return self._model_ready(found)
            return json_response(dataclasses.asdict(describe(self._service, self._version(found))))
        if request.path not in ("/v2", "/v2/health/live", "/v2/health/ready"):
            raise not_found()
        _only_get(request)
        if request.path == "/v2":
            names = {"name": SERVER_NAME, "version": self._server_version, "extensions": list(EXTENSIONS)}
            return json_response(names)
        if request.path == "/v2/health/live":
            return json_response({"live": True})
        ready = self._service.ready()
        return json_response({"ready": ready}, status=200 if ready else 400)

    def _version(self, found: re.Match[str]) -> int | None:
        return version_of(self._service, *_named(found))

    def _model_ready(self, found: re.Match[str]) -> Response:
        name, version = _named(found)
        ready = is_ready(self._service, name, version)
        return json_response({"name": name, "ready": ready}, status=200 if ready else 400)

    async def _infer(self, request: Request, found: re.Match[str]) -> Response:
        if request.method != "POST":
            raise not_allowed("POST")
        version = self._version(found)
        head, binary = _split(request)
        document = await request.read(lambda: parse(head))
        name = _parameters(document).get("signature_name") or ""
        request_id = document.get("id")
        if not isinstance(name, str) or not isinstance(request_id, str | None):
            raise invalid("'id' and the parameter 'signature_name' must be strings")
        with self._service.lease(version=version) as leased:
            signature = leased.signature(name)
            inputs = await request.read(lambda: _inputs(document, signature, binary))
            wanted = _wanted(document, signature)
            prediction = await self._service.predict(
                leased, signature, inputs, request_id=request.id, protocol="v2"
            )
        response = {"model_name": self._service.model_name, "model_version": str(prediction.version)}
        if request_id is not None:
            response["id"] = request_id
        return _answer(response, prediction.outputs, wanted)


def _named(found: re.Match[str]) -> tuple[str, str | None]:
    """The model and the version in a path."""
    version = found["version"]
    return unquoted(found["model"]), None if version is None else unquoted(version)


def _only_get(request: Request) -> None:
    if request.method not in ("GET", "HEAD"):
        raise not_allowed("GET", "HEAD")


def _split(request: Request) -> tuple[bytes, v2_tensors.Binary]:
    """The JSON of the request, and the binary tensors after it."""
    given = request.headers.get(HEADER_LENGTH)
    if given is None:
        return request.body, v2_tensors.Binary(memoryview(b""))
    if not re.fullmatch(rb"[0-9]{1,12}", given) or int(given) > len(request.body):
        raise invalid(
            "The header Inference-Header-Content-Length must say how many bytes of the body are JSON"
        )
    return request.body[: int(given)], v2_tensors.Binary(memoryview(request.body)[int(given) :])


def _inputs(
    document: Mapping[str, Any], signature: Signature, binary: v2_tensors.Binary
) -> dict[str, np.ndarray]:
    given = document.get("inputs")
    if not isinstance(given, list) or not given:
        raise invalid("The request needs 'inputs', a list of tensors")
    inputs: dict[str, np.ndarray] = {}
    for one in given:
        name, array = v2_tensors.read(one, signature.inputs, binary)
        if name in inputs:
            raise invalid(f"Duplicate input {name}")
        inputs[name] = array
    binary.check_end()
    return inputs


def _wanted(document: Mapping[str, Any], signature: Signature) -> dict[str, bool]:
    """The requested outputs: name -> whether it is binary."""
    all_binary = _flag(_parameters(document), "binary_data_output")
    given = document.get("outputs")
    if given is None or given == []:
        return dict.fromkeys(signature.outputs, all_binary)
    if not isinstance(given, list):
        raise invalid("'outputs' must be a list")
    wanted: dict[str, bool] = {}
    for one in given:
        name = one.get("name") if isinstance(one, dict) else None
        if not isinstance(name, str) or name not in signature.outputs:
            raise invalid(f"Each of 'outputs' must name one of {', '.join(signature.outputs)}")
        parameters = _parameters(one)
        if parameters.get("classification"):
            raise invalid("The classification extension is not served")
        wanted[name] = _flag(parameters, "binary_data", all_binary)
    return wanted


def _parameters(holder: Mapping[str, Any]) -> Mapping[str, Any]:
    parameters = holder.get("parameters")
    if parameters is None:  # some clients write null for optional fields
        return {}
    if not isinstance(parameters, dict):
        raise invalid("'parameters' must be an object")
    return parameters


def _flag(parameters: Mapping[str, Any], name: str, otherwise: bool = False) -> bool:
    value = parameters.get(name)
    if value is not None and not isinstance(value, bool):
        raise invalid(f"The parameter '{name}' must be true or false")
    return otherwise if value is None else value


def _answer(
    response: dict[str, Any], outputs: Mapping[str, np.ndarray], wanted: Mapping[str, bool]
) -> Response:
    written = [v2_tensors.write(name, outputs[name], binary=binary) for name, binary in wanted.items()]
    head = to_json(response | {"outputs": [tensor for tensor, _ in written]})
    if not any(wanted.values()):
        return Response(body=head)
    length: Pairs = ((HEADER_LENGTH, str(len(head)).encode()),)
    body = b"".join([head, *(content for _, content in written)])
    return Response(body=body, content_type=b"application/octet-stream", headers=length)
