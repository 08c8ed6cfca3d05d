"""Descriptions of models and of the server in the Open Inference Protocol."""

import dataclasses
import importlib.metadata
import re
from collections.abc import Mapping

from serving.model.lifecycle.states import State
from serving.model.predictor import DEFAULT_SIGNATURE, TensorSpec
from serving.model.service import Service
from serving.open_inference.tensors import datatype
from serving.status import Code, RequestError, invalid

SERVER_NAME = "greenlight"
PLATFORM = "tensorflow_savedmodel"


@dataclasses.dataclass(frozen=True, kw_only=True)
class TensorDescription:
    """An input or output; -1 in `shape` is any size."""

    name: str
    datatype: str
    shape: list[int]


@dataclasses.dataclass(frozen=True, kw_only=True)
class ModelDescription:
    """What a version takes and gives through its default signature, and which versions answer."""

    name: str
    versions: list[str]
    platform: str
    inputs: list[TensorDescription]
    outputs: list[TensorDescription]


def server_version() -> str:
    """The version of this package."""
    try:
        return importlib.metadata.version("greenlight-tfx")
    except importlib.metadata.PackageNotFoundError:  # run from a folder, not installed
        return "unknown"


def version_of(service: Service, model: str, version: str | None) -> int | None:
    """The number of the version that a request names; None for the newest, where it names none or 0.

    Raises:
      RequestError: the model is not served, or the version is not a number.
    """
    if model != service.model_name:
        raise RequestError(Code.NOT_FOUND, f"Unknown model {model}")
    if not version:
        return None
    if not re.fullmatch(r"[0-9]{1,18}", version):
        raise invalid(f"The version must be a number, and not {version}")
    return int(version) or None  # no version of a store has the number 0


def is_ready(service: Service, model: str, version: str | None) -> bool:
    """Whether the version, or the newest one, is loaded and answers; False for what is not served."""
    try:
        return service.version_ready(version_of(service, model, version))
    except RequestError:
        return False


def describe(service: Service, version: int | None) -> ModelDescription:
    """The description of a version, or the newest one.

    Raises:
      RequestError: it is not loaded, or has no default signature.
    """
    signatures = service.metadata(version=version).signatures
    if DEFAULT_SIGNATURE not in signatures:
        raise invalid(f"The model has no signature {DEFAULT_SIGNATURE}")
    signature = signatures[DEFAULT_SIGNATURE]
    available = [one.version for one in service.statuses() if one.state is State.AVAILABLE]
    return ModelDescription(
        name=service.model_name,
        versions=[str(number) for number in sorted(available)],
        platform=PLATFORM,
        inputs=_described(signature.inputs),
        outputs=_described(signature.outputs),
    )


def _described(specs: Mapping[str, TensorSpec]) -> list[TensorDescription]:
    return [
        TensorDescription(
            name=name,
            datatype=datatype(spec),
            shape=[-1 if size is None else size for size in spec.shape or ()],
        )
        for name, spec in specs.items()
    ]
