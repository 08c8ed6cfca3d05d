"""gRPC reflection: a client without our protocol files can ask for them.

The modules of `tensorflow-serving-api` that describe the services themselves cannot be imported beside
protobuf 4 and later, so the services are described here, from the messages.
"""

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection, reflection_pb2
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    inference_pb2,
    model_management_pb2,
    predict_pb2,
    regression_pb2,
)

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


def add_reflection(server: Any) -> None:
    """Lets clients of `server` ask for its services and their messages."""
    pool = descriptor_pool.DescriptorPool()
    _add(health_pb2.DESCRIPTOR, pool)
    _add(reflection_pb2.DESCRIPTOR, pool)
    for name, methods in _SERVICES.items():
        for module, _ in methods.values():
            _add(module.DESCRIPTOR, pool)
        pool.Add(_file(name))
    names = (
        *(f"{_PACKAGE}.{name}" for name in _SERVICES),
        health_pb2.DESCRIPTOR.services_by_name["Health"].full_name,
        reflection.SERVICE_NAME,
    )
    reflection.enable_server_reflection(names, server, pool=pool)


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
    """Copies a file into `pool`, after all that it imports."""
    try:
        pool.FindFileByName(file.name)
    except KeyError:
        for imported in file.dependencies:
            _add(imported, pool)
        proto = descriptor_pb2.FileDescriptorProto()
        file.CopyToProto(proto)
        pool.Add(proto)
