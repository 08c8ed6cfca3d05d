"""The Kubernetes part of a compiled pipeline: KFP's KubernetesExecutorConfig of every step.

Fields are those of `kubernetes_platform/proto/kubernetes_executor_config.proto` in kubeflow/pipelines, which
the package kfp-kubernetes has; the tests parse each of them with it. It is not needed here: its newer
versions write the names of secrets as parameters (`secretNameParameter`), which servers before 2.5 refuse.
If a newer field replaces a plain name, the plain one is written, which every server reads.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.settings.kubeflow import KubeflowSettings
from pipeline.settings.kubeflow_pod import NodeRule, Toleration

Json = dict[str, Any]


def executor_config(kubeflow: KubeflowSettings, stage: str | None) -> Json:
    """The configuration of the pod of a stage; empty if the settings need nothing from Kubernetes.

    stage: None for a pod that is not a stage.
    """
    pod = kubeflow.pod.of(stage)
    metadata = {"labels": dict(pod.labels), "annotations": dict(pod.annotations)}
    parts: Json = {
        "pvcMount": [
            {"constant": claim, "mountPath": path} for path, claim in sorted(kubeflow.volumes.items())
        ],
        "imagePullSecret": [{"secretName": name} for name in kubeflow.pod.image_pull_secrets],
        "secretAsEnv": _secret_env(pod.secret_env),
        "secretAsVolume": [
            {"secretName": secret, "mountPath": path} for path, secret in sorted(pod.secret_files.items())
        ],
        "nodeSelector": {"labels": dict(pod.node_selector)} if pod.node_selector else {},
        "nodeAffinity": _node_affinity(pod.node_affinity),
        "tolerations": [_toleration(each) for each in pod.tolerations],
        "podMetadata": {name: value for name, value in metadata.items() if value},
    }
    return {name: value for name, value in parts.items() if value}


def spec(configs: Mapping[str, Json]) -> Json:
    """The PlatformSpec with the configuration of each executor, by its label."""
    return {"platforms": {"kubernetes": {"deploymentSpec": {"executors": dict(configs)}}}}


def _secret_env(variables: Mapping[str, str]) -> list[Json]:
    entries: dict[str, list[Json]] = {}
    for variable, address in sorted(variables.items()):
        secret, _, key = address.partition("/")
        entries.setdefault(secret, []).append({"secretKey": key, "envVar": variable})
    return [{"secretName": secret, "keyToEnv": keys} for secret, keys in sorted(entries.items())]


def _node_affinity(rules: Sequence[NodeRule]) -> list[Json]:
    """One term of all rules that must be met, and one of each preference.

    Kubernetes takes a node that meets one of the required terms; a term is met if all its rules are.
    """
    required = [_expression(rule) for rule in rules if rule.weight is None]
    preferred = [
        {"matchExpressions": [_expression(rule)], "weight": rule.weight}
        for rule in rules
        if rule.weight is not None
    ]
    return [*([{"matchExpressions": required}] if required else []), *preferred]


def _expression(rule: NodeRule) -> Json:
    values = {"values": list(rule.values)} if rule.values else {}
    return {"key": rule.key, "operator": rule.operator, **values}


def _toleration(toleration: Toleration) -> Json:
    seconds = {} if toleration.seconds is None else {"tolerationSeconds": toleration.seconds}
    return {**toleration.model_dump(exclude_none=True, exclude={"seconds"}), **seconds}
