"""The messages of `inference.GRPCInferenceService`, from the protocol's published description.

`open_inference_grpc.proto` is the Open Inference Protocol's own file; this command makes
`open_inference_grpc.binpb` of it:

    python -m grpc_tools.protoc -I. --descriptor_set_out=open_inference_grpc.binpb open_inference_grpc.proto

The classes are in a separate pool, because a client's package may define the same names in this process.
"""

from importlib import resources
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

_SET = descriptor_pb2.FileDescriptorSet.FromString(
    resources.files(__package__).joinpath("open_inference_grpc.binpb").read_bytes()
)
(FILE,) = _SET.file
"""The description for reflection."""

_POOL = descriptor_pool.DescriptorPool()
_POOL.Add(FILE)
SERVICE = _POOL.FindServiceByName(f"{FILE.package}.{FILE.service[0].name}")
NAME = SERVICE.full_name


def _message(name: str) -> Any:
    return message_factory.GetMessageClass(_POOL.FindMessageTypeByName(f"{FILE.package}.{name}"))


ServerLiveRequest = _message("ServerLiveRequest")
ServerLiveResponse = _message("ServerLiveResponse")
ServerReadyRequest = _message("ServerReadyRequest")
ServerReadyResponse = _message("ServerReadyResponse")
ModelReadyRequest = _message("ModelReadyRequest")
ModelReadyResponse = _message("ModelReadyResponse")
ServerMetadataRequest = _message("ServerMetadataRequest")
ServerMetadataResponse = _message("ServerMetadataResponse")
ModelMetadataRequest = _message("ModelMetadataRequest")
ModelMetadataResponse = _message("ModelMetadataResponse")
ModelInferRequest = _message("ModelInferRequest")
ModelInferResponse = _message("ModelInferResponse")
