"""The Kubernetes part of a compiled pipeline, against kfp-kubernetes' own message and its own output."""

import json
import re
import tomllib
from pathlib import Path

import pytest
import yaml
from google.protobuf import json_format

ROOT = Path(__file__).parents[4]
POD = (
    'kubeflow.volumes={"/models"="models"}',
    'kubeflow.pod.image_pull_secrets=["registry"]',
    'kubeflow.pod.env={"HTTPS_PROXY"="http://proxy:3128"}',
    'kubeflow.pod.secret_env={"TOKEN"="hub/token", "USER"="hub/user", "KEY"="other/key"}',
    'kubeflow.pod.secret_files={"/secrets"="signing-key"}',
    'kubeflow.pod.node_selector={"cloud.example/pool"="cpu"}',
    'kubeflow.pod.node_affinity=[{key="zone", values=["a", "b"]}, {key="spot", operator="DoesNotExist"}, '
    '{key="disk", values=["ssd"], weight=50}]',
    'kubeflow.pod.tolerations=[{key="dedicated", operator="Equal", value="reviews", effect="NoExecute", '
    "seconds=300}]",
    'kubeflow.pod.labels={"team"="reviews"}',
    'kubeflow.pod.annotations={"sidecar.istio.io/inject"="false"}',
)
CONFIG = {
    "pvcMount": [{"constant": "models", "mountPath": "/models"}],
    "imagePullSecret": [{"secretName": "registry"}],
    "secretAsEnv": [
        {
            "secretName": "hub",
            "keyToEnv": [
                {"secretKey": "token", "envVar": "TOKEN"},
                {"secretKey": "user", "envVar": "USER"},
            ],
        },
        {"secretName": "other", "keyToEnv": [{"secretKey": "key", "envVar": "KEY"}]},
    ],
    "secretAsVolume": [{"secretName": "signing-key", "mountPath": "/secrets"}],
    "nodeSelector": {"labels": {"cloud.example/pool": "cpu"}},
    "nodeAffinity": [
        {
            "matchExpressions": [
                {"key": "zone", "operator": "In", "values": ["a", "b"]},
                {"key": "spot", "operator": "DoesNotExist"},
            ]
        },
        {"matchExpressions": [{"key": "disk", "operator": "In", "values": ["ssd"]}], "weight": 50},
    ],
    "tolerations": [
        {
            "key": "dedicated",
            "operator": "Equal",
            "value": "reviews",
            "effect": "NoExecute",
            "tolerationSeconds": 300,
        }
    ],
    "podMetadata": {
        "labels": {"team": "reviews"},
        "annotations": {"sidecar.istio.io/inject": "false"},
    },
}


def executors_of(compiled):
    _, platform = yaml.safe_load_all(compiled.to_yaml())
    return platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]


def test_what_a_platform_team_asks_for_is_in_every_steps_kubernetes_part(compile_with):
    compiled = compile_with(*POD)
    executors = executors_of(compiled)
    assert set(executors) == set(compiled.spec["deploymentSpec"]["executors"])
    for executor in executors.values():
        assert executor == CONFIG
    for container in compiled.containers.values():
        assert {"name": "HTTPS_PROXY", "value": "http://proxy:3128"} in container["env"]
    assert "&" not in compiled.to_yaml().split("---")[1], "KFP's reader gets no YAML aliases"


def test_a_stage_gets_its_own_in_addition_and_its_own_first(compile_with):
    compiled = compile_with(
        'kubeflow.pod.node_selector={"pool"="cpu", "arch"="amd64"}',
        'kubeflow.pod.tolerations=[{key="dedicated"}]',
        'kubeflow.pod.env={"A"="all"}',
        'kubeflow.pod.stages.Trainer={node_selector={"pool"="gpu"}, tolerations=[{key="nvidia.com/gpu"}], '
        'env={"A"="one", "B"="two"}}',
        'kubeflow.pod.stages.Pusher.secret_files={"/secrets"="signing-key"}',
    )
    executors = executors_of(compiled)
    trainer, pusher, schema = (executors[f"{name}_executor"] for name in ("Trainer", "Pusher", "Schema"))
    shared = [{"key": "dedicated", "operator": "Exists"}]
    assert schema == {
        "nodeSelector": {"labels": {"pool": "cpu", "arch": "amd64"}},
        "tolerations": shared,
    }
    assert trainer == {
        "nodeSelector": {"labels": {"pool": "gpu", "arch": "amd64"}},
        "tolerations": [*shared, {"key": "nvidia.com/gpu", "operator": "Exists"}],
    }
    assert pusher == {**schema, "secretAsVolume": [{"secretName": "signing-key", "mountPath": "/secrets"}]}
    assert compiled.containers["Trainer"]["env"][2:] == [
        {"name": "A", "value": "one"},
        {"name": "B", "value": "two"},
    ]
    assert compiled.containers["Schema"]["env"][2:] == [{"name": "A", "value": "all"}]


def test_pods_that_need_nothing_from_kubernetes_have_no_entry(compile_with, compiled):
    one = compile_with('kubeflow.pod.stages.Trainer.labels={"team"="reviews"}')
    assert set(executors_of(one)) == {"Trainer_executor"}
    assert compiled.pods == {}
    assert len(list(yaml.safe_load_all(compiled.to_yaml()))) == 1


