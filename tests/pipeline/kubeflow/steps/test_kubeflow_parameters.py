"""Run-time parameters: what a run on the cluster is given, laid over the settings that were compiled."""

import json

import pytest

from components.errors import InputError
from pipeline.config import Settings
from pipeline.kubeflow import parameters, results, step

GIVEN = {
    "epochs": 3.0,
    "min_accuracy": 0.9,
    "source": "files:gs://reviews/*.csv",
    "embedding": "nnlm-en-dim50",
}


def test_a_parameter_changes_its_setting_and_no_other(settings):
    compiled_from = settings("trainer.seed=7")
    changed = parameters.laid_over(compiled_from, GIVEN)
    assert (changed.trainer.epochs, changed.gate.min_accuracy) == (3, 0.9)
    assert (changed.data.source, changed.embedding.name) == ("files:gs://reviews/*.csv", "nnlm-en-dim50")
    restored = parameters.laid_over(
        changed, {"epochs": 40, "min_accuracy": 0.85, "source": "packaged", "embedding": "glove-6b-50d"}
    )
    assert restored == compiled_from


def test_values_as_they_were_compiled_change_nothing(settings):
    compiled_from = settings()
    assert parameters.laid_over(compiled_from, {"epochs": 40.0, "min_accuracy": 0.85}) is compiled_from
    assert parameters.laid_over(compiled_from, {}) is compiled_from


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("epochs", 2.5, "trainer.epochs = 2.5 (from the run's parameter epochs): expected a whole number"),
        ("epochs", 0, "trainer.epochs = 0 (from the run's parameter epochs): expected a whole number"),
        (
            "min_accuracy",
            85,
            "gate.min_accuracy = 85 (from the run's parameter min_accuracy): expected a number",
        ),
        ("source", "reviews.csv", "expected packaged, tfds, spans or files:PATTERN"),
        ("embedding", "", 'embedding.name = "" (from the run\'s parameter embedding)'),
    ],
)
def test_a_value_that_cannot_be_used_is_named_by_the_setting_and_the_parameter(
    settings, name, value, message
):
    with pytest.raises(InputError) as caught:
        parameters.laid_over(settings(), {name: value})
    assert message in str(caught.value)


def test_only_what_is_asked_for_and_has_a_value_is_a_parameter(settings):
    names = [parameter.name for parameter in parameters.of(settings())]
    assert names == ["min_accuracy", "epochs", "source", "embedding"]
    some = settings('kubeflow.parameters=["epochs", "min_accuracy"]', "gate.min_accuracy=off")
    assert [parameter.name for parameter in parameters.of(some)] == ["epochs"]


def test_what_travels_with_a_stage_names_no_workspace_and_no_setting_of_other_stages(settings):
    compiled_from = settings("workspace=/home/ann/w", "trainer.seed=7", "gate.min_change=off")
    text = parameters.to_json(compiled_from, stage="Evaluator")
    arrived = Settings.model_validate_json(text)
    assert (arrived.gate, arrived.data) == (compiled_from.gate, compiled_from.data)
    assert set(json.loads(text)) == {"gate", "data"}


def test_parameters_are_taken_out_of_what_the_executor_is_given(settings):
    values = {"epochs": 40.0, "embedding": "glove-6b-50d", "run_fn": "a.b"}
    told = {"inputs": {"parameterValues": values}, "outputs": {"outputFile": "/o"}}
    travelled = parameters.to_json(settings(), stage="Trainer")
    step.with_parameters(told, stage="Trainer", settings_json=travelled)
    assert told == {"inputs": {"parameterValues": {"run_fn": "a.b"}}, "outputs": {"outputFile": "/o"}}


@pytest.mark.parametrize(
    ("compiled", "stage", "given"),
    [
        ("packaged", "ImdbExampleGen", "files:gs://texts/*.csv"),
        ("files:gs://texts/*.csv", "TextExampleGen", "packaged"),
        ("files:gs://texts/*.csv", "TextExampleGen", "files:gs://others/*.csv"),
    ],
)
def test_a_stage_reads_a_source_that_would_give_it_another_name(settings, compiled, stage, given):
    told = {"inputs": {"parameterValues": {"source": given}}}
    travelled = parameters.to_json(settings(f"data.source={compiled}"), stage=stage)
    step.with_parameters(told, stage=stage, settings_json=travelled)
    assert given in told["inputs"]["parameterValues"]["custom_config"]


