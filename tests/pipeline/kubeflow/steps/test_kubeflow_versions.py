"""What each range of Kubeflow's releases hands to a step, and takes back from it."""

import json
from pathlib import Path

import pytest
from kfp_cluster import FAILED, LOGS, SUCCEEDED, Cluster, Task, _Run
from kfp_containers import argument
from kfp_versions import KFP_2_0, PROTOCOLS, TASK_API, VERSIONS

from pipeline.kubeflow import invocation, parameters

ROOT = Path(__file__).parents[4]
each_version = pytest.mark.parametrize("version", VERSIONS, ids=lambda version: version.name.split(" (")[0])
each_protocol = pytest.mark.parametrize("version", PROTOCOLS, ids=lambda version: version.name.split(" (")[0])


def as_the_step_gives_it_to_tfx(compiled, name: str, cluster: Cluster) -> dict:
    """The ExecutorInput of a stage whose upstream stages have left something."""
    spec = compiled.spec
    defaults = {
        key: each["defaultValue"] for key, each in spec["root"]["inputDefinitions"]["parameters"].items()
    }
    run = _Run(cluster, spec, "run-1", "minio://mlpipeline/v2", defaults, {}, spec["root"]["dag"]["tasks"])
    for task, component in spec["components"].items():
        run.tasks[task] = Task(task)
        for key, each in component["outputDefinitions"]["artifacts"].items():
            uri = f"minio://mlpipeline/v2/{task}/{key}"
            run.tasks[task].outputs[key] = cluster.record(key, each["artifactType"], uri, {"n": 1})
    told = run.executor_input(name)
    inputs = json.loads(argument(compiled.containers[name], "--json_serialized_inputs_spec_args"))
    outputs = argument(compiled.containers[name], "--outputs").split(",")
    kept = [parameter.name for parameter in parameters.ALL]
    invocation.keep_declared(told, inputs=inputs, outputs=outputs, parameters=kept)
    invocation.to_tfx(told, inputs_spec=inputs)
    return told


@each_protocol
@pytest.mark.parametrize("publish_logs", [True, False])
def test_tfx_reads_every_artifact_that_the_driver_resolves(compiled, tmp_path, version, publish_logs):
    from google.protobuf import json_format
    from kfp.pipeline_spec import pipeline_spec_pb2
    from tfx.orchestration.kubeflow.v2.container import kubeflow_v2_entrypoint_utils

    cluster = Cluster(tmp_path, version, publish_logs=publish_logs)
    for name in compiled.containers:
        told = as_the_step_gives_it_to_tfx(compiled, name, cluster)
        message = pipeline_spec_pb2.ExecutorInput()
        json_format.ParseDict(told, message, ignore_unknown_fields=True)
        component = compiled.spec["components"][name]
        for side, declared in (("inputs", "inputDefinitions"), ("outputs", "outputDefinitions")):
            read = kubeflow_v2_entrypoint_utils.parse_raw_artifact_dict(getattr(message, side).artifacts)
            kinds = {
                key: each["artifactType"]["instanceSchema"].split("\n")[0].removeprefix("title: ")
                for key, each in component.get(declared, {}).get("artifacts", {}).items()
            }
            assert {key: f"tfx.{each[0].type_name}" for key, each in read.items()} == {
                key: kind if kind.startswith("tfx.") else f"tfx.{kind.split('.')[-1]}"
                for key, kind in kinds.items()
            }


@each_protocol
def test_two_models_are_two_to_tfx(compiled, tmp_path, version):
    """It makes an artifact's id of its name, and a blessing names both."""
    told = as_the_step_gives_it_to_tfx(compiled, "Evaluator", Cluster(tmp_path, version))
    artifacts = told["inputs"]["artifacts"]
    names = {artifacts[key]["artifacts"][0]["name"] for key in ("model", "baseline_model")}
    assert len(names) == 2


@pytest.mark.proof
@pytest.mark.timeout(600)
@each_protocol
def test_steps_run_as_each_version_starts_them(compile_with, tmp_path, version):
    """Two steps, the second of which reads what the first has written."""
    compiled = compile_with(
        f"kubeflow.project_dir={ROOT}", "data.limit=300", f"kubeflow.serving_root={tmp_path}/models",
        f'kubeflow.volumes={{"{tmp_path}"="models"}}',
    )  # fmt: skip
    spec = json.loads(json.dumps(compiled.spec))
    tasks = spec["root"]["dag"]["tasks"]
    spec["root"]["dag"]["tasks"] = {name: tasks[name] for name in ("ImdbExampleGen", "StatisticsGen")}
    cluster = Cluster(tmp_path, version)
    done = cluster.run(spec, run_id="run-1", pipeline_root="minio://mlpipeline/v2")
    assert {name: task.log[-2000:] for name, task in done.items() if task.state != SUCCEEDED} == {}
    assert (LOGS in done["StatisticsGen"].outputs) == version.publishes_logs
    statistics = cluster.file(done["StatisticsGen"].outputs["statistics"].uri)
    assert {path.name for path in statistics.iterdir()} == {"Split-train", "Split-eval", "Split-test"}
    assert json.loads(done["ImdbExampleGen"].outputs["examples"].metadata["split_names"])


