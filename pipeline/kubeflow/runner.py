"""The compiler for Kubeflow; the only module that imports kfp and TFX's Kubeflow runner."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from kfp.pipeline_spec import pipeline_spec_pb2
from tfx.dsl.components.base.base_component import BaseComponent
from tfx.dsl.components.base.base_node import BaseNode
from tfx.orchestration.kubeflow.v2.kubeflow_v2_dag_runner import (
    KubeflowV2DagRunner,
    KubeflowV2DagRunnerConfig,
)
from tfx.orchestration.pipeline import Pipeline

from pipeline.engine.stages import create_stages
from pipeline.kubeflow import caching, parameters, platform_spec, step
from pipeline.kubeflow.exit import handler
from pipeline.kubeflow.parameters import Parameter
from pipeline.settings.kubeflow_stage import StageResources, of_stage

if TYPE_CHECKING:
    from pipeline.config import Settings

ROOT = Path(__file__).parents[2]
HEADER = (
    "# {name}: written by `greenlight compile` for Kubeflow Pipelines 2. Compile again rather than edit it.\n"
)
FIRST_RETRY_AFTER = "30s"
RETRIES_END_AFTER = "604800s"
"""Measured from the start of the first attempt: a week, since a stage may train for hours before it fails.

Without it KFP 2.14 and later compiles a limit of 0 seconds, and Argo never starts the stage again.
"""

ResourceSpec = pipeline_spec_pb2.PipelineDeploymentConfig.PipelineContainerSpec.ResourceSpec


@dataclasses.dataclass(frozen=True)
class CompiledPipeline:
    """A PipelineJob: the PipelineSpec and the root of its artifacts.

    pods: label of an executor -> its KubernetesExecutorConfig, if it needs something from Kubernetes.
    """

    job: dict[str, Any]
    pods: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def spec(self) -> dict[str, Any]:
        return self.job["pipelineSpec"]

    @property
    def name(self) -> str:
        return self.spec["pipelineInfo"]["name"]

    @property
    def containers(self) -> dict[str, dict[str, Any]]:
        """The containers of the steps: name of the step -> container."""
        executors = self.spec["deploymentSpec"]["executors"]
        found = {name: executors[label] for name, label in _executor_labels(self.spec).items()}
        return {name: executor["container"] for name, executor in found.items() if "container" in executor}

    def to_yaml(self) -> str:
        """The PipelineSpec as a YAML document, and the part for Kubernetes, if any, as a second one."""
        documents = [self.spec, *([self.platform_spec] if self.pods else [])]
        return HEADER.format(name=self.name) + yaml.safe_dump_all(documents, sort_keys=True)

    @property
    def platform_spec(self) -> dict[str, Any]:
        """The part for Kubernetes: volumes, secrets, nodes."""
        return platform_spec.spec(self.pods)

    def to_json(self) -> str:
        """The PipelineJob, for services that take one (Vertex AI Pipelines)."""
        return json.dumps(self.job, indent=1, sort_keys=True) + "\n"


def compile_pipeline(settings: Settings) -> CompiledPipeline:
    """The stages of `create_stages` compiled for Kubeflow; equal settings and code give equal results.

    Args:
      settings: checked by `checks.require_compilable`.
    """
    kubeflow = settings.kubeflow
    settings = settings.model_copy(update={"cache_dir": Path(kubeflow.cache_dir)})
    pipeline = Pipeline(
        pipeline_name=kubeflow.name_for(settings.model_name),
        pipeline_root=kubeflow.pipeline_root,
        components=_stages(settings),
        enable_cache=kubeflow.enable_cache,
        beam_pipeline_args=settings.beam.pipeline_args(),
    )
    config = KubeflowV2DagRunnerConfig(default_image=kubeflow.image, use_pipeline_spec_2_1=True)
    compiled = CompiledPipeline(KubeflowV2DagRunner(config).run(pipeline, write_out=False))
    compiled.spec["defaultPipelineRoot"] = kubeflow.pipeline_root  # the only place for it in the YAML
    _complete(compiled, settings)
    for parameter in parameters.of(settings):
        _declare(compiled, parameter, settings)
    changeable = {stage for parameter in parameters.of(settings) for stage in parameter.stages}
    for stage, container in compiled.containers.items():
        outputs = _declared_outputs(compiled.spec["components"][stage])
        known = ["--outputs", ",".join(outputs)]
        if stage in changeable:
            known += ["--settings", parameters.to_json(settings, stage=stage)]
        _start_by_step(container, stage=stage, settings=settings, known=known)
    if kubeflow.alerts:
        container = {"image": kubeflow.image, "env": _environment(settings, None)}
        handler.add(compiled.spec, settings, container=container)
    return dataclasses.replace(compiled, pods=_pods(compiled.spec, settings))


def _executor_labels(spec: Mapping[str, Any]) -> dict[str, str]:
    """Name of a component -> label of its executor; pipelines in the pipeline have none."""
    components = spec["components"]
    return {name: each["executorLabel"] for name, each in components.items() if "executorLabel" in each}


def _pods(spec: Mapping[str, Any], settings: Settings) -> dict[str, Any]:
    """Label of an executor -> the configuration of its pod, if it has one."""
    found = {
        label: platform_spec.executor_config(settings.kubeflow, name)
        for name, label in _executor_labels(spec).items()
    }
    return {label: config for label, config in found.items() if config}


def _environment(settings: Settings, stage: str | None) -> list[dict[str, str]]:
    """The environment variables of a pod, without those from secrets."""
    own = sorted(settings.kubeflow.pod.of(stage).env.items())
    return [
        {"name": "PYTHONPATH", "value": settings.kubeflow.project_dir},
        {"name": "TF_USE_LEGACY_KERAS", "value": "1"},  # TF Hub's layer is a Keras 2 layer
        *({"name": name, "value": value} for name, value in own),
    ]


def _stages(settings: Settings) -> Sequence[BaseNode]:
    """The stages of the pipeline, each with its resources and with paths in the image."""
    stages = create_stages(settings, store_root=settings.kubeflow.store_for(settings.model_name))
    for stage in stages:
        if isinstance(stage, BaseComponent):
            stage.spec.exec_properties.update(_in_the_image(stage, settings.kubeflow.project_dir))
            if resources := of_stage(settings.kubeflow.resources, stage.id):
                stage.with_platform_config(_resource_spec(resources))
    return stages


def _in_the_image(stage: BaseComponent, project_dir: str) -> Iterator[tuple[str, str]]:
    """The execution properties with paths in this checkout, as paths in the image."""
    for name, value in stage.exec_properties.items():
        if isinstance(value, str) and value.startswith(f"{ROOT}/"):
            yield name, f"{project_dir.rstrip('/')}/{Path(value).relative_to(ROOT).as_posix()}"


def _resource_spec(resources: StageResources) -> Any:
    """Each figure twice, as kfp writes it: as a number for older servers, as a quantity for newer ones."""
    spec = ResourceSpec()
    if resources.cpu is not None:
        spec.cpu_limit, spec.resource_cpu_limit = resources.cpu, _cores(resources.cpu)
    if resources.cpu_request is not None:
        spec.cpu_request, spec.resource_cpu_request = resources.cpu_request, _cores(resources.cpu_request)
    if resources.memory_gib is not None:
        spec.memory_limit = _gigabytes(resources.memory_gib)
        spec.resource_memory_limit = _gib(resources.memory_gib)
    if resources.memory_request_gib is not None:
        spec.memory_request = _gigabytes(resources.memory_request_gib)
        spec.resource_memory_request = _gib(resources.memory_request_gib)
    if resources.accelerator is not None:
        count = resources.accelerator_count
        spec.accelerator.type, spec.accelerator.count = resources.accelerator, count
        spec.accelerator.resource_type, spec.accelerator.resource_count = resources.accelerator, str(count)
    return spec


def _cores(number: float) -> str:
    return f"{number:.12g}"


def _gib(number: float) -> str:
    return f"{number:.12g}Gi"


def _gigabytes(gib: float) -> float:
    return gib * 2**30 / 10**9


def _complete(compiled: CompiledPipeline, settings: Settings) -> None:
    """Adds the parts of a pipeline that TFX's runner does not support."""
    tasks = compiled.spec["root"]["dag"]["tasks"]
    for name, container in compiled.containers.items():
        container["env"] = _environment(settings, name)
        if settings.kubeflow.retries:
            tasks[name]["retryPolicy"] = {
                "maxRetryCount": settings.kubeflow.retries,
                "backoffDuration": FIRST_RETRY_AFTER,
                "backoffFactor": 2.0,
                "backoffMaxDuration": RETRIES_END_AFTER,
            }
    for name, task in tasks.items():
        task.pop("cachingOptions", None)
        if caching.is_cached(name, settings):
            task["cachingOptions"] = {"enableCache": True}