@pytest.mark.parametrize(("assignments", "split"), [((), "test"), (("data.test_weight=0",), "eval")])
def test_a_parameter_leaves_the_trainer_the_split_that_the_gate_judges_on(settings, assignments, split):
    """Without it, a run with other epochs could be refit on eval, and judged there."""
    told = {"inputs": {"parameterValues": {"epochs": 3.0}}}
    travelled = parameters.to_json(settings(*assignments), stage="Trainer")
    step.with_parameters(told, stage="Trainer", settings_json=travelled)
    config = json.loads(told["inputs"]["parameterValues"]["custom_config"])
    assert (config["trainer"]["epochs"], config["judged_split"]) == (3, split)


def test_a_step_refuses_a_parameter_in_words_with_code_2_and_keeps_why(settings, capsys, tmp_path):
    uri = "minio://bucket/root/imdb-sentiment/run-7/Trainer/salt/model"
    told = {
        "inputs": {"parameterValues": {"epochs": 0}},
        "outputs": {"artifacts": {"model": {"artifacts": [{"name": "model", "uri": uri}]}}},
    }
    travelled = parameters.to_json(settings(), stage="Trainer")
    arguments = ["--stage", "Trainer", "--store", str(tmp_path), "--settings", travelled]
    assert step.main([*arguments, step.INVOCATION, json.dumps(told)]) == 2
    words = "trainer.epochs = 0 (from the run's parameter epochs): expected a whole number"
    assert capsys.readouterr().err.startswith(f"Error: {words}")
    kept = results.load(str(tmp_path), "run-7")
    assert (kept.verdict, kept.exit_code) == ("failed", 2)
    assert kept.error.startswith(f"Trainer: {words}")


@pytest.mark.parametrize(
    ("given", "values"),
    [
        (["epochs=3"], {"epochs": 3}),
        (
            ["min_accuracy=0.9", "embedding=nnlm-en-dim50"],
            {"min_accuracy": 0.9, "embedding": "nnlm-en-dim50"},
        ),
        (["source=files:gs://a/b=c.csv"], {"source": "files:gs://a/b=c.csv"}),
        ([], {}),
    ],
)
def test_parameters_are_read_as_their_kind(settings, given, values):
    assert parameters.read(settings(), given) == values


def test_a_parameter_that_is_given_twice_is_refused(settings):
    with pytest.raises(InputError, match=r"^--param epochs=4: epochs is given twice\. Give it once\.$"):
        parameters.read(settings(), ["epochs=3", "epochs=4"])


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("epochs", "--param epochs: expected NAME=VALUE with one of kubeflow.parameters for a name: "),
        ("seed=1", "--param seed=1: expected NAME=VALUE"),
        (
            "epochs=many",
            'trainer.epochs = "many" (from the run\'s parameter epochs): expected a whole number',
        ),
        ("min_accuracy=85", "gate.min_accuracy = 85 (from the run's parameter min_accuracy): expected"),
        (
            "min_accuracy=off",
            "--param min_accuracy=off: a parameter must be a number. To run without, set "
            "gate.min_accuracy and compile.",
        ),
        (
            "source=files:reviews.csv",
            "data.source = 'reviews.csv': a relative path cannot be found in a pod.",
        ),
        ("source=spans", "a relative path cannot be found in a pod."),
        ("source=files:minio://b/a.csv", "data.source = 'minio://b/a.csv': TensorFlow in the pod does not"),
        ("embedding=glov", "Did you mean 'glove-6b-50d'?"),
    ],
)
def test_a_parameter_that_cannot_be_used_is_refused_before_anything_is_sent(settings, given, message):
    with pytest.raises(InputError) as caught:
        parameters.read(settings(), [given])
    assert message in str(caught.value)
