"""The compiled pipeline: the stages of the local one, what a cluster needs besides, always the same bytes."""

import json
import os
import sys
from pathlib import Path

import processes
import pytest
import yaml
from google.protobuf import json_format
from kfp import components
from kfp.pipeline_spec import pipeline_spec_pb2
from kfp_containers import argument
from tfx.dsl.components.base.base_executor import BaseExecutor
from tfx.utils import import_utils

from pipeline.kubeflow import parameters
from pipeline.kubeflow.step import with_parameters
from pipeline.settings.kubeflow_stage import StageName

ROOT = Path(__file__).parents[4]
IMAGE, PIPELINE_ROOT = "registry.example/greenlight:4dd0c33", "gs://reviews/greenlight"


def tasks(compiled):
    return compiled.spec["root"]["dag"]["tasks"]


def constant(compiled, step, name):
    return tasks(compiled)[step]["inputs"]["parameters"][name]["runtimeValue"]["constant"]


# --- the same pipeline


STAGES = set(StageName.__args__) - {"LiveModel", "TextExampleGen"}


def test_it_has_the_stages_of_the_local_pipeline(compiled):
    assert set(compiled.containers) == STAGES
    assert set(tasks(compiled)) == STAGES


def test_a_warm_start_looks_for_the_live_model_in_every_run(compile_with):
    compiled = compile_with("trainer.warm_start=live")
    assert set(tasks(compiled)) == {*STAGES, "LiveModel"}
    assert "cachingOptions" not in tasks(compiled)["LiveModel"]


def test_nothing_is_trained_before_the_check_and_nothing_pushed_before_both_judges(compiled):
    assert tasks(compiled)["Trainer"]["dependentTasks"] == ["DataCheck", "ImdbExampleGen"]
    assert {"Evaluator", "InfraValidator"} <= set(tasks(compiled)["Pusher"]["dependentTasks"])
    baseline = tasks(compiled)["Evaluator"]["inputs"]["artifacts"]["baseline_model"]["taskOutputArtifact"]
    assert baseline["producerTask"] == "ProductionModel"


def test_every_executor_can_be_imported_by_its_name(compiled):
    for container in compiled.containers.values():
        executor = import_utils.import_class_by_path(argument(container, "--executor_class_path"))
        assert issubclass(executor, BaseExecutor)
    assert callable(import_utils.import_class_by_path(constant(compiled, "Trainer", "run_fn")))


def test_settings_reach_their_stages(compile_with):
    compiled = compile_with("trainer.seed=77", "check.min_train_examples=33", "model_name=a_model")
    assert json.loads(constant(compiled, "Trainer", "custom_config"))["trainer"]["seed"] == 77
    assert json.loads(constant(compiled, "DataCheck", "settings"))["min_train_examples"] == 33
    destination = json.loads(constant(compiled, "Pusher", "push_destination"))
    assert destination["filesystem"]["base_directory"] == "gs://reviews/greenlight/serving/a_model"
    assert compiled.name == "a-model"


# --- what a cluster needs besides


def test_every_container_is_the_image_with_what_its_imports_need(compiled):
    for container in compiled.containers.values():
        assert container["image"] == IMAGE
        assert container["env"] == [
            {"name": "PYTHONPATH", "value": "/app"},
            {"name": "TF_USE_LEGACY_KERAS", "value": "1"},
        ]


def test_paths_are_those_of_the_image(compile_with):
    compiled = compile_with(
        "kubeflow.project_dir=/srv/code/", "kubeflow.cache_dir=/cache", "cache_dir=/home/ann/c"
    )
    assert constant(compiled, "Schema", "schema_file") == "/srv/code/components/data_check/schema.pbtxt"
    assert json.loads(constant(compiled, "Trainer", "custom_config"))["cache_dir"] == "/cache"


@pytest.mark.parametrize("render", ["to_yaml", "to_json"])
def test_no_path_of_this_machine_is_in_it(compile_with, render):
    text = getattr(compile_with("workspace=/home/ann/w", "cache_dir=/home/ann/c"), render)()
    for path in (str(ROOT), str(Path.home()), os.getcwd(), "/home/ann", sys.prefix):
        assert f"{path}/" not in text


