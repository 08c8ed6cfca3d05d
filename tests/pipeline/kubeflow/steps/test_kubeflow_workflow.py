"""The Argo Workflow that KFP's own API server made of a compiled file, beside what is compiled today.

`recorded/workflow_*.json` has, by stage, what one version wrote into the Workflow that it stored in a real
kube-apiserver: the labels and annotations of the stage's pod, its retries, what its driver is told.
"""

import json
import re
from pathlib import Path

import pytest
from test_kubeflow_recorded import SETTINGS

WORKFLOW = json.loads((Path(__file__).parent / "recorded" / "workflow_7b70c7b.json").read_text("utf-8"))
STAGES = WORKFLOW["stages"]
DOCKERFILE = Path(__file__).parents[4] / "deploy" / "Dockerfile"


@pytest.fixture(scope="module")
def compiled(compile_with):
    return compile_with(*SETTINGS)


@pytest.fixture(scope="module")
def tasks(compiled):
    """The compiled tasks by name, the alert's among them."""
    spec = compiled.spec
    alert = {"Alert": spec["root"]["dag"]["tasks"]["Alert"]}
    return spec["components"]["comp-exit-handler-1"]["dag"]["tasks"] | alert


def test_the_workflow_has_every_task(tasks):
    assert set(STAGES) == set(tasks)
    assert WORKFLOW["exitHook"] == "exit-hook-root-Alert"


@pytest.mark.parametrize("name", STAGES)
def test_a_stage_came_into_the_workflow_as_it_is_compiled(compiled, tasks, name):
    """After a change that is meant, the Workflow has to be recorded again."""
    task, stage = tasks[name], STAGES[name]
    assert stage["kubernetesConfig"] == compiled.pods[compiled.spec["components"][name]["executorLabel"]]
    assert stage["caching"] == task.get("cachingOptions", {})
    assert stage["dependsOn"] == sorted(set(task.get("dependentTasks", ())) - {"exit-handler-1"})
    policy = task.get("retryPolicy")
    expected = policy and {
        "max-count": str(policy["maxRetryCount"]),
        "backoff-duration": policy["backoffDuration"].removesuffix("s"),
        "backoff-factor": f"{policy['backoffFactor']:g}",
        "backoff-max-duration": policy["backoffMaxDuration"].removesuffix("s"),
    }
    assert stage.get("retry") == expected


@pytest.mark.parametrize("name", STAGES)
def test_labels_and_annotations_reach_the_pod(compiled, name):
    stage, pod = STAGES[name], compiled.pods[compiled.spec["components"][name]["executorLabel"]]
    assert {key: stage[key] for key in ("labels", "annotations")} == pod["podMetadata"]


def test_the_image_runs_in_pods_that_may_not_be_root():
    """Of a user's name, Kubernetes cannot tell that it is not root."""
    assert WORKFLOW["securityContext"]["runAsNonRoot"] is True
    users = re.findall(r"^USER (\w+)", DOCKERFILE.read_text(encoding="utf-8"), re.MULTILINE)
    assert users and all(int(user) for user in users)
