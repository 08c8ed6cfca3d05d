"""The exit handler of a compiled pipeline: kfp's own structure around the stages, and its pod."""

import json

import pytest
import yaml
from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2

ALERTS = (
    "kubeflow.alerts=true",
    "alerts.webhook=env:ALERTS_URL",
    'alerts.events=["refused", "failed"]',
    'kubeflow.pod.secret_env={"ALERTS_URL"="alerts/url"}',
    'kubeflow.pod.env={"HTTPS_PROXY"="http://proxy:3128"}',
)


@pytest.fixture(scope="module")
def handled(compile_with):
    return compile_with(*ALERTS)


def of_the_sdk(tmp_path):
    """What kfp writes for an ExitHandler around one task, with one parameter."""
    from kfp import compiler, dsl

    @dsl.container_component
    def work(epochs: int):
        return dsl.ContainerSpec(image="an/image", command=["work"], args=[epochs])

    @dsl.container_component
    def alert(run: str):
        return dsl.ContainerSpec(image="an/image", command=["alert"], args=[run])

    @dsl.pipeline(name="of-the-sdk")
    def pipeline(epochs: int = 3):
        with dsl.ExitHandler(alert(run=dsl.PIPELINE_JOB_ID_PLACEHOLDER)):
            work(epochs=epochs)

    path = tmp_path / "of_the_sdk.yaml"
    compiler.Compiler().compile(pipeline, str(path))
    return yaml.safe_load(path.read_text())


def test_it_is_built_as_kfp_builds_it(handled, tmp_path):
    theirs = of_the_sdk(tmp_path)["root"]["dag"]["tasks"]
    ours = handled.spec["root"]["dag"]["tasks"]
    assert set(ours) == {"exit-handler-1", "Alert"}
    assert ours["exit-handler-1"]["componentRef"] == theirs["exit-handler-1"]["componentRef"]
    assert set(ours["exit-handler-1"]) == set(theirs["exit-handler-1"])
    uncached = {key: value for key, value in theirs["alert"].items() if key != "cachingOptions"}
    named = {"componentRef": {"name": "Alert"}, "taskInfo": {"name": "Alert"}}
    assert ours["Alert"] == {**uncached, **named}


def test_the_stages_are_in_the_group_as_they_are_without_it(handled, compile_with):
    plain = compile_with(*ALERTS[1:])
    group = handled.spec["components"]["comp-exit-handler-1"]
    assert group["dag"]["tasks"] == plain.spec["root"]["dag"]["tasks"]
    stages = {name: each for name, each in handled.containers.items() if name != "Alert"}
    assert stages == plain.containers


def test_the_runs_parameters_reach_the_stages_through_the_group(handled, compile_with):
    root = handled.spec["root"]
    passed = root["dag"]["tasks"]["exit-handler-1"]["inputs"]["parameters"]
    declared = handled.spec["components"]["comp-exit-handler-1"]["inputDefinitions"]["parameters"]
    assert set(passed) == set(declared) == set(root["inputDefinitions"]["parameters"])
    assert passed["epochs"] == {"componentInputParameter": "epochs"}
    assert declared["epochs"] == {"parameterType": "NUMBER_INTEGER"}
    bare = compile_with(*ALERTS, "kubeflow.parameters=[]").spec
    assert "inputs" not in bare["root"]["dag"]["tasks"]["exit-handler-1"]
    assert "inputDefinitions" not in bare["components"]["comp-exit-handler-1"]


def test_its_pod_has_the_image_the_environment_and_the_secret(handled):
    container = handled.containers["Alert"]
    assert container["image"] == handled.containers["Pusher"]["image"]
    assert container["env"] == handled.containers["Pusher"]["env"]
    _, platform = yaml.safe_load_all(handled.to_yaml())
    executors = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    assert executors["Alert_executor"] == {
        "secretAsEnv": [{"secretName": "alerts", "keyToEnv": [{"secretKey": "url", "envVar": "ALERTS_URL"}]}]
    }


def test_its_settings_are_those_of_alerts_without_an_address(handled):
    arguments = handled.containers["Alert"]["args"]
    given = dict(zip(arguments[::2], arguments[1::2], strict=True))
    assert given["--run"] == "{{$.inputs.parameters['run']}}"
    assert given["--store"] == "gs://reviews/greenlight/serving/imdb_sentiment"
    assert json.loads(given["--alerts"]) == {
        "events": ["refused", "failed"],
        "log": False,
        "webhook": "env:ALERTS_URL",
    }


def test_kfp_parses_it(handled):
    spec, _ = yaml.safe_load_all(handled.to_yaml())
    parsed = json_format.ParseDict(spec, pipeline_spec_pb2.PipelineSpec())
    policy = parsed.root.dag.tasks["Alert"].trigger_policy
    assert policy.strategy == policy.ALL_UPSTREAM_TASKS_COMPLETED


def test_without_the_setting_there_is_none(compile_with, compiled):
    assert compile_with(ALERTS[1]).to_yaml() == compiled.to_yaml()
