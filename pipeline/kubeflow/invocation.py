"""The translation between KFP's ExecutorInput and ExecutorOutput and those of TFX's entrypoint.

TFX's container entrypoint is written for Vertex AI. Open-source Kubeflow Pipelines passes less to a step:
input artifacts have no type that TFX can read, and artifacts on S3 or MinIO, which TensorFlow cannot open,
are local copies that KFP's launcher downloads before the step and uploads after it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

_LAUNCHERS_FOLDERS = {"gs://": "/gcs/", "s3://": "/s3/", "minio://": "/minio/"}

Json = dict[str, Any]


def keep_declared(
    executor_input: Json, *, inputs: Mapping[str, Any], outputs: Collection[str], parameters: Collection[str]
) -> None:
    """Removes, in place, inputs and outputs that the step was not compiled with.

    Since 2.5 KFP's driver adds an output `executor-logs` of the type `system.Artifact` to every task, unless
    `publish_logs` is "false". TFX's entrypoint imports the type of each artifact and fails for types that are
    not its own. The launcher writes and uploads the log in any case.

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


def to_tfx(executor_input: Json, *, inputs_spec: Mapping[str, Any]) -> dict[str, str]:
    """Completes an ExecutorInput for TFX, in place.

    - An input without a type that TFX can read gets its compiled type. KFP up to 2.17 passes an empty type;
      servers that store artifacts themselves pass their own name ("Artifact"), or the text of the schema
      instead of its title.
    - An artifact's name becomes the id from the server, else its name, else its address: TFX writes names
      into the blessing, fails without one, and takes artifacts of equal names for the same artifact.
    - An address that TensorFlow cannot open is replaced by the path of the launcher's copy.

    Args:
      executor_input: as JSON.
      inputs_spec: the ComponentInputsSpec that the step was compiled with.

    Returns:
      Replaced address -> local path.
    """
    compiled = inputs_spec.get("artifacts", {})
    for key, artifact in _artifacts(executor_input.get("inputs", {})):
        if key in compiled and not _is_of_tfx(artifact.get("type") or {}):
            artifact["type"] = compiled[key]["artifactType"]
    copies: dict[str, str] = {}
    for side in ("inputs", "outputs"):
        for _, artifact in _artifacts(executor_input.get(side, {})):
            address = artifact["uri"]
            artifact["name"] = artifact.pop("artifactId", None) or artifact.get("name") or address
            copy = artifact.pop("customPath", None) or _copy_of(address)
            if copy is not None:
                artifact["uri"] = copies[address] = copy
    return copies


def _is_of_tfx(kind: Mapping[str, str]) -> bool:
    """Whether the value is the text of a schema or the name of one of TFX's types."""
    title = kind.get("schemaTitle", "")
    return bool(kind.get("instanceSchema")) or (title.startswith("tfx.") and title.isprintable())


def outputs_of(executor_input: Json) -> list[str]:
    """The addresses of the outputs of the step."""
    return [artifact["uri"] for _, artifact in _artifacts(executor_input.get("outputs", {}))]


def expected_by_launcher(executor_input: Json) -> list[str]:
    """The local paths at which KFP's launcher looks for the outputs.

    Outputs may be written elsewhere.

    Args:
      executor_input: as KFP sent it.
    """
    outputs = (artifact for _, artifact in _artifacts(executor_input.get("outputs", {})))
    paths = (artifact.get("customPath") or _launchers_path(artifact["uri"]) for artifact in outputs)
    return [path for path in paths if path is not None]


def to_kfp(executor_output: Json, copies: Mapping[str, str]) -> Json:
    """An ExecutorOutput with addresses instead of local paths, and without nulls, which KFP cannot read.

    Args:
      executor_output: as JSON, changed in place.
      copies: what `to_tfx` returned.
    """
    addresses = sorted(((copy, address) for address, copy in copies.items()), reverse=True)
    for _, artifact in _artifacts(executor_output):
        artifact["uri"] = _with_addresses(artifact.get("uri", ""), addresses)
        metadata = artifact.get("metadata", {})
        artifact["metadata"] = {
            name: _with_addresses(value, addresses) for name, value in metadata.items() if value is not None
        }
    return executor_output


def run_of(executor_input: Mapping[str, Any]) -> str | None:
    """The id of the run, from the addresses of outputs: ROOT/PIPELINE/RUN/TASK/SALT/OUTPUT."""
    for _, artifact in _artifacts(executor_input.get("outputs", {})):
        parts = artifact["uri"].split("/")
        return parts[-4] if len(parts) > 4 else None
    return None


def _artifacts(side: Mapping[str, Any]) -> Iterator[tuple[str, Json]]:
    for key, listed in side.get("artifacts", {}).items():
        for artifact in listed.get("artifacts", ()):
            yield key, artifact


def _copy_of(address: str) -> str | None:
    """The path of the launcher's copy of an address that TensorFlow cannot open."""
    return None if address.startswith("gs://") else _launchers_path(address)


def _launchers_path(address: str) -> str | None:
    for scheme, folder in _LAUNCHERS_FOLDERS.items():
        if address.startswith(scheme):
            return folder + address.removeprefix(scheme)
    return None


def _with_addresses(value: Any, addresses: list[tuple[str, str]]) -> Any:
    if isinstance(value, str):
        for copy, address in addresses:
            if value == copy or value.startswith(f"{copy}/"):
                return address + value.removeprefix(copy)
    return value
