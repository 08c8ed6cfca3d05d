"""The imitation in kfp_cluster.py beside what KFP's own driver answered for a compiled file.

`recorded/driver_*.json` has, by stage, the ExecutorInput and the patch of the pod that the driver of one
version wrote, and the Kubernetes part that it was given. Ids of runs, salts and values are left out; of a
value the JSON type is kept. `recorded/cache_key_*.json` has, by stage, which changes of its recorded
ExecutorInput or of its container gave another fingerprint by KFP's own `cacheutils`.
"""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from kfp_cluster import Artifact, Cluster, Task, _cache_key, _Run
from kfp_versions import KFP_2_17

RECORDED = json.loads((Path(__file__).parent / "recorded" / "driver_7b70c7b.json").read_text("utf-8"))
STEPS = RECORDED["steps"]
KEYS = json.loads((Path(__file__).parent / "recorded" / "cache_key_7b70c7b.json").read_text("utf-8"))
SETTINGS = (
    "kubeflow.alerts=true",
    "kubeflow.retries=1",
    "alerts.webhook=env:ALERTS_URL",
    'kubeflow.volumes={"/greenlight"="greenlight-models"}',
    "kubeflow.serving_root=/greenlight/serving",
    'kubeflow.pod.image_pull_secrets=["registry-credentials"]',
    'kubeflow.pod.env={"HTTPS_PROXY"="http://proxy:3128"}',
    'kubeflow.pod.secret_env={"ALERTS_URL"="alerts/url"}',
    'kubeflow.pod.node_affinity=[{key="topology.kubernetes.io/zone", values=["eu-1a", "eu-1b"]}, '
    '{key="disk", values=["ssd"], weight=50}]',
    'kubeflow.pod.labels={"team"="reviews"}',
    'kubeflow.pod.annotations={"sidecar.istio.io/inject"="false"}',
    'kubeflow.pod.stages.Trainer={node_selector={"cloud.example/accelerator"="nvidia-l4"}, '
    'tolerations=[{key="nvidia.com/gpu", effect="NoSchedule"}]}',
    "kubeflow.resources.Trainer={cpu=4, cpu_request=2, memory_gib=8, memory_request_gib=4, "
    'accelerator="nvidia.com/gpu", accelerator_count=1}',
)


@pytest.fixture(scope="module")
def handled(compile_with):
    return compile_with(*SETTINGS)


def json_type(value: Any) -> str:
    return {str: "string", int: "number", float: "number", bool: "boolean"}[type(value)]


def without_what_differs_by_run(executor_input: dict[str, Any]) -> dict[str, Any]:
    """An ExecutorInput with types instead of values, and without the id of the run and the salt."""
    plain = json.loads(json.dumps(executor_input))
    values = plain["inputs"].get("parameterValues", {})
    plain["inputs"]["parameterValues"] = {name: json_type(value) for name, value in values.items()}
    plain["outputs"].pop("outputFile", None)
    for side in ("inputs", "outputs"):
        for listed in plain[side].get("artifacts", {}).values():
            for artifact in listed["artifacts"]:
                artifact["uri"] = _uri(artifact["uri"])
                if "instanceSchema" in artifact["type"]:
                    artifact["type"]["instanceSchema"] = artifact["type"]["instanceSchema"].split("\n")[0]
                if "metadata" in artifact:
                    artifact["metadata"] = {k: json_type(v) for k, v in artifact["metadata"].items()}
        if not plain[side].get("artifacts", True):
            del plain[side]["artifacts"]
    return plain


def examples(cluster: Cluster, spec: dict[str, Any]) -> Artifact:
    """The output of the first stage, with metadata of the types that its executor wrote when recorded."""
    (recorded,) = STEPS["StatisticsGen"]["executorInput"]["inputs"]["artifacts"]["examples"]["artifacts"]
    of_kfp = {"display_name", "store_session_info"}
    metadata = {
        name: {"string": "x", "number": 1}[kind]
        for name, kind in recorded["metadata"].items()
        if name not in of_kfp
    }
    declared = spec["components"]["ImdbExampleGen"]["outputDefinitions"]["artifacts"]["examples"]
    return cluster.record("examples", declared["artifactType"], recorded["uri"], metadata)


def _uri(uri: str) -> str:
    parts = uri.split("/")
    parts[-2], parts[-4] = "SALT", "RUN"
    return "/".join(parts)