# --- kfp-kubernetes

WITHOUT = "kfp-kubernetes is not installed: `make setup-tests` installs it"


def message_of(config):
    """The configuration as the proto's message: an unknown field or a value of another type is an error."""
    proto = pytest.importorskip("kfp.kubernetes.kubernetes_executor_config_pb2", reason=WITHOUT)
    return json_format.ParseDict(config, proto.KubernetesExecutorConfig())


def test_every_field_is_one_of_the_published_message(compile_with):
    for config in executors_of(compile_with(*POD)).values():
        message_of(config)


def test_a_field_that_the_message_does_not_have_would_be_noticed():
    with pytest.raises(json_format.ParseError):
        message_of({"imagePullSecrets": [{"secretName": "registry"}]})


def of_the_sdk(tmp_path):
    """What kfp-kubernetes itself writes for the settings of POD."""
    kubernetes = pytest.importorskip("kfp.kubernetes", reason=WITHOUT)
    from kfp import compiler, dsl

    @dsl.container_component
    def work():
        return dsl.ContainerSpec(image="an/image", command=["true"])

    @dsl.pipeline(name="of-the-sdk")
    def pipeline():
        task = work()
        kubernetes.mount_pvc(task, pvc_name="models", mount_path="/models")
        kubernetes.set_image_pull_secrets(task, ["registry"])
        kubernetes.use_secret_as_env(task, "hub", {"token": "TOKEN", "user": "USER"})
        kubernetes.use_secret_as_env(task, "other", {"key": "KEY"})
        kubernetes.use_secret_as_volume(task, "signing-key", "/secrets")
        kubernetes.add_node_selector(task, "cloud.example/pool", "cpu")
        if hasattr(kubernetes, "add_node_affinity"):
            kubernetes.add_node_affinity(
                task,
                match_expressions=[
                    {"key": "zone", "operator": "In", "values": ["a", "b"]},
                    {"key": "spot", "operator": "DoesNotExist"},
                ],
            )
            kubernetes.add_node_affinity(
                task,
                match_expressions=[{"key": "disk", "operator": "In", "values": ["ssd"]}],
                weight=50,
            )
        kubernetes.add_toleration(
            task,
            key="dedicated",
            operator="Equal",
            value="reviews",
            effect="NoExecute",
            toleration_seconds=300,
        )
        kubernetes.add_pod_label(task, "team", "reviews")
        kubernetes.add_pod_annotation(task, "sidecar.istio.io/inject", "false")

    path = tmp_path / "of_the_sdk.yaml"
    compiler.Compiler().compile(pipeline, str(path))
    _, platform = yaml.safe_load_all(path.read_text())
    (config,) = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"].values()
    return config


def plainly_named(value):
    """Names that newer packages write as constants of parameters, as the plain names; defaults left out."""
    if isinstance(value, list):
        return [plainly_named(each) for each in value]
    if not isinstance(value, dict):
        return value
    plain = {}
    for key, each in value.items():
        if key.endswith("NameParameter"):
            name = each["runtimeValue"]["constant"]
            plain["constant" if key == "pvcNameParameter" else key.removesuffix("Parameter")] = name
        elif each is not False:  # "optional"
            plain[key] = plainly_named(each)
    return plain


def test_it_means_the_same_as_what_kfp_kubernetes_writes(compile_with, tmp_path):
    theirs = plainly_named(of_the_sdk(tmp_path))
    ours = dict(CONFIG)
    if "nodeAffinity" not in theirs:  # the package of the older generation has the field, but no function
        del ours["nodeAffinity"]
    assert message_of(ours) == message_of(theirs)


# --- the documentation


def blocks_of(heading, language):
    """The code blocks below a heading of the page."""
    page = (ROOT / "docs" / "kubeflow.md").read_text(encoding="utf-8")
    section = re.split(r"^#+ ", page.partition(f"### {heading}\n")[2], maxsplit=1, flags=re.MULTILINE)[0]
    return re.findall(rf"```{language}\n(.*?)```", section, re.DOTALL)


@pytest.fixture
def compiled_page(tmp_path, compile_with):
    """Compiles with the settings that a section of the page shows."""

    def compiled(heading):
        (text,) = blocks_of(heading, "toml")
        given = tomllib.loads(text)
        sections = given.pop("kubeflow"), given
        flat = {f"kubeflow.{key}": value for key, value in sections[0].items()} | sections[1]
        return compile_with(*(f"{key}={as_toml(value)}" for key, value in flat.items()))

    return compiled


def as_toml(value):
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {as_toml(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(as_toml, value)) + "]"
    return json.dumps(value)


def test_the_page_shows_what_comes_out_for_pods(compiled_page):
    compiled = compiled_page("Pods")
    kubernetes, container = map(yaml.safe_load, blocks_of("Pods", "yaml"))
    assert executors_of(compiled)["Trainer_executor"] == kubernetes
    found = compiled.containers["Trainer"]
    assert {key: found[key] for key in container} == container


def test_the_page_shows_what_comes_out_for_alerts(compiled_page):
    (shown,) = map(yaml.safe_load, blocks_of("Alerts", "yaml"))
    assert compiled_page("Alerts").spec["root"]["dag"] == shown["root"]["dag"]
