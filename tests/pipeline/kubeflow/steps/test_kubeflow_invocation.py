"""KFP's words for TFX and TFX's for KFP: types, names, places, and what the metadata store cannot hold."""

import pytest

from pipeline.kubeflow.invocation import keep_declared, run_of, to_kfp, to_tfx

MODEL = {"schemaTitle": "tfx.Model"}


def told(*, inputs: list[dict], outputs: list[dict] = ()) -> dict:
    return {
        "inputs": {"artifacts": {"model": {"artifacts": inputs}}},
        "outputs": {"artifacts": {"made": {"artifacts": list(outputs)}}},
    }


def only_input(executor_input: dict) -> dict:
    (artifact,) = executor_input["inputs"]["artifacts"]["model"]["artifacts"]
    return artifact


SPEC = {"artifacts": {"model": {"artifactType": MODEL}}}


@pytest.mark.parametrize("kind", [{}, {"instanceSchema": ""}, {"schemaTitle": ""}, None])
def test_an_input_without_a_type_gets_the_one_it_was_compiled_with(kind):
    executor_input = told(inputs=[{"name": "7", "uri": "gs://a/b", "type": kind}])
    to_tfx(executor_input, inputs_spec=SPEC)
    assert only_input(executor_input)["type"] == MODEL


def test_a_type_that_is_told_is_kept():
    kind = {"instanceSchema": "title: tfx.Examples\ntype: object\n"}
    executor_input = told(inputs=[{"name": "7", "uri": "gs://a/b", "type": kind}])
    to_tfx(executor_input, inputs_spec=SPEC)
    assert only_input(executor_input)["type"] == kind


def test_an_artifact_without_a_name_is_called_by_its_address():
    executor_input = told(inputs=[{"uri": "gs://a/b", "type": MODEL}, {"name": "7", "uri": "gs://a/c"}])
    to_tfx(executor_input, inputs_spec=SPEC)
    artifacts = executor_input["inputs"]["artifacts"]["model"]["artifacts"]
    assert [artifact["name"] for artifact in artifacts] == ["gs://a/b", "7"]


@pytest.mark.parametrize(
    ("artifact", "place"),
    [
        ({"uri": "minio://mlpipeline/v2/x"}, "/minio/mlpipeline/v2/x"),
        ({"uri": "s3://bucket/x"}, "/s3/bucket/x"),
        ({"uri": "gs://bucket/x"}, "gs://bucket/x"),
        ({"uri": "/a/folder"}, "/a/folder"),
        ({"uri": "gs://bucket/x", "customPath": "/copy/x"}, "/copy/x"),
    ],
)
def test_what_tensorflow_cannot_open_is_read_where_the_launcher_has_its_copy(artifact, place):
    executor_input = told(
        inputs=[{"name": "7", "type": MODEL, **artifact}], outputs=[{"name": "o", **artifact}]
    )
    places = to_tfx(executor_input, inputs_spec=SPEC)
    assert only_input(executor_input) == {"name": "7", "type": MODEL, "uri": place}
    assert places == ({} if place == artifact["uri"] else {artifact["uri"]: place})


def test_what_was_not_compiled_is_dropped():
    kept, added = (
        {"artifacts": [{"name": "a", "type": MODEL, "uri": "gs://a"}]},
        {"artifacts": [{"name": "x"}]},
    )
    logs = {
        "artifacts": [{"name": "executor-logs", "type": {"schemaTitle": "system.Artifact"}, "uri": "gs://l"}]
    }
    executor_input = {
        "inputs": {
            "artifacts": {"model": kept, "workspace": added},
            "parameterValues": {"gate": "{}", "epochs": 3, "run_name": "r"},
            "parameters": {"gate": {"stringValue": "{}"}, "run_name": {"stringValue": "r"}},
        },
        "outputs": {
            "artifacts": {"executor-logs": logs, "made": kept, "plots": added},
            "parameters": {"made": {"outputFile": "/o"}, "seconds": {"outputFile": "/s"}},
            "outputFile": "/x",
        },
    }
    spec = SPEC | {"parameters": {"gate": {"parameterType": "STRING"}}}
    keep_declared(executor_input, inputs=spec, outputs=["made"], parameters=["epochs"])
    assert executor_input == {
        "inputs": {
            "artifacts": {"model": kept},
            "parameterValues": {"gate": "{}", "epochs": 3},
            "parameters": {"gate": {"stringValue": "{}"}},
        },
        "outputs": {
            "artifacts": {"made": kept},
            "parameters": {"made": {"outputFile": "/o"}},
            "outputFile": "/x",
        },
    }


def test_an_executor_input_without_inputs_or_outputs_stays_so():
    executor_input = {"outputs": {"outputFile": "/x"}}
    keep_declared(executor_input, inputs={}, outputs=[], parameters=[])
    assert executor_input == {"outputs": {"outputFile": "/x"}}


def test_an_answer_has_addresses_again_also_in_what_it_says_of_other_artifacts():
    places = {"minio://b/run/in": "/minio/b/run/in", "minio://b/run/in2": "/minio/b/run/in2"}
    metadata = {
        "current_model": "/minio/b/run/in2",
        "path": "/minio/b/run/in/file",
        "n": 1.0,
        "text": "/minio/b",
    }
    output = {"artifacts": {"blessing": {"artifacts": [{"uri": "/minio/b/run/in", "metadata": metadata}]}}}
    (artifact,) = to_kfp(output, places)["artifacts"]["blessing"]["artifacts"]
    assert artifact["uri"] == "minio://b/run/in"
    assert artifact["metadata"] == {
        "current_model": "minio://b/run/in2",
        "path": "minio://b/run/in/file",
        "n": 1.0,
        "text": "/minio/b",
    }


def test_an_answer_has_no_nulls_which_kfp_fails_on():
    output = {
        "artifacts": {"a": {"artifacts": [{"uri": "gs://a", "metadata": {"x": None, "y": 0.0, "z": ""}}]}}
    }
    (artifact,) = to_kfp(output, {})["artifacts"]["a"]["artifacts"]
    assert artifact["metadata"] == {"y": 0.0, "z": ""}


@pytest.mark.parametrize(
    ("uri", "run"),
    [
        ("minio://mlpipeline/v2/artifacts/imdb-sentiment/0b5c-11/Trainer/5f1c/model", "0b5c-11"),
        ("gs://bucket/imdb-sentiment/r/Trainer/5f1c/model", "r"),
        ("/folder/model", None),
    ],
)
def test_the_run_is_read_from_where_its_outputs_go(uri, run):
    assert run_of(told(inputs=[], outputs=[{"name": "made", "uri": uri}])) == run


def test_a_step_without_outputs_has_no_run():
    assert run_of({"outputs": {"outputFile": "/x"}}) is None
