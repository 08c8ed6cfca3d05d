"""What a pod is told (KFP's ExecutorInput) as TFX takes it, and what TFX answers as KFP takes it.

TFX wrote its container entrypoint for Vertex AI. Open-source Kubeflow Pipelines tells less: an input artifact
comes without its type, and what lies on S3 or MinIO, which TensorFlow cannot open, is a local copy that KFP's
launcher makes before the step and uploads after it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

_COPIED_BY_THE_LAUNCHER = {"s3://": "/s3/", "minio://": "/minio/"}

Json = dict[str, Any]


def keep_declared(
    executor_input: Json, *, inputs: Mapping[str, Any], outputs: Collection[str], parameters: Collection[str]
) -> None:
    """Removes, in place, what the step was not compiled with.

    Since 2.5 KFP's driver adds an output `executor-logs` of the type `system.Artifact` to every task, unless
    `publish_logs` is "false". TFX's entrypoint imports each artifact's type and fails on those that are not
    its own. The launcher writes and uploads the log whether or not the executor mentions it.

    Args:
      executor_input: as JSON.
      inputs: the ComponentInputsSpec that the step was compiled with, as JSON.
      outputs: the keys of the outputs that the step was compiled with.
      parameters: the names of input parameters that are kept beside those of `inputs`.
    """
    given, made = executor_input.get("inputs", {}), executor_input.get("outputs", {})
    kept = {*inputs.get("parameters", {}), *parameters}
    for side, field, declared in (
        (given, "artifacts", inputs.get("artifacts", {})),
        (given, "parameterValues", kept),
        (given, "parameters", kept),
        (made, "artifacts", outputs),
        (made, "parameters", outputs),
    ):
        if field in side:
            side[field] = {key: value for key, value in side[field].items() if key in declared}


def as_tfx_takes_it(executor_input: Json, *, inputs_spec: Mapping[str, Any]) -> dict[str, str]:
    """Completes an ExecutorInput in place; returns where each address that was replaced is on this disk.

    - An input without a type gets the one that it was compiled with.
    - An artifact without a name gets its address for one: TFX writes names into the blessing, and fails
      without.
    - What TensorFlow cannot open is read and written where KFP's launcher has its copy.

    Args:
      executor_input: as JSON.
      inputs_spec: the ComponentInputsSpec that the step was compiled with.
    """
    compiled = inputs_spec.get("artifacts", {})
    for key, artifact in _artifacts(executor_input.get("inputs", {})):
        kind = artifact.get("type") or {}
        if not any(kind.values()) and key in compiled:
            artifact["type"] = compiled[key]["artifactType"]
    places: dict[str, str] = {}
    for side in ("inputs", "outputs"):
        for _, artifact in _artifacts(executor_input.get(side, {})):
            address = artifact["uri"]
            artifact["name"] = artifact.get("name") or address
            place = artifact.pop("customPath", None) or _copy_of(address)
            if place is not None:
                artifact["uri"] = places[address] = place
    return places


def as_kfp_takes_it(executor_output: Json, places: Mapping[str, str]) -> Json:
    """An ExecutorOutput with addresses again in the place of local paths, and without nulls, which KFP fails
    on.
    """
    addresses = sorted(((place, address) for address, place in places.items()), reverse=True)
    for _, artifact in _artifacts(executor_output):
        artifact["uri"] = _with_addresses(artifact.get("uri", ""), addresses)
        metadata = artifact.get("metadata", {})
        artifact["metadata"] = {
            name: _with_addresses(value, addresses) for name, value in metadata.items() if value is not None
        }
    return executor_output


def run_of(executor_input: Mapping[str, Any]) -> str | None:
    """The id of the pipeline's run: KFP gives each output the address ROOT/PIPELINE/RUN/TASK/SALT/OUTPUT."""
    for _, artifact in _artifacts(executor_input.get("outputs", {})):
        parts = artifact["uri"].split("/")
        return parts[-4] if len(parts) > 4 else None
    return None


def _artifacts(side: Mapping[str, Any]) -> Iterator[tuple[str, Json]]:
    for key, listed in side.get("artifacts", {}).items():
        for artifact in listed.get("artifacts", ()):
            yield key, artifact


def _copy_of(address: str) -> str | None:
    for scheme, folder in _COPIED_BY_THE_LAUNCHER.items():
        if address.startswith(scheme):
            return folder + address.removeprefix(scheme)
    return None


def _with_addresses(value: Any, addresses: list[tuple[str, str]]) -> Any:
    if isinstance(value, str):
        for place, address in addresses:
            if value == place or value.startswith(f"{place}/"):
                return address + value.removeprefix(place)
    return value
