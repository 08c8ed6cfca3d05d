"""The exit handler in the PipelineSpec: a task that runs when all stages have ended, however they ended.

KFP attaches an exit task to one task, which has to be a pipeline of its own (`dsl.ExitHandler` compiles to
the same): the stages move from the root into the component `comp-exit-handler-1`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pipeline.kubeflow.exit import alert

if TYPE_CHECKING:
    from pipeline.config import Settings

GROUP, COMPONENT = "exit-handler-1", "comp-exit-handler-1"
TASK = "Alert"
EXECUTOR = f"{TASK}_executor"
_RUN_ID = "{{$.pipeline_job_uuid}}"

Json = dict[str, Any]


def add(spec: Json, settings: Settings, *, container: Mapping[str, Any]) -> None:
    """Moves the stages into a group, in place, and adds the task that sends the alert after it.

    Args:
      spec: the PipelineSpec; its stages are in the root.
      settings: those of the compilation.
      container: image and environment of the task.
    """
    stages = spec["root"]["dag"]
    inputs = spec["root"].get("inputDefinitions", {}).get("parameters", {})
    spec["components"][COMPONENT] = {"dag": stages}
    group: Json = {"componentRef": {"name": COMPONENT}, "taskInfo": {"name": GROUP}}
    if inputs:
        spec["components"][COMPONENT]["inputDefinitions"] = {
            "parameters": {name: {"parameterType": each["parameterType"]} for name, each in inputs.items()}
        }
        group["inputs"] = {"parameters": {name: {"componentInputParameter": name} for name in inputs}}
    spec["components"][TASK] = {
        "executorLabel": EXECUTOR,
        "inputDefinitions": {"parameters": {"run": {"parameterType": "STRING"}}},
    }
    spec["deploymentSpec"]["executors"][EXECUTOR] = {
        "container": {
            **container,
            "command": ["python", "-m", alert.__name__],
            "args": _arguments(settings),
        }
    }
    spec["root"]["dag"] = {"tasks": {GROUP: group, TASK: _task()}}


def _task() -> Json:
    return {
        "componentRef": {"name": TASK},
        "taskInfo": {"name": TASK},
        "dependentTasks": [GROUP],
        "triggerPolicy": {"strategy": "ALL_UPSTREAM_TASKS_COMPLETED"},
        "inputs": {"parameters": {"run": {"runtimeValue": {"constant": _RUN_ID}}}},
    }


def _arguments(settings: Settings) -> list[str]:
    alerts = settings.alerts.model_copy(update={"log": False})  # its file would end with the pod
    return [
        *("--run", "{{$.inputs.parameters['run']}}"),
        *("--store", settings.kubeflow.store_for(settings.model_name)),
        *("--model", settings.model_name),
        *("--alerts", alerts.model_dump_json(exclude_defaults=True)),
    ]
