"""TensorFlow Serving's REST interface below /v1/: paths, responses and error texts."""

import dataclasses
import re

from serving.http.messages import Request, Response, json_response, unquoted
from serving.model import classification
from serving.model.lifecycle.states import not_loaded, unknown, unknown_label
from serving.model.service import Service
from serving.rest import tensor_json
from serving.rest.example_json import examples_of
from serving.rest.json_document import parse
from serving.rest.metadata import metadata_document, status_document
from serving.rest.response_json import number, numbers, predictions, text, to_json
from serving.status import Code, RequestError, invalid

_VERSION = r"(?:/versions/(?P<version>[0-9]+)|/labels/(?P<label>[^/:]+))?"
_CALL = re.compile(rf"(?i)/v1/models/(?P<model>[^/:]+){_VERSION}:(?P<method>classify|regress|predict)")
_LOOK = re.compile(rf"(?i)/v1/models(?:/(?P<model>[^/:]+))?{_VERSION}(?P<metadata>/metadata)?")
_LARGEST_VERSION = 2**63 - 1


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """The model and the version that a request selects; without version and label, the newest."""

    model: str
    version: int | None
    label: str | None


class ModelApi:
    """The responses to requests to `/v1/...`, from a service."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def serves(self, path: str) -> bool:
        """Whether the path is one of this interface."""
        return path[:4].lower() == "/v1/"

    async def respond(self, request: Request) -> Response:
        """The response to a request.

        Raises:
          RequestError: the request is invalid or cannot be answered; the message is TensorFlow Serving's.
        """
        if request.method == "POST" and (found := _CALL.fullmatch(request.path)):
            target = _target(found)
            method = found["method"].lower()
            if method == "predict":
                return await self._predict(target, request)
            return await self._classify_or_regress(target, request, method)
        if request.method == "GET" and (found := _LOOK.fullmatch(request.path)):
            return self._look(found)
        if request.method == "OPTIONS":
            return _preflight(request)
        raise invalid(f"Malformed request: {request.method} {request.path}")

    async def _predict(self, target: Target, request: Request) -> Response:
        asked = await request.read(lambda: tensor_json.read(request.body))
        self._check_model(target)
        with self._service.lease(version=target.version, label=target.label) as leased:
            signature = leased.signature(asked.signature_name)
            self._service.check_rows(signature, asked.rows)
            form, inputs = await request.read(lambda: asked.inputs(signature.inputs))
            prediction = await self._service.predict(leased, signature, inputs, request_id=request.id)
        return Response(body=predictions(prediction.outputs, form))

    async def _classify_or_regress(self, target: Target, request: Request, method: str) -> Response:
        document = await request.read(lambda: parse(request.body))
        name = tensor_json.signature_name(document)
        examples = await request.read(lambda: examples_of(document, check=self._service.check_examples))
        self._check_model(target)
        with self._service.lease(version=target.version, label=target.label) as leased:
            signature = classification.find_signature(leased.signatures, name)
            if method == "classify":
                classification.check_classification(signature)
            else:
                classification.check_regression(signature)
            inputs = {classification.INPUTS: examples}
            prediction = await self._service.predict(leased, signature, inputs, request_id=request.id)
        if method == "regress":
            results = numbers(classification.regressions(prediction.outputs, len(examples)))
        else:
            found = classification.classifications(prediction.outputs, len(examples))
            results = [[[text(label), number(score)] for label, score in row] for row in found]
        return Response(body=to_json({"results": results}))

    def _look(self, found: re.Match[str]) -> Response:
        if not found["model"]:
            raise invalid("Missing model name in request.")
        target = _target(found)
        if found["metadata"]:
            self._check_model(target)
            metadata = self._service.metadata(version=target.version, label=target.label)
            return json_response(metadata_document(self._service.model_name, metadata))
        if target.model != self._service.model_name:
            raise unknown(target.model, target.version)
        statuses = self._service.statuses(version=target.version, label=target.label)
        return json_response(status_document(statuses))

    def _check_model(self, target: Target) -> None:
        if target.model == self._service.model_name:
            return
        if target.label is not None:
            raise unknown_label(target.label)
        raise not_loaded(target.model, target.version)


def _target(found: re.Match[str]) -> Target:
    version = int(found["version"]) if found["version"] else None
    if version is not None and version > _LARGEST_VERSION:
        raise invalid(f"Failed to convert version: {found['version']} to numeric.")
    label = unquoted(found["label"]) if found["label"] else None
    # 0 selects the newest version, as OpenVINO's clients expect, also over gRPC; no version has that number
    return Target(model=unquoted(found["model"]), version=version or None, label=label)


def _preflight(request: Request) -> Response:
    """The response to a CORS preflight, which TensorFlow Serving allows for every origin."""
    if re.search(rb"https?://", request.headers.get(b"origin", b"")):
        return Response(body=b"")
    raise RequestError(Code.FAILED_PRECONDITION, "Origin header is missing in CORS preflight")