def _declare(compiled: CompiledPipeline, parameter: Parameter, settings: Settings) -> None:
    """Declares an input of the pipeline and of its stages, which is then part of their cache keys."""
    inputs = compiled.spec["root"].setdefault("inputDefinitions", {}).setdefault("parameters", {})
    inputs[parameter.name] = {
        "parameterType": parameter.kind,
        "defaultValue": parameter.value_in(settings),
        "description": f"The setting {parameter.key}.",
    }
    for stage in parameter.stages:
        component = compiled.spec["components"][stage]
        component["inputDefinitions"]["parameters"][parameter.name] = {"parameterType": parameter.kind}
        task = compiled.spec["root"]["dag"]["tasks"][stage]
        task["inputs"]["parameters"][parameter.name] = {"componentInputParameter": parameter.name}


def _declared_outputs(component: Mapping[str, Any]) -> list[str]:
    """The keys of a component's outputs; the step removes others, which KFP's driver may add."""
    outputs = component.get("outputDefinitions", {})
    return sorted({*outputs.get("artifacts", {}), *outputs.get("parameters", {})})


def _start_by_step(
    container: dict[str, Any], *, stage: str, settings: Settings, known: Sequence[str]
) -> None:
    """Starts `step` instead of TFX's entrypoint, with the compiled values `known` as arguments."""
    container["command"] = ["python", "-m", step.__name__]
    store = settings.kubeflow.store_for(settings.model_name)
    container["args"] = ["--stage", stage, "--store", store, *known, *container["args"]]
