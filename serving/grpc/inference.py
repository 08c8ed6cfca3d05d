"""`inference.GRPCInferenceService`: the Open Inference Protocol, version 2, over gRPC."""

from typing import Any

import grpc
from google.protobuf import message_factory

from serving.grpc import inference_messages as messages
from serving.grpc import inference_tensors as tensors
from serving.grpc.calls import Call, Servicer, answered
from serving.model.predictor import Signature
from serving.open_inference.models import SERVER_NAME, describe, is_ready, server_version, version_of
from serving.status import invalid

NAME = messages.NAME


class GRPCInferenceServicer(Servicer):
    """The protocol's six calls; errors have canonical codes and the texts of the HTTP interface."""

    @answered
    async def ServerLive(self, request: Any, call: Call) -> Any:
        """Whether the process runs: always true."""
        return messages.ServerLiveResponse(live=True)

    @answered
    async def ServerReady(self, request: Any, call: Call) -> Any:
        """Whether the server answers new requests."""
        return messages.ServerReadyResponse(ready=self.service.ready())

    @answered
    async def ModelReady(self, request: Any, call: Call) -> Any:
        """Whether a version of the model, by default the newest, answers."""
        return messages.ModelReadyResponse(ready=is_ready(self.service, request.name, request.version))

    @answered
    async def ServerMetadata(self, request: Any, call: Call) -> Any:
        """The server's name and version."""
        return messages.ServerMetadataResponse(name=SERVER_NAME, version=server_version())

    @answered
    async def ModelMetadata(self, request: Any, call: Call) -> Any:
        """The inputs and outputs of a version's default signature."""
        version = version_of(self.service, request.name, request.version)
        found = describe(self.service, version)
        response = messages.ModelMetadataResponse(
            name=found.name, versions=found.versions, platform=found.platform
        )
        for field, described in ((response.inputs, found.inputs), (response.outputs, found.outputs)):
            for tensor in described:
                field.add(name=tensor.name, datatype=tensor.datatype, shape=tensor.shape)
        return response

    @answered
    async def ModelInfer(self, request: Any, call: Call) -> Any:
        """The outputs of the signature in the parameter `signature_name`, or of the default signature.

        They are raw if the inputs are, or if the parameter `binary_data_output` is true.
        """
        version = version_of(self.service, request.model_name, request.model_version)
        name = _parameter(request.parameters, "signature_name", "string_param", "")
        raw = _parameter(
            request.parameters, "binary_data_output", "bool_param", bool(request.raw_input_contents)
        )
        with self.service.lease(version=version) as leased:
            signature = leased.signature(name)
            inputs = tensors.read(request, signature)
            wanted = _wanted(request, signature)
            prediction = await self.service.predict(
                leased,
                signature,
                inputs,
                deadline=call.deadline,
                request_id=call.request_id,
                protocol="v2",
            )
        response = messages.ModelInferResponse(
            model_name=self.service.model_name, model_version=str(prediction.version), id=request.id
        )
        tensors.write(response, prediction.outputs, wanted, raw=raw)
        return response


def add_to_server(servicer: GRPCInferenceServicer, server: grpc.aio.Server) -> None:
    """Adds the methods of the servicer to `server`."""
    handlers = {
        method.name: grpc.unary_unary_rpc_method_handler(
            getattr(servicer, method.name),
            request_deserializer=message_factory.GetMessageClass(method.input_type).FromString,
            response_serializer=message_factory.GetMessageClass(method.output_type).SerializeToString,
        )
        for method in messages.SERVICE.methods
    }
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(NAME, handlers),))


def _wanted(request: Any, signature: Signature) -> list[str]:
    """The names of the requested outputs; all outputs if the request names none."""
    names: list[str] = []
    for output in request.outputs:
        if output.name not in signature.outputs:
            raise invalid(f"Each of 'outputs' must name one of {', '.join(signature.outputs)}")
        if output.name in names:
            raise invalid(f"Duplicate output {output.name}")
        if "classification" in output.parameters:
            raise invalid("The classification extension is not served")
        names.append(output.name)
    return names or list(signature.outputs)


def _parameter(parameters: Any, name: str, kind: str, otherwise: Any) -> Any:
    if name not in parameters:
        return otherwise
    if parameters[name].WhichOneof("parameter_choice") != kind:
        raise invalid(f"The parameter '{name}' must be a '{kind}'")
    return getattr(parameters[name], kind)
