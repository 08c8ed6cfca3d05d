"""The compiled file run as Kubeflow runs it, each step in a process of its own from the image's tree, twice:
once to a pushed model, once to a refusal. See kfp_cluster.py for what is done as KFP does it.
"""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from kfp_cluster import CACHED, FAILED, NOT_RUN, SUCCEEDED, Cluster, Task
from small_run import SMALL_RUN

from pipeline.config import load
from pipeline.console.plain import Console
from pipeline.engine import local_runner
from pipeline.kubeflow import results
from pipeline.results.outcome import RunResult
from serving.versions import VersionStore

# A dozen processes that import TensorFlow: a busy machine takes its time.
pytestmark = [pytest.mark.proof, pytest.mark.timeout(900)]

SMALL = (*SMALL_RUN, "gate.min_change=-0.5")
ROOT = "minio://mlpipeline/v2"
STORE_STEPS = {"ProductionModel", "Evaluator", "Pusher"}
TEXTS = ["A wonderful film.", "Dull from the first minute to the last.", "", "I laughed, I cried. " * 200]


@dataclass
class Proof:
    """A cluster, what was compiled for it, and the first run on it beside one on this machine."""

    cluster: Cluster
    spec: dict[str, Any]
    store: VersionStore
    promoted: dict[str, Task]
    here: RunResult

    def result(self, run: str) -> RunResult:
        return results.load(self.store.root, run)

    def artifact(self, task: Task, key: str) -> Path:
        return self.cluster.file(task.outputs[key].uri)


@pytest.fixture(scope="session")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("cluster")


@pytest.fixture(scope="session")
def compile_here(folder, image_tree, compile_with):
    """Compiles for the cluster in `folder`."""
    models = folder / "models"
    return lambda *assignments: compile_with(
        *SMALL,
        "gate.min_accuracy=0.99",  # each run's parameter says otherwise
        f"kubeflow.pipeline_root={ROOT}",
        f"kubeflow.serving_root={models}",
        f'kubeflow.volumes={{"{models}"="models"}}',
        f"kubeflow.project_dir={image_tree}",
        f"kubeflow.cache_dir={folder / 'cache'}",
        'kubeflow.parameters=["min_accuracy", "epochs"]',
        *assignments,
    )


@pytest.fixture(scope="session")
def proof(folder, compile_here) -> Proof:
    cluster, spec = Cluster(folder), compile_here().spec
    given = ("gate.min_accuracy=0.6", f"workspace={folder / 'workspace'}", f"cache_dir={folder / 'cache'}")
    with ThreadPoolExecutor(1) as beside:
        running = beside.submit(cluster.run, spec, run_id="run-1", pipeline_root=ROOT, min_accuracy=0.6)
        here = local_runner.run(load(assignments=[*SMALL, *given]), console=Console())
        promoted = running.result()
    return Proof(cluster, spec, VersionStore(folder / "models" / "imdb_sentiment"), promoted, here)


@pytest.fixture(scope="session")
def refused(proof) -> dict[str, Task]:
    """The second run: nothing has changed but the floor."""
    return proof.cluster.run(proof.spec, run_id="run-2", pipeline_root=ROOT, min_accuracy=0.999)


def predictions(folder: str) -> np.ndarray:
    signature = tf.saved_model.load(folder).signatures["serving_default"]
    (name,) = signature.structured_input_signature[1]
    return signature(**{name: tf.constant(TEXTS)})["probability"].numpy()


# --- the run that ends with a push


def test_every_step_ends_well(proof):
    failed = {name: task.log[-2000:] for name, task in proof.promoted.items() if task.state != SUCCEEDED}
    assert failed == {}


def test_the_run_ends_with_a_pushed_version_that_verifies(proof):
    result = proof.result("run-1")
    assert (result.verdict, result.version, result.exit_code) == ("promoted", "1", 0)
    assert result.metrics["accuracy"] > 0.6
    assert proof.store.live().number == 1
    assert proof.store.verify(1) == []
    assert proof.promoted["Pusher"].outputs["pushed_model"].metadata["outcome"] == "pushed"


def test_the_pushed_model_answers_as_the_one_of_the_local_run(proof):
    assert proof.here.verdict == "promoted", proof.here
    np.testing.assert_allclose(
        predictions(proof.store.live().path), predictions(proof.here.model_path), atol=1e-6
    )
    there = proof.result("run-1").metrics
    assert there["accuracy"] == pytest.approx(proof.here.metrics["accuracy"], abs=1e-6)


def test_a_first_candidate_is_compared_with_nothing(proof):
    assert proof.promoted["ProductionModel"].outputs["model"].metadata["version"] == ""
    change = next(each for each in proof.result("run-1").gate if each["kind"] == "change")
    assert change["passed"] and change["value"] is None


# --- the run that is refused


def test_a_refused_model_ends_without_a_push_and_the_reason_is_in_the_outputs(proof, refused):
    assert {task.state for task in refused.values()} <= {SUCCEEDED, CACHED}
    result = proof.result("run-2")
    assert (result.verdict, result.version, result.exit_code) == ("refused", "1", 3)
    (reason,) = result.reasons
    assert "accuracy" in reason and "0.9990" in reason
    verdict = json.loads((proof.artifact(refused["Evaluator"], "evaluation") / "verdict.json").read_text())
    assert verdict["verdict"] == "refused"
    assert refused["Evaluator"].outputs["blessing"].metadata["reasons"] == reason
    assert refused["Pusher"].outputs["pushed_model"].metadata["outcome"] == "refused"
    assert [version.number for version in proof.store.versions()] == [1]


def test_what_did_not_change_comes_from_the_cache_but_nothing_that_the_store_decides(refused):
    assert {name for name, task in refused.items() if task.state != CACHED} == STORE_STEPS


# --- what Kubeflow writes beside the outputs


def test_the_logs_that_kubeflow_asks_for_are_in_the_bucket(proof):
    (task,) = [task for name, task in proof.promoted.items() if name == "Pusher"]
    assert task.outputs["executor-logs"].uri.endswith("/executor-logs-0")
    assert "PROMOTED" in proof.artifact(task, "executor-logs").read_text().upper()


# --- a data check that stops a run


def test_a_run_whose_data_is_stopped_trains_nothing_and_says_why(proof, compile_here):
    strict = compile_here("check.min_train_examples=5000").spec
    tasks = proof.cluster.run(strict, run_id="run-3")
    assert tasks["DataCheck"].state == FAILED
    assert {tasks[name].state for name in ("Trainer", "Evaluator", "Pusher")} == {NOT_RUN}
    result = proof.result("run-3")
    assert (result.verdict, result.exit_code) == ("stopped", 4)
    assert "5,000" in "\n".join(result.reasons)


# --- specs that cannot run


def test_what_open_source_kubeflow_has_no_code_for_is_refused_with_its_words(proof, tmp_path):
    spec = json.loads(json.dumps(proof.spec))
    label = spec["components"]["Schema"]["executorLabel"]
    spec["deploymentSpec"]["executors"][label] = {"resolver": {}}
    with pytest.raises(NotImplementedError, match="non-container and non-importer executor not implemented"):
        Cluster(tmp_path).run(
            {**spec, "root": {"dag": {"tasks": {"Schema": spec["root"]["dag"]["tasks"]["Schema"]}}}},
            run_id="run-4",
        )