def test_resources_are_written_as_kfp_writes_them(compile_with):
    compiled = compile_with(
        'kubeflow.resources.Trainer={cpu=4, memory_gib=8, accelerator="nvidia.com/gpu", accelerator_count=2}',
        "kubeflow.resources.Evaluator.cpu=0.5",
        "kubeflow.resources.Schema.memory_gib=12345.6789",
    )
    resources = {name: container.get("resources") for name, container in compiled.containers.items()}
    assert resources.pop("Trainer") == {
        "cpuLimit": 4.0,
        "resourceCpuLimit": "4",
        "memoryLimit": 8.589934592,
        "resourceMemoryLimit": "8Gi",
        "accelerator": {
            "type": "nvidia.com/gpu",
            "count": "2",
            "resourceType": "nvidia.com/gpu",
            "resourceCount": "2",
        },
    }
    assert resources.pop("Evaluator") == {"cpuLimit": 0.5, "resourceCpuLimit": "0.5"}
    assert resources.pop("Schema")["resourceMemoryLimit"] == "12345.6789Gi"
    assert set(resources.values()) == {None}


@pytest.mark.parametrize("named", ["ImdbExampleGen", "TextExampleGen"])
@pytest.mark.parametrize(
    ("source", "stage"), [("packaged", "ImdbExampleGen"), ("files:gs://a/*.csv", "TextExampleGen")]
)
def test_settings_of_the_first_stage_are_found_by_either_of_its_ids(compile_with, named, source, stage):
    compiled = compile_with(
        f"data.source={source}",
        f"kubeflow.resources.{named}.cpu=2",
        f"kubeflow.pod.stages.{named}.labels={{team='mail'}}",
    )
    assert compiled.containers[stage]["resources"]["resourceCpuLimit"] == "2"
    assert '"team": "mail"' in json.dumps(list(yaml.safe_load_all(compiled.to_yaml())))
    assert len(set(tasks(compiled)) & {"ImdbExampleGen", "TextExampleGen"}) == 1
    assert "source" in compiled.spec["components"][stage]["inputDefinitions"]["parameters"]


def test_requests_are_apart_from_limits(compile_with):
    compiled = compile_with(
        "kubeflow.resources.Trainer={cpu=4, cpu_request=0.5, memory_gib=8, memory_request_gib=2}",
        "kubeflow.resources.Schema.memory_request_gib=1",
    )
    resources = {name: container.get("resources") for name, container in compiled.containers.items()}
    assert resources.pop("Trainer") == {
        "cpuLimit": 4.0,
        "resourceCpuLimit": "4",
        "cpuRequest": 0.5,
        "resourceCpuRequest": "0.5",
        "memoryLimit": 8.589934592,
        "resourceMemoryLimit": "8Gi",
        "memoryRequest": 2.147483648,
        "resourceMemoryRequest": "2Gi",
    }
    assert resources.pop("Schema") == {"memoryRequest": 1.073741824, "resourceMemoryRequest": "1Gi"}


def test_every_step_is_started_again_as_often_as_asked_for(compile_with, compiled):
    retried = compile_with("kubeflow.retries=2")
    for task in tasks(retried).values():
        assert task["retryPolicy"] == {
            "maxRetryCount": 2,
            "backoffDuration": "30s",
            "backoffFactor": 2.0,
            "backoffMaxDuration": "604800s",
        }
    assert not any("retryPolicy" in task for task in tasks(compiled).values())


STORE = {"ProductionModel", "Pusher"}
CHANGING = ["data.source=files:gs://a/*.csv", 'kubeflow.parameters=["epochs"]']


@pytest.mark.parametrize(
    ("assignments", "uncached"),
    [
        ((), {"ImdbExampleGen", *STORE}),  # `source` is a parameter
        (CHANGING, {"TextExampleGen", *STORE}),
        (CHANGING[1:], STORE),
        (["kubeflow.enable_cache=false"], STAGES),
        (["kubeflow.cache.Trainer=false"], {"Trainer", "ImdbExampleGen", *STORE}),
        (["kubeflow.enable_cache=false", "kubeflow.cache.Trainer=true"], STAGES - {"Trainer"}),
        ([*CHANGING[1:], "kubeflow.cache.ImdbExampleGen=false"], {"ImdbExampleGen", *STORE}),
    ],
)
def test_what_can_change_behind_kubeflows_back_is_never_cached(compile_with, assignments, uncached):
    found = tasks(compile_with(*assignments))
    cached = {name for name, task in found.items() if task.get("cachingOptions") == {"enableCache": True}}
    assert set(found) - cached == uncached