@pytest.mark.parametrize("name", ["ImdbExampleGen", "StatisticsGen", "Alert"])
def test_the_imitation_resolves_a_stage_as_the_driver_did(handled, tmp_path, name):
    spec = handled.spec
    declared = spec["root"]["inputDefinitions"]["parameters"]
    values = {key: each["defaultValue"] for key, each in declared.items()}
    tasks = {**spec["components"]["comp-exit-handler-1"]["dag"]["tasks"], **spec["root"]["dag"]["tasks"]}
    cluster = Cluster(tmp_path, KFP_2_17)
    run = _Run(cluster, spec, "r", RECORDED["pipelineRoot"], values, {}, tasks)
    run.tasks["ImdbExampleGen"] = Task("ImdbExampleGen", outputs={"examples": examples(cluster, spec)})
    recorded = json.loads(json.dumps(STEPS[name]["executorInput"]))
    output_file = recorded["outputs"].pop("outputFile")
    assert without_what_differs_by_run(run.executor_input(name)) == recorded
    folder = recorded["outputs"]["artifacts"]["executor-logs"]["artifacts"][0]["uri"].rpartition("/")[0]
    assert output_file == folder.replace("minio://", "/minio/") + "/output_metadata.json"


@pytest.mark.parametrize("name", STEPS)
def test_the_driver_was_given_what_is_compiled_today(handled, name):
    """After a change that is meant, the patch has to be recorded again."""
    label = handled.spec["components"][name]["executorLabel"]
    assert handled.pods[label] == STEPS[name]["kubernetesConfig"]


def test_the_trainers_pod_is_what_the_settings_ask_for():
    pod = STEPS["Trainer"]["podSpecPatch"]
    (container,) = pod["containers"]
    assert container["resources"] == {
        "limits": {"cpu": "4", "memory": "8Gi", "nvidia.com/gpu": "1"},
        "requests": {"cpu": "2", "memory": "4Gi"},
    }
    secret = {"secretKeyRef": {"name": "alerts", "key": "url"}}
    assert {each["name"]: each.get("valueFrom", each.get("value")) for each in container["env"]} == {
        "PYTHONPATH": "/app",
        "TF_USE_LEGACY_KERAS": "1",
        "HTTPS_PROXY": "http://proxy:3128",
        "ALERTS_URL": secret,
    }
    assert pod["nodeSelector"] == {"cloud.example/accelerator": "nvidia-l4"}
    assert pod["tolerations"] == [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}]
    assert pod["imagePullSecrets"] == [{"name": "registry-credentials"}]
    affinity = pod["affinity"]["nodeAffinity"]
    (term,) = affinity["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"]
    assert [each["key"] for each in term["matchExpressions"]] == ["topology.kubernetes.io/zone"]
    (preferred,) = affinity["preferredDuringSchedulingIgnoredDuringExecution"]
    assert (preferred["weight"], preferred["preference"]["matchExpressions"][0]["key"]) == (50, "disk")


def every(side: str, **values: Any) -> Callable[[dict[str, Any], dict[str, Any]], None]:
    """A change of each artifact of the inputs or outputs."""

    def change(executor_input: dict[str, Any], _: dict[str, Any]) -> None:
        for listed in executor_input[side]["artifacts"].values():
            for artifact in listed["artifacts"]:
                artifact.update(values)

    return change


def another_parameter(executor_input: dict[str, Any], _: dict[str, Any]) -> None:
    values = executor_input["inputs"]["parameterValues"]
    values[min(values)] = "x"


def without_log(executor_input: dict[str, Any], _: dict[str, Any]) -> None:
    del executor_input["outputs"]["artifacts"]["executor-logs"]


CHANGES: dict[str, Callable[[dict[str, Any], dict[str, Any]], object]] = {
    "the addresses of the outputs": every("outputs", uri="s3://other/1"),
    "the output file": lambda executor_input, _: executor_input["outputs"].update(outputFile="/x"),
    "the address of an input": every("inputs", uri="s3://other/1"),
    "the metadata of an input": every("inputs", metadata={"a": "b"}),
    "the type of an input": every("inputs", type={"schemaTitle": "system.Dataset"}),
    "the name of an input": every("inputs", name="77"),
    "a parameter": another_parameter,
    "the metadata of an output": every("outputs", metadata={"a": "b"}),
    "an output for the log": lambda executor_input, _: executor_input["outputs"]["artifacts"].pop(
        "executor-logs"
    ),
    "the image": lambda _, container: container.update(image="j"),
    "the command": lambda _, container: container["command"].append("x"),
}


@pytest.mark.parametrize(
    ("name", "change", "changes_the_key"),
    [(name, change, key) for name, keys in KEYS["changes the key"].items() for change, key in keys.items()],
)
def test_the_imitations_cache_key_has_what_the_one_of_kfp_has(
    handled, tmp_path, name, change, changes_the_key
):
    run = _Run(Cluster(tmp_path, KFP_2_17), handled.spec, "r", RECORDED["pipelineRoot"], {}, {}, {})
    recorded = copy.deepcopy(STEPS[name]["executorInput"])
    recorded["inputs"].setdefault("artifacts", {})
    container = {"image": "i", "command": ["python"], "args": []}
    key = _cache_key(run, recorded, container)
    CHANGES[change](recorded, container)
    assert (_cache_key(run, recorded, container) != key) is changes_the_key
