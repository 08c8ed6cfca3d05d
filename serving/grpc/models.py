"""`tensorflow.serving.ModelService`: version states, and the version that a request selects."""

import dataclasses
from typing import Any

from tensorflow_serving.apis import (
    get_model_status_pb2,
    model_management_pb2,
    model_service_pb2_grpc,
)

from serving.grpc.calls import Call, Servicer, answered
from serving.model.lifecycle.states import not_loaded, unknown, unknown_label
from serving.model.service import Service
from serving.status import Code, RequestError, invalid

NAME = "tensorflow.serving.ModelService"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Wanted:
    """The version that a request selects: by number, by label, or without both the newest."""

    version: int | None
    label: str | None
    signature_name: str


def wanted(request: Any, service: Service) -> Wanted:
    """Reads the model_spec of any request.

    Version 0 selects the newest version, as OpenVINO's clients expect; no version has that number.

    Raises:
      RequestError: it does not name a model, or names another model.
    """
    if not request.HasField("model_spec"):
        raise invalid("Missing ModelSpec")
    spec = request.model_spec
    if not spec.name:
        raise invalid("ModelSpec has no name specified.")
    version = (spec.version.value or None) if spec.HasField("version") else None
    label = spec.version_label or None
    if spec.name != service.model_name:
        if label is not None:
            raise unknown_label(label)
        raise not_loaded(spec.name, version)
    return Wanted(version=version, label=label, signature_name=spec.signature_name)


class ModelServicer(Servicer, model_service_pb2_grpc.ModelServiceServicer):
    """The service; errors have TensorFlow Serving's codes and texts."""

    @answered
    async def GetModelStatus(
        self, request: get_model_status_pb2.GetModelStatusRequest, call: Call
    ) -> get_model_status_pb2.GetModelStatusResponse:
        """The states of all versions, newest first, or of the requested one."""
        if request.model_spec.name not in ("", self.service.model_name):
            raise unknown(request.model_spec.name, request.model_spec.version.value or None)
        target = wanted(request, self.service)
        statuses = self.service.statuses(version=target.version, label=target.label)
        response = get_model_status_pb2.GetModelStatusResponse()
        for found in statuses:
            status = response.model_version_status.add(version=found.version, state=int(found.state))
            status.status.error_code = int(found.code)
            status.status.error_message = found.message
        return response

    @answered
    async def HandleReloadConfigRequest(
        self, request: model_management_pb2.ReloadConfigRequest, call: Call
    ) -> model_management_pb2.ReloadConfigResponse:
        """UNIMPLEMENTED: the version store determines which versions are served."""
        raise RequestError(
            Code.UNIMPLEMENTED,
            "HandleReloadConfigRequest is not served here: the server follows its folder of versions; "
            "promote or roll back a version to change what is served",
        )