# --- outputs that are not there


@pytest.mark.parametrize("written", ["folder", "file", None])
def test_an_output_that_was_not_written_where_the_launcher_looks_is_an_empty_folder(tmp_path, written):
    from pipeline.kubeflow import step

    place = tmp_path / "model"
    if written == "folder":
        (place / "1").mkdir(parents=True)
    elif written == "file":
        place.write_text("x")
    step._create_missing_outputs([str(place), str(tmp_path / "no" / "launcher" / "here")])
    assert {None: [], "folder": [place / "1"], "file": [place]}[written] == list(
        [place] if place.is_file() else place.iterdir()
    )
    assert not (tmp_path / "no").exists()


@pytest.mark.parametrize(
    ("artifact", "place"),
    [
        ({"uri": "gs://bucket/x"}, ["/gcs/bucket/x"]),
        ({"uri": "minio://b/x"}, ["/minio/b/x"]),
        ({"uri": "s3://b/x"}, ["/s3/b/x"]),
        ({"uri": "gs://b/x", "customPath": "/copy"}, ["/copy"]),
        ({"uri": "/a/folder"}, []),
    ],
)
def test_the_launcher_looks_where_its_copies_are(artifact, place):
    told = {"outputs": {"artifacts": {"model": {"artifacts": [artifact]}}}}
    assert invocation.expected_by_launcher(told) == place


# --- a stage that fails


def test_an_attempt_starts_without_what_the_one_before_has_left(tmp_path):
    """On gs:// it is still there; the addresses of another task's outputs are others."""
    from pipeline.kubeflow import step

    (tmp_path / "examples" / "Split-train").mkdir(parents=True)
    (tmp_path / "examples" / "Split-train" / "shard-00000-of-00002.gz").write_text("half")
    (tmp_path / "verdict").write_text("{")
    (tmp_path / "other").mkdir()
    outputs = {
        key: {"artifacts": [{"uri": str(tmp_path / key)}]} for key in ("examples", "verdict", "absent")
    }
    step._remove_outputs(invocation.outputs_of({"outputs": {"artifacts": outputs}}))
    assert [path.name for path in tmp_path.iterdir()] == ["other"]


@each_version
def test_every_version_that_starts_stages_again_does_so(compile_with, version):
    tasks = compile_with("kubeflow.retries=2").spec["root"]["dag"]["tasks"].values()
    attempts = 1 if version is KFP_2_0 else 3
    assert {version.attempts(task, in_root=True) for task in tasks} == {attempts}
    in_group = 3 if version.needs_retry_limit else 1  # of an exit handler
    assert {version.attempts(task, in_root=False) for task in tasks} == {in_group}


def test_retries_without_a_limit_of_time_are_none(compile_with):
    """kfp's own compiler always writes one."""
    task = dict(compile_with("kubeflow.retries=2").spec["root"]["dag"]["tasks"]["Trainer"])
    task["retryPolicy"] = {"maxRetryCount": 2, "backoffDuration": "30s", "backoffFactor": 2.0}
    assert TASK_API.attempts(task, in_root=True) == 1


@pytest.mark.proof
def test_a_stage_is_started_again_as_often_as_it_was_compiled_to_be(compile_with, tmp_path):
    compiled = compile_with(
        f"kubeflow.project_dir={ROOT}", "kubeflow.retries=1", f"kubeflow.serving_root={tmp_path}/models",
        f'kubeflow.volumes={{"{tmp_path}"="models"}}',
    )  # fmt: skip
    spec = json.loads(json.dumps(compiled.spec))
    reading = spec["root"]["dag"]["tasks"]["ImdbExampleGen"]
    spec["root"]["dag"]["tasks"] = {"ImdbExampleGen": reading}
    tasks = Cluster(tmp_path, TASK_API).run(spec, run_id="run-1", source="files:/no/such/file.csv")
    task = tasks["ImdbExampleGen"]
    assert task.state == FAILED
    assert "Error: " in task.log and "Traceback" not in task.log
    assert task.outputs[LOGS].uri.endswith("/executor-logs-1")
    assert set(task.outputs) == {LOGS}
