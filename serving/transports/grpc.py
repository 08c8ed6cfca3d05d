"""The client's calls over TensorFlow Serving's gRPC interface."""

import array
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import grpc

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
from serving.transports.messages import (
    STATES,
    STRING,
    TYPES,
    ClassificationRequest,
    ClassificationResponse,
    MetadataRequest,
    MetadataResponse,
    PredictRequest,
    PredictResponse,
    SignatureDefMap,
    StatusRequest,
    StatusResponse,
)

_SERVICE = "/tensorflow.serving."
_PUSHBACK = "grpc-retry-pushback-ms"
_NOT_TAKEN = (Code.UNAVAILABLE, Code.CANCELLED)
"""Codes of calls that the server did not start: gRPC cancels waiting calls when a server stops."""
_NO_LIMIT = [("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1)]


class GrpcTransport:
    """Calls to the model `model` at `address`, which is `host:port`."""

    def __init__(
        self,
        address: str,
        *,
        model: str,
        timeout: float,
        api_key: str | None,
        tls: bool,
        authority: Path | None,
    ) -> None:
        self._address = address
        self._model = model
        self._timeout = timeout
        self._metadata = (("authorization", f"Bearer {api_key}"),) if api_key else ()
        if tls:
            roots = authority.read_bytes() if authority else None
            credentials = grpc.ssl_channel_credentials(roots)
            self._channel = grpc.secure_channel(address, credentials, options=_NO_LIMIT)
        else:
            self._channel = grpc.insecure_channel(address, options=_NO_LIMIT)
        self._predict = self._method("PredictionService/Predict", PredictResponse)
        self._classify = self._method("PredictionService/Classify", ClassificationResponse)
        self._names = ClassNames(self._class_names)
        self._status = self._method("ModelService/GetModelStatus", StatusResponse)
        self._describe = self._method("PredictionService/GetModelMetadata", MetadataResponse)

    def predict(self, texts: Sequence[str], version: int | None) -> list[Prediction]:
        """Predictions for the texts, in one call, by the newest version or the given one."""
        request = self._request(PredictRequest, version)
        tensor = request.inputs["text"]
        tensor.dtype = STRING
        tensor.tensor_shape.dim.add(size=len(texts))
        tensor.string_val.extend(text.encode() for text in texts)
        response = self._call(self._predict, request)
        many = "probabilities" in response.outputs
        return predictions(
            [label.decode("utf-8", "replace") for label in response.outputs["label"].string_val],
            _rows(response.outputs["probabilities"]) if many else _floats(response.outputs["probability"]),
            version=response.model_spec.version.value,
            texts=len(texts),
            names=self._names,
        )

    def _class_names(self, version: int) -> tuple[str, ...]:
        request = self._request(ClassificationRequest, version)
        request.model_spec.signature_name = "classify"
        example = request.input.example_list.examples.add()
        example.features.feature["text"].bytes_list.value.append(b"")
        results = self._call(self._classify, request).result.classifications
        return tuple(one.label for one in results[0].classes) if results else ()

    def status(self) -> list[VersionState]:
        """The states of all versions, newest first."""
        found = [
            VersionState(
                version=one.version,
                state=STATES.get(one.state, str(one.state)),
                code=Code(one.status.error_code),
                message=one.status.error_message,
            )
            for one in self._call(self._status, self._request(StatusRequest)).model_version_status
        ]
        return sorted(found, key=lambda one: -one.version)

    def metadata(self, version: int | None) -> ModelMetadata:
        """The signatures of the newest version, or of the given one."""
        request = self._request(MetadataRequest, version)
        request.metadata_field.append("signature_def")
        response = self._call(self._describe, request)
        found = SignatureDefMap.FromString(response.metadata["signature_def"].value)
        return ModelMetadata(
            version=response.model_spec.version.value,
            signatures={
                name: SignatureTensors(inputs=_tensors(one.inputs), outputs=_tensors(one.outputs))
                for name, one in found.signature_def.items()
            },
        )

    def close(self) -> None:
        """Closes the connection."""
        self._channel.close()

    def _method(self, name: str, response: Any) -> Any:
        return self._channel.unary_unary(
            _SERVICE + name,
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=response.FromString,
        )

    def _request(self, kind: Any, version: int | None = None) -> Any:
        request = kind()
        request.model_spec.name = self._model
        if version is not None:
            request.model_spec.version.value = version
        return request

    def _call(self, method: Any, request: Any) -> Any:
        try:
            return method(request, timeout=self._timeout, metadata=self._metadata)
        except grpc.RpcError as error:
            raise self._refused(error) from error

    def _refused(self, error: Any) -> ClientError:
        code = Code(error.code().value[0])
        trailer = dict(error.trailing_metadata() or ())
        if code is Code.DEADLINE_EXCEEDED:
            text = f"{self._address} did not answer within {self._timeout:g} s"
        elif code in _NOT_TAKEN and _PUSHBACK not in trailer:
            return unreachable(self._address, error.details())
        else:
            text = error.details()
        pushback = trailer.get(_PUSHBACK)
        return ClientError(code, text, retry_after=None if pushback is None else int(pushback) / 1000)


def _floats(tensor: Any) -> list[float]:
    """The values, from the one of the two fields that the server uses."""
    if not tensor.tensor_content:
        return list(tensor.float_val)
    values = array.array("f", tensor.tensor_content)
    if sys.byteorder == "big":
        values.byteswap()
    return list(values)


def _rows(tensor: Any) -> list[list[float]]:
    """The rows of a matrix; [] for a tensor of another rank."""
    if len(tensor.tensor_shape.dim) != 2:
        return []
    values, width = _floats(tensor), tensor.tensor_shape.dim[1].size
    return [values[place : place + width] for place in range(0, len(values), width)] if width else []


def _tensors(described: Any) -> dict[str, Tensor]:
    return {
        name: Tensor(
            dtype=TYPES.get(one.dtype, str(one.dtype)),
            shape=None if one.tensor_shape.unknown_rank else tuple(dim.size for dim in one.tensor_shape.dim),
        )
        for name, one in described.items()
    }
