"""The Kubernetes part of a compiled pipeline: KFP's KubernetesExecutorConfig, the same for every stage.

Fields are those of `kubernetes_platform/proto/kubernetes_executor_config.proto` in kubeflow/pipelines. If
a newer field replaces a plain name, the plain one is written, which every server reads.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from pipeline.settings.kubeflow import KubeflowSettings

Json = dict[str, Any]


def executor_config(kubeflow: KubeflowSettings) -> Json:
    """The configuration of the pod of one stage; empty if the settings need nothing from Kubernetes."""
    pod = kubeflow.pod
    metadata = {"labels": dict(pod.labels), "annotations": dict(pod.annotations)}
    parts: Json = {
        "pvcMount": [
            {"constant": claim, "mountPath": path} for path, claim in sorted(kubeflow.volumes.items())
        ],
        "imagePullSecret": [{"secretName": name} for name in pod.image_pull_secrets],
        "secretAsEnv": _secret_env(pod.secret_env),
        "secretAsVolume": [
            {"secretName": secret, "mountPath": path} for path, secret in sorted(pod.secret_files.items())
        ],
        "nodeSelector": {"labels": dict(pod.node_selector)} if pod.node_selector else {},
        "tolerations": [each.model_dump(exclude_none=True) for each in pod.tolerations],
        "podMetadata": {name: value for name, value in metadata.items() if value},
    }
    return {name: value for name, value in parts.items() if value}


def spec(config: Mapping[str, Any], executors: Mapping[str, Any]) -> Json:
    """The PlatformSpec with that configuration for each executor.

    Each executor gets a copy: YAML writes repeated objects as aliases, which KFP cannot read.
    """
    configs = {name: copy.deepcopy(dict(config)) for name in executors}
    return {"platforms": {"kubernetes": {"deploymentSpec": {"executors": configs}}}}


def _secret_env(variables: Mapping[str, str]) -> list[Json]:
    entries: dict[str, list[Json]] = {}
    for variable, address in sorted(variables.items()):
        secret, _, key = address.partition("/")
        entries.setdefault(secret, []).append({"secretKey": key, "envVar": variable})
    return [{"secretName": secret, "keyToEnv": keys} for secret, keys in sorted(entries.items())]