# --- run-time parameters


def test_parameters_are_inputs_of_the_pipeline_with_the_compiled_values_as_defaults(compile_with):
    declared = compile_with("trainer.epochs=7").spec["root"]["inputDefinitions"]["parameters"]
    assert declared == {
        "min_accuracy": {
            "parameterType": "NUMBER_DOUBLE",
            "defaultValue": 0.85,
            "description": "The setting gate.min_accuracy.",
        },
        "epochs": {
            "parameterType": "NUMBER_INTEGER",
            "defaultValue": 7,
            "description": "The setting trainer.epochs.",
        },
        "source": {
            "parameterType": "STRING",
            "defaultValue": "packaged",
            "description": "The setting data.source.",
        },
        "embedding": {
            "parameterType": "STRING",
            "defaultValue": "glove-6b-50d",
            "description": "The setting embedding.name.",
        },
    }


def test_a_parameter_is_an_input_of_its_stages_alone_which_lay_it_over_their_settings(compiled):
    takes = {
        name: set(compiled.spec["components"][name]["inputDefinitions"]["parameters"])
        & {"min_accuracy", "epochs", "source", "embedding"}
        for name in compiled.containers
    }
    assert takes.pop("Trainer") == {"epochs", "embedding"}
    assert takes.pop("Evaluator") == {"min_accuracy", "source"}
    assert takes.pop("ImdbExampleGen") == {"source"}
    assert takes.pop("DataCheck") == {"embedding"}
    assert set().union(*takes.values()) == set()
    with_settings = {name for name, each in compiled.containers.items() if "--settings" in each["args"]}
    assert with_settings == {"Trainer", "Evaluator", "ImdbExampleGen", "DataCheck"}


def test_without_parameters_there_are_no_inputs_of_the_pipeline(compile_with):
    bare = compile_with("kubeflow.parameters=[]")
    assert "inputDefinitions" not in bare.spec["root"]
    assert not any("--settings" in container["args"] for container in bare.containers.values())


def test_every_step_knows_its_stage_and_where_the_versions_are(compile_with):
    compiled = compile_with("kubeflow.serving_root=gs://models", "model_name=a_model")
    for name, container in compiled.containers.items():
        assert container["command"] == ["python", "-m", "pipeline.kubeflow.step"]
        assert argument(container, "--stage") == name
        assert argument(container, "--store") == "gs://models/a_model"


def test_every_step_knows_the_outputs_that_it_was_compiled_with(compiled):
    """What KFP's driver adds beside them (executor-logs) is dropped."""
    known = {name: set(argument(each, "--outputs").split(",")) for name, each in compiled.containers.items()}
    components = compiled.spec["components"]
    assert known == {name: set(components[name]["outputDefinitions"]["artifacts"]) for name in components}
    assert known["Evaluator"] == {"blessing", "evaluation"}


OTHERS = (
    "data.eval_weight=7",
    "data.split_salt=x",
    "check.min_train_examples=7",
    "embedding.vocabulary_size=700",
    "trainer.seed=7",
    "gate.min_change=off",
    "infra.samples=7",
    "push.signing_key=/secrets/key.pem",
    "model_name=other",
)
"""Settings of every kind: what a stage with parameters is made from has to travel with it."""


@pytest.mark.parametrize(
    ("stage", "given", "assignment"),
    [
        ("Evaluator", {"min_accuracy": 0.9}, "gate.min_accuracy=0.9"),
        ("Trainer", {"epochs": 7.0}, "trainer.epochs=7"),
        ("Trainer", {"embedding": "nnlm-en-dim50"}, "embedding.name=nnlm-en-dim50"),
        ("DataCheck", {"embedding": "nnlm-en-dim50"}, "embedding.name=nnlm-en-dim50"),
        ("ImdbExampleGen", {"source": "tfds"}, "data.source=tfds"),
        ("Evaluator", {"source": "files:gs://a/{SPAN}/*.csv"}, "data.source=files:gs://a/{SPAN}/*.csv"),
    ],
)
def test_a_changed_parameter_gives_the_stage_what_compiling_with_it_would_have(
    compile_with, stage, given, assignment
):
    travelled = argument(compile_with(*OTHERS).containers[stage], "--settings")
    told = {"inputs": {"parameterValues": dict(given)}}
    with_parameters(told, stage=stage, settings_json=travelled)
    sources = tasks(compile_with(*OTHERS, assignment))[stage]["inputs"]["parameters"]
    constants = {
        name: source["runtimeValue"]["constant"]
        for name, source in sources.items()
        if "runtimeValue" in source
    }
    assert told["inputs"]["parameterValues"] == constants


