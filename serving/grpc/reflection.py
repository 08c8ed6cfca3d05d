"""gRPC server reflection, v1 and v1alpha.

The modules of `tensorflow-serving-api` that describe the services themselves cannot be imported beside
protobuf 4 and later, so the services are described here, from the messages. `grpcio-reflection` has v1alpha
only; v1 has the same messages in another package, so the same servicer answers both.
"""

import contextlib
from typing import Any

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection, reflection_pb2, reflection_pb2_grpc
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    inference_pb2,
    model_management_pb2,
    predict_pb2,
    regression_pb2,
)

from serving.grpc import inference_messages

_FOLDER = "tensorflow_serving/apis"
_PACKAGE = "tensorflow.serving"
_SERVICES = {
    "PredictionService": {
        "Classify": (classification_pb2, "Classification"),
        "Regress": (regression_pb2, "Regression"),
        "Predict": (predict_pb2, "Predict"),
        "MultiInference": (inference_pb2, "MultiInference"),
        "GetModelMetadata": (get_model_metadata_pb2, "GetModelMetadata"),
    },
    "ModelService": {
        "GetModelStatus": (get_model_status_pb2, "GetModelStatus"),
        "HandleReloadConfigRequest": (model_management_pb2, "ReloadConfig"),
    },
}
_FILES = {"PredictionService": "prediction_service.proto", "ModelService": "model_service.proto"}


_V1 = "grpc.reflection.v1"
_V1_SERVICE = f"{_V1}.ServerReflection"


def add_reflection(server: grpc.aio.Server) -> None:
    """Adds reflection of all services of `server` and their messages."""
    pool = descriptor_pool.DescriptorPool()
    _add(health_pb2.DESCRIPTOR, pool)
    _add(reflection_pb2.DESCRIPTOR, pool)
    pool.Add(_v1_of(reflection_pb2.DESCRIPTOR))
    for name, methods in _SERVICES.items():
        for module, _ in methods.values():
            _add(module.DESCRIPTOR, pool)
        pool.Add(_file(name))
    pool.Add(inference_messages.FILE)
    names = (
        inference_messages.NAME,
        *(f"{_PACKAGE}.{name}" for name in _SERVICES),
        health_pb2.DESCRIPTOR.services_by_name["Health"].full_name,
        reflection.SERVICE_NAME,
        _V1_SERVICE,
    )
    servicer = reflection.aio.ReflectionServicer(names, pool=_PoolWithMethods(pool))
    reflection_pb2_grpc.add_ServerReflectionServicer_to_server(servicer, server)
    method = grpc.stream_stream_rpc_method_handler(
        servicer.ServerReflectionInfo,
        request_deserializer=reflection_pb2.ServerReflectionRequest.FromString,
        response_serializer=reflection_pb2.ServerReflectionResponse.SerializeToString,
    )
    v1 = grpc.method_handlers_generic_handler(_V1_SERVICE, {"ServerReflectionInfo": method})
    server.add_generic_rpc_handlers((v1,))


class _PoolWithMethods:
    """A pool that also finds methods by name, which `grpcurl describe SERVICE.METHOD` needs.

    Of protobuf's pools only the one in pure Python does.
    """

    def __init__(self, pool: descriptor_pool.DescriptorPool) -> None:
        self._pool = pool

    def __getattr__(self, name: str) -> Any:
        return getattr(self._pool, name)

    def FindFileContainingSymbol(self, symbol: str) -> Any:
        """The file with the symbol; KeyError if it is unknown."""
        with contextlib.suppress(KeyError):
            return self._pool.FindFileContainingSymbol(symbol)
        service, _, method = symbol.rpartition(".")
        return self._pool.FindServiceByName(service).methods_by_name[method].containing_service.file


def _v1_of(v1alpha: Any) -> descriptor_pb2.FileDescriptorProto:
    """The file of v1: the messages and the service of v1alpha in another package."""
    file = descriptor_pb2.FileDescriptorProto()
    v1alpha.CopyToProto(file)
    old, new = f".{file.package}.", f".{_V1}."
    file.name = "grpc/reflection/v1/reflection.proto"
    file.package = _V1
    for message in file.message_type:
        for field in message.field:
            if field.type_name:  # scalar fields must not have a type name, not even an empty one
                field.type_name = field.type_name.replace(old, new)
    for service in file.service:
        for method in service.method:
            method.input_type = method.input_type.replace(old, new)
            method.output_type = method.output_type.replace(old, new)
    return file


def _file(service: str) -> descriptor_pb2.FileDescriptorProto:
    methods = _SERVICES[service]
    file = descriptor_pb2.FileDescriptorProto(
        name=f"{_FOLDER}/{_FILES[service]}",
        package=_PACKAGE,
        syntax="proto3",
        dependency=[module.DESCRIPTOR.name for module, _ in methods.values()],
    )
    described = file.service.add(name=service)
    for name, (_, messages) in methods.items():
        described.method.add(
            name=name,
            input_type=f".{_PACKAGE}.{messages}Request",
            output_type=f".{_PACKAGE}.{messages}Response",
        )
    return file


def _add(file: Any, pool: descriptor_pool.DescriptorPool) -> None:
    """Copies a file into `pool`, after all files that it imports."""
    try:
        pool.FindFileByName(file.name)
    except KeyError:
        for imported in file.dependencies:
            _add(imported, pool)
        proto = descriptor_pb2.FileDescriptorProto()
        file.CopyToProto(proto)
        pool.Add(proto)
