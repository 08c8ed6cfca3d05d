"""The client's calls over TensorFlow Serving's REST interface."""

import contextlib
import json
import ssl
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx

from serving.status import Code
from serving.transports.calls import (
    ClassNames,
    ClientError,
    ModelMetadata,
    Prediction,
    SignatureTensors,
    Tensor,
    VersionState,
    predictions,
    unreachable,
)

_VERSION_SECONDS = 1.0
"""Seconds for which the newest version is cached: a prediction over REST does not contain its version."""
_CODES = {
    400: Code.INVALID_ARGUMENT,
    401: Code.UNAUTHENTICATED,
    403: Code.PERMISSION_DENIED,
    404: Code.NOT_FOUND,
    408: Code.DEADLINE_EXCEEDED,
    409: Code.ABORTED,
    413: Code.INVALID_ARGUMENT,
    429: Code.RESOURCE_EXHAUSTED,
    501: Code.UNIMPLEMENTED,
    502: Code.UNAVAILABLE,
    503: Code.UNAVAILABLE,
    504: Code.DEADLINE_EXCEEDED,
}


class RestTransport:
    """Calls to the model `model` at `url`."""

    def __init__(
        self, url: str, *, model: str, timeout: float, api_key: str | None, authority: Path | None
    ) -> None:
        self._url = url
        self._path = f"/v1/models/{quote(model, safe='')}"
        self._timeout = timeout
        self._newest = 0
        self._newest_until = 0.0
        self._names = ClassNames(self._class_names)
        self._http = httpx.Client(
            base_url=url,
            timeout=timeout,
            headers={"Authorization": f"Bearer {api_key}"} if api_key else {},
            verify=ssl.create_default_context(cafile=authority) if authority else True,
        )

    def predict(self, texts: Sequence[str], version: int | None) -> list[Prediction]:
        """Predictions for the texts, in one call, by the given version or by the number of the newest one."""
        if version is not None:
            return self._predict(texts, version)
        try:
            return self._predict(texts, self._newest_version())
        except ClientError as error:
            if error.code is not Code.NOT_FOUND:
                raise
        self._newest_until = 0.0  # the version was unloaded between the two calls
        return self._predict(texts, self._newest_version())

    def _predict(self, texts: Sequence[str], version: int) -> list[Prediction]:
        answer = self._call("POST", f"{self._path}/versions/{version}:predict", content=_body(texts))
        rows = answer.get("predictions")
        if not isinstance(rows, list) or not all(isinstance(row, Mapping) for row in rows):
            rows = []
        labels = [row.get("label") for row in rows]
        values = [row.get("probabilities", row.get("probability")) for row in rows]
        return predictions(labels, values, version=version, texts=len(texts), names=self._names)

    def _class_names(self, version: int) -> tuple[str, ...]:
        request = {"signature_name": "classify", "examples": [{"text": ""}]}
        answer = self._call("POST", f"{self._path}/versions/{version}:classify", json=request)
        with self._expecting():
            return tuple(str(name) for name, _ in answer["results"][0])

    def _newest_version(self) -> int:
        if time.monotonic() >= self._newest_until:
            states = self.status()
            served = [one.version for one in states if one.state == "AVAILABLE"]
            if not served:
                why = "; ".join(f"version {one.version}: {one.message or one.state}" for one in states)
                raise ClientError(Code.UNAVAILABLE, f"{self._url} does not serve a version yet ({why})")
            self._newest = max(served)
            self._newest_until = time.monotonic() + _VERSION_SECONDS
        return self._newest

    def status(self) -> list[VersionState]:
        """The states of all versions, newest first."""
        answer = self._call("GET", self._path)
        with self._expecting():
            found = [
                VersionState(
                    version=int(one["version"]),
                    state=one["state"],
                    code=Code[one["status"]["error_code"]],
                    message=one["status"]["error_message"],
                )
                for one in answer["model_version_status"]
            ]
        return sorted(found, key=lambda one: -one.version)

    def metadata(self, version: int | None) -> ModelMetadata:
        """The signatures of the newest version, or of the given one."""
        path = self._path if version is None else f"{self._path}/versions/{version}"
        answer = self._call("GET", f"{path}/metadata")
        with self._expecting():
            return ModelMetadata(
                version=int(answer["model_spec"]["version"]),
                signatures={
                    name: SignatureTensors(inputs=_tensors(one["inputs"]), outputs=_tensors(one["outputs"]))
                    for name, one in answer["metadata"]["signature_def"]["signature_def"].items()
                },
            )

    def close(self) -> None:
        """Closes the connections."""
        self._http.close()

    def _call(self, method: str, path: str, **content: Any) -> Any:
        try:
            response = self._http.request(method, path, **content)
        except httpx.TimeoutException as error:
            raise ClientError(
                Code.DEADLINE_EXCEEDED, f"{self._url} did not answer within {self._timeout:g} s"
            ) from error
        except httpx.HTTPError as error:
            raise unreachable(self._url, str(error)) from error
        try:
            answer = response.json()
        except ValueError:
            answer = None
        if response.status_code == 200 and isinstance(answer, Mapping):
            return answer
        raise self._refused(response, answer)

    @contextlib.contextmanager
    def _expecting(self) -> Iterator[None]:
        """Raises ClientError for a response of another form."""
        try:
            yield
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            raise ClientError(Code.INTERNAL, self._odd("its JSON has another form")) from error

    def _odd(self, why: str) -> str:
        return f"{self._url} does not answer like a model server ({why})"

    def _refused(self, response: httpx.Response, answer: object) -> ClientError:
        code = _CODES.get(response.status_code, Code.UNKNOWN)
        text = answer.get("error") if isinstance(answer, Mapping) else None
        if text is None:
            text = self._odd(f"HTTP {response.status_code}")
        return ClientError(code, str(text), retry_after=_seconds(response.headers.get("retry-after")))


def _body(texts: Sequence[str]) -> bytes:
    request = {"signature_name": "serving_default", "instances": list(texts)}
    return json.dumps(request, ensure_ascii=False).encode()


def _tensors(described: Mapping[str, Any]) -> dict[str, Tensor]:
    return {name: _tensor(one) for name, one in described.items()}


def _tensor(described: Mapping[str, Any]) -> Tensor:
    shape = described["tensor_shape"]
    sizes = None if shape.get("unknown_rank") else tuple(int(dim["size"]) for dim in shape.get("dim", []))
    return Tensor(dtype=described["dtype"].removeprefix("DT_").lower(), shape=sizes)


def _seconds(header: str | None) -> float | None:
    """Retry-After in seconds; None for a date, its other form."""
    return float(header) if header is not None and header.isdigit() else None