@pytest.mark.parametrize(
    "assignment",
    [
        "gate.min_accuracy=0.9",
        "trainer.epochs=7",
        "data.source=files:gs://a/{SPAN}/*.csv",
        "embedding.name=nnlm-en-dim50",
    ],
)
def test_no_stage_but_those_that_take_a_parameter_is_made_from_its_setting(
    compile_with, compiled, assignment
):
    other = compile_with(assignment)
    taking = {
        stage
        for parameter in parameters.ALL
        if parameter.key == assignment.partition("=")[0]
        for stage in parameter.stages
    }
    for stage in STAGES - taking:
        named = json.loads(json.dumps(tasks(other)[stage]).replace("TextExampleGen", "ImdbExampleGen"))
        assert {**named, "dependentTasks": sorted(named.get("dependentTasks", []))} == {
            "dependentTasks": [],
            **tasks(compiled)[stage],
        }
        assert other.containers[stage] == compiled.containers[stage]


# --- the files


def test_kfp_takes_the_yaml(compiled):
    spec = json_format.ParseDict(yaml.safe_load(compiled.to_yaml()), pipeline_spec_pb2.PipelineSpec())
    assert spec.schema_version == "2.1.0"
    assert spec.default_pipeline_root == PIPELINE_ROOT
    loaded = components.load_component_from_text(compiled.to_yaml())
    assert set(loaded.component_spec.inputs) == {"min_accuracy", "epochs", "source", "embedding"}


def test_volumes_are_a_second_document_that_mounts_each_of_them_in_every_step(compile_with):
    compiled = compile_with('kubeflow.volumes={"/models"="models", "/data"="reviews"}')
    spec, platform = yaml.safe_load_all(compiled.to_yaml())
    assert spec == compiled.spec
    executors = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    assert set(executors) == set(spec["deploymentSpec"]["executors"])
    for executor in executors.values():
        assert executor["pvcMount"] == [
            {"constant": "reviews", "mountPath": "/data"},
            {"constant": "models", "mountPath": "/models"},
        ]
    parsed = json_format.ParseDict(platform, pipeline_spec_pb2.PlatformSpec())
    assert set(parsed.platforms) == {"kubernetes"}
    assert "&" not in compiled.to_yaml().split("---")[1], "KFP's reader gets no YAML aliases"


def test_how_the_host_is_reached_is_not_in_it(compile_with, compiled):
    reached = compile_with("kubeflow.api.host=https://kubeflow.example", "kubeflow.api.token_file=/token")
    assert reached.to_yaml() == compiled.to_yaml()


def test_the_json_is_a_pipeline_job_around_the_same_spec(compiled):
    job = json_format.Parse(compiled.to_json(), pipeline_spec_pb2.PipelineJob())
    assert job.runtime_config.gcs_output_directory == PIPELINE_ROOT
    assert json.loads(compiled.to_json())["pipelineSpec"] == yaml.safe_load(compiled.to_yaml())


@pytest.mark.proof
def test_another_process_elsewhere_writes_the_same_bytes(compile_with, tmp_path):
    flags = ["--set", f"kubeflow.image={IMAGE}", "--set", f"kubeflow.pipeline_root={PIPELINE_ROOT}"]
    elsewhere = {"PYTHONHASHSEED": "1", "HOME": str(tmp_path)}
    done = processes.greenlight("compile", "--output", "a.yaml", *flags, folder=tmp_path, **elsewhere)
    assert (done.returncode, done.stdout, done.stderr) == (0, "Wrote a.yaml.\n", "")
    assert Path(tmp_path, "a.yaml").read_text() == compile_with().to_yaml()
