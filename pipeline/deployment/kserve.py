"""KServe manifests that serve one release with the cluster's TensorFlow runtime."""

from __future__ import annotations

import re
from typing import Any

from components.errors import InputError
from pipeline.deployment import model_config
from pipeline.deployment.release import SERVER, Release
from pipeline.deployment.yaml_text import dump

MODELS = "/mnt/models"
"""Where KServe's storage initializer puts what is at `storageUri`."""

_SCHEMES = ("gs", "s3", "pvc", "hf", "https", "http", "abfss", "wasbs", "hdfs", "webhdfs")


def render(
    release: Release,
    *,
    storage_uri: str,
    namespace: str = "default",
    min_replicas: int = 1,
    max_replicas: int = 3,
    cpu: str = "1",
    memory: str = "2Gi",
) -> str:
    """A ConfigMap and an InferenceService, YAML, for `kubectl apply`.

    Args:
      release: what is served.
      storage_uri: where the cluster finds the folder of versions, the one that holds the numbered folders.
      namespace: where both are made.
      min_replicas: servers at rest; 0 lets KServe stop the last one.
      max_replicas: the most servers.
      cpu: each server's processors, as Kubernetes counts them.
      memory: each server's memory, as Kubernetes writes it.

    Raises:
      InputError: KServe reads from no such address, or there are more servers at rest than at most.
    """
    if not re.match(rf"({'|'.join(_SCHEMES)})://[^/\s]+", storage_uri):
        raise InputError(
            f"KServe cannot read {storage_uri!r}. Give the address of the folder of versions, "
            "as the cluster reaches it, for example gs://bucket/serving/imdb_sentiment or "
            "pvc://claim/serving/imdb_sentiment."
        )
    if min_replicas > max_replicas:
        raise InputError(f"--min-replicas {min_replicas} is more than --max-replicas {max_replicas}.")
    if not re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", namespace):
        raise InputError(
            f"--namespace {namespace!r} is not a name of a namespace: at most 63 lower-case letters, digits "
            "and dashes, with a letter or digit at both ends."
        )
    _check_amount("--cpu", cpu, example="500m or 2")
    _check_amount("--memory", memory, example="512Mi or 2Gi")
    name = resource_name(release.model_name)
    config = f"{name}-v{release.version}"
    return dump(
        _config_map(release, name=config, namespace=namespace),
        {
            "apiVersion": "serving.kserve.io/v1beta1",
            "kind": "InferenceService",
            "metadata": {"name": name, "namespace": namespace, "annotations": release.labels},
            "spec": {
                "predictor": {
                    "minReplicas": min_replicas,
                    "maxReplicas": max_replicas,
                    "model": {
                        "modelFormat": {"name": "tensorflow", "version": "2"},
                        "runtimeVersion": SERVER.rpartition(":")[2],
                        "storageUri": storage_uri.rstrip("/"),
                        "args": list(model_config.ARGUMENTS),
                        "resources": {
                            "requests": {"cpu": cpu, "memory": memory},
                            "limits": {"cpu": cpu, "memory": memory},
                        },
                        "readinessProbe": {
                            "httpGet": {
                                "path": f"/v1/models/{release.model_name}/versions/{release.version}",
                                "port": 8080,
                            },
                            "periodSeconds": 5,
                        },
                        "volumeMounts": [
                            {"name": "serving-config", "mountPath": "/etc/serving", "readOnly": True}
                        ],
                    },
                    "volumes": [{"name": "serving-config", "configMap": {"name": config}}],
                }
            },
        },
    )


def _check_amount(option: str, text: str, *, example: str) -> None:
    """Raises InputError for what Kubernetes does not read as an amount greater than nothing."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)(m|[kMGTPE]i?|Ki)?", text)
    if not found or float(found[1]) == 0:
        raise InputError(f"{option} {text!r} is not a valid Kubernetes quantity; for example {example}.")


def _config_map(release: Release, *, name: str, namespace: str) -> dict[str, Any]:
    """Immutable, and one a version: a server that restarts in mid-rollout gets the version it had."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": namespace, "annotations": release.labels},
        "immutable": True,
        "data": {
            "models.config": model_config.models(release, base_path=MODELS),
            "monitoring.config": model_config.MONITORING,
        },
    }


def resource_name(model_name: str) -> str:
    """The model's name as Kubernetes and DNS take it: at most 40 lower-case letters, digits and dashes.

    40, since KServe makes host names of at most 63 from it. Clients go on to use the model's own name.
    """
    name = re.sub(r"[^a-z0-9]+", "-", model_name.lower())[:40].strip("-")
    return name if name[:1].isalpha() else f"model-{name}".rstrip("-")
