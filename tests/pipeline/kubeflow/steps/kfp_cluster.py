"""What Kubeflow Pipelines' driver and launcher do with a compiled file, done on this machine.

Read beside `backend/src/v2` of kubeflow/pipelines: driver/container.go, driver.go, resolve.go, util.go and
cache.go, compiler/argocompiler/container.go (retries), component/launcher_v2.go, cacheutils/cache.go,
metadata/converter.go, objectstore/object_store.go.
What the releases do differently is in kfp_versions.py. Where they are strict,
this is: an executor's output may have no unknown key and no null.

Two things differ. A pod is a process in a folder of its own with an environment of its own, and KFP's own
`customPath` tells it where in that folder the launcher has its copies, since a test may not make /minio. And
of retries the waiting is left out.

Not played, since no compiled file of this project has it: importers, loops, conditions, other nested
pipelines than that of an exit handler, workspaces (a volume at /kfp-workspace, only for steps with an
artifact or parameter of it).
"""

from __future__ import annotations

import copy
import dataclasses
import hashlib
import itertools
import json
import os
import shutil
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2
from kfp_versions import KFP_2_17, Version

DEFAULT_ROOT = "minio://mlpipeline/v2/artifacts"
"""Where the artifacts of a run go that is started without a root: the launcher's, never the spec's."""
LOGS = "executor-logs"

SUCCEEDED, CACHED, FAILED, NOT_RUN = "SUCCEEDED", "CACHED", "FAILED", "NOT_RUN"
KINDS = {"STRING": str, "NUMBER_INTEGER": (int, float), "NUMBER_DOUBLE": (int, float), "BOOLEAN": bool}


@dataclasses.dataclass(frozen=True)
class Artifact:
    """What the driver remembers of an output."""

    id: int
    key: str
    kind: dict[str, str]
    uri: str
    metadata: dict[str, Any]


@dataclasses.dataclass
class Task:
    """One step of one run, and how it came out."""

    name: str
    state: str = NOT_RUN
    log: str = ""
    outputs: dict[str, Artifact] = dataclasses.field(default_factory=dict)


class Cluster:
    """Runs compiled pipelines; `folder` holds the bucket and the pods' scratch, the cache lives as long as
    it.

    publish_logs: the switch PUBLISH_LOGS of the API server.
    pods_at_once: how many pods there is room for.
    """

    def __init__(
        self, folder: Path, version: Version = KFP_2_17, *, publish_logs: bool = True, pods_at_once: int = 2
    ):
        self.folder = folder
        self.version = version
        self.logs = version.publishes_logs and publish_logs
        self._pods = threading.BoundedSemaphore(pods_at_once)
        self._ids = itertools.count(1)
        self._cache: dict[str, dict[str, Artifact]] = {}

    def run(
        self, spec: dict[str, Any], *, run_id: str, pipeline_root: str = DEFAULT_ROOT, **given: Any
    ) -> dict[str, Task]:
        """Every step as soon as those before it ended well, and an exit task after all of them.

        given: the run's parameters.
        """
        declared = spec["root"].get("inputDefinitions", {}).get("parameters", {})
        assert set(given) <= set(declared), "KFP refuses a run with unknown parameters"
        parameters = {name: each["defaultValue"] for name, each in declared.items()} | given
        specs, exits = _stages_and_exits(spec)
        tasks = {name: Task(name) for name in (*specs, *exits)}
        run = _Run(self, spec, run_id, pipeline_root, parameters, tasks, {**specs, **exits})
        done = {name: threading.Event() for name in specs}

        def when_ready(name: str) -> None:
            before = specs[name].get("dependentTasks", [])
            for each in before:
                done[each].wait()
            try:
                if all(run.tasks[each].state in (SUCCEEDED, CACHED) for each in before):
                    run.execute(name)
            finally:
                done[name].set()

        with ThreadPoolExecutor(max_workers=len(specs)) as threads:
            list(threads.map(when_ready, specs))
        for name in exits:
            run.execute(name)
        return run.tasks

    def file(self, uri: str) -> Path:
        """What the bucket has under an address."""
        return self.folder / "bucket" / uri.split("://")[1]

    def record(self, key: str, kind: dict[str, str], uri: str, metadata: dict[str, Any]) -> Artifact:
        """Remembers an output, with its metadata as the store gives them back."""
        if not self.version.keeps_tasks:
            metadata = {"display_name": key, "store_session_info": "{}"} | metadata
            metadata = {name: _stored(value) for name, value in metadata.items()}
        return Artifact(next(self._ids), key, kind, uri, metadata)


@dataclasses.dataclass
class _Run:
    cluster: Cluster
    spec: dict[str, Any]
    id: str
    root: str
    parameters: dict[str, Any]
    tasks: dict[str, Task]
    specs: dict[str, Any]

    def execute(self, name: str) -> None:
        """The driver's part: inputs, outputs and the cache; then the pod."""
        task = self.tasks[name]
        spec = self.specs[name]
        component = self.spec["components"][spec["componentRef"]["name"]]
        executor = self.spec["deploymentSpec"]["executors"][component["executorLabel"]]
        if "container" not in executor:
            raise NotImplementedError("non-container and non-importer executor not implemented")
        container = executor["container"]
        executor_input = self.executor_input(name)
        key = _cache_key(self, executor_input, container)
        cacheable = spec.get("cachingOptions", {}).get("enableCache", False)
        if cacheable and key in self.cluster._cache:
            task.outputs, task.state = self.cluster._cache[key], CACHED
            return
        with self.cluster._pods:
            in_root = name in self.spec["root"]["dag"]["tasks"]
            for attempt in range(self.cluster.version.attempts(spec, in_root=in_root)):
                self._run_pod(task, container, copy.deepcopy(executor_input), attempt)
                if task.state == SUCCEEDED:
                    break
        if cacheable and task.state == SUCCEEDED:
            self.cluster._cache[key] = task.outputs

    def executor_input(self, name: str) -> dict[str, Any]:
        """What the driver resolves for a task whose upstream tasks have ended."""
        spec = self.specs[name]
        component = self.spec["components"][spec["componentRef"]["name"]]
        return {
            "inputs": {
                "parameterValues": self._parameter_values(spec, component),
                "artifacts": self._input_artifacts(spec),
            },
            "outputs": {"artifacts": self._output_artifacts(name, component)},
        }

    def _parameter_values(self, spec: dict, component: dict) -> dict[str, Any]:
        values = {}
        for name, source in spec.get("inputs", {}).get("parameters", {}).items():
            if "componentInputParameter" in source:
                values[name] = self.parameters[source["componentInputParameter"]]
            else:
                constant = source["runtimeValue"]["constant"]
                values[name] = self.id if constant == "{{$.pipeline_job_uuid}}" else constant
        for name, declared in component.get("inputDefinitions", {}).get("parameters", {}).items():
            kind = KINDS[declared["parameterType"]]
            assert isinstance(values[name], kind), f"input parameter {name!r} type mismatch"
        return values

    def _input_artifacts(self, spec: dict) -> dict[str, Any]:
        found = {}
        for name, source in spec.get("inputs", {}).get("artifacts", {}).items():
            origin = source["taskOutputArtifact"]
            artifact = self.tasks[origin["producerTask"]].outputs[origin["outputArtifactKey"]]
            found[name] = {"artifacts": [self._input_artifact(artifact)]}
        return found

    def _input_artifact(self, artifact: Artifact) -> dict[str, Any]:
        if self.cluster.version.keeps_tasks:
            title = artifact.kind.get("schemaTitle") or artifact.kind["instanceSchema"]
            named = {"name": artifact.key, "artifactId": f"id-{artifact.id}", "type": {"schemaTitle": title}}
        else:
            named = {"name": str(artifact.id), "type": {"instanceSchema": ""}}
        return {**named, "uri": artifact.uri, "metadata": artifact.metadata}

    def _output_artifacts(self, name: str, component: dict) -> dict[str, Any]:
        salt = hashlib.sha256(f"{self.id}/{name}".encode()).hexdigest()[:8]
        above = f"{self.root.rstrip('/')}/{self.spec['pipelineInfo']['name']}/{self.id}/{name}/{salt}"
        declared = component.get("outputDefinitions", {}).get("artifacts", {})
        kinds = {key: each["artifactType"] for key, each in declared.items()}
        if self.cluster.logs:
            kinds[LOGS] = {"schemaTitle": "system.Artifact"}
        return {
            key: {"artifacts": [{"name": key, "type": kind, "uri": f"{above}/{key}"}]}
            for key, kind in kinds.items()
        }

    def _run_pod(self, task: Task, container: dict, executor_input: dict, attempt: int) -> None:
        """The launcher's part: downloads, the user's command, uploads, and what is remembered of them."""
        cluster = self.cluster
        pod = cluster.folder / "pods" / f"{self.id}-{task.name}-{attempt}"
        outputs = executor_input["outputs"]["artifacts"]
        if cluster.version.numbers_logs and LOGS in outputs:
            outputs[LOGS]["artifacts"][0]["uri"] += f"-{attempt}"
        for artifact in [*_listed(executor_input["inputs"]), *_listed(executor_input["outputs"])]:
            artifact["customPath"] = str(pod / "scratch" / artifact["uri"].split("://")[1])
        for artifact in _listed(executor_input["inputs"]):
            _copy(cluster.file(artifact["uri"]), Path(artifact["customPath"]))
        for artifact in _listed(executor_input["outputs"]):
            Path(artifact["customPath"]).parent.mkdir(parents=True, exist_ok=True)
        folder = pod / "kfp_outputs"
        if cluster.version.output_in_task_root and outputs:
            folder = Path(_listed(executor_input["outputs"])[0]["customPath"]).parent
        executor_input["outputs"]["outputFile"] = str(folder / "output_metadata.json")
        done = _started(container, json.dumps(executor_input), pod)
        task.log = done.stdout
        if LOGS in outputs:
            Path(outputs[LOGS]["artifacts"][0]["customPath"]).write_text(task.log)
        if done.returncode:
            task.state = FAILED
            self._upload(task, {key: each for key, each in outputs.items() if key == LOGS}, {})
            return
        self._upload(task, outputs, _executor_output(folder / "output_metadata.json"))
        shutil.rmtree(pod)
        task.state = SUCCEEDED

    def _upload(self, task: Task, outputs: dict[str, Any], told: dict[str, Any]) -> None:
        """Copies outputs to the bucket and remembers them, with what the executor said of each."""
        for key, listed in outputs.items():
            (artifact,) = listed["artifacts"]
            (answer,) = told.get("artifacts", {}).get(key, {}).get("artifacts", [{}])
            assert answer.get("uri", artifact["uri"]) == artifact["uri"], "it would be uploaded elsewhere"
            place = Path(artifact["customPath"])
            if self.cluster.version.keeps_tasks:
                assert place.exists(), f"declared output artifact {key!r} is missing at {str(place)!r}"
            _copy(place, self.cluster.file(artifact["uri"]))
            metadata = answer.get("metadata", {})
            task.outputs[key] = self.cluster.record(key, artifact["type"], artifact["uri"], metadata)


def _stages_and_exits(spec: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The tasks of the stages and the exit tasks, by name.

    An exit task is a hook of the one task that it depends on, a nested pipeline with inputs of equal names.
    """
    tasks = spec["root"]["dag"]["tasks"]
    last = "ALL_UPSTREAM_TASKS_COMPLETED"
    exits = {
        name: task for name, task in tasks.items() if task.get("triggerPolicy", {}).get("strategy") == last
    }
    if not exits:
        return tasks, {}
    ((group, nested),) = ((name, task) for name, task in tasks.items() if name not in exits)
    assert all(task["dependentTasks"] == [group] for task in exits.values())
    for name, source in nested.get("inputs", {}).get("parameters", {}).items():
        assert source == {"componentInputParameter": name}
    return spec["components"][nested["componentRef"]["name"]]["dag"]["tasks"], exits


def _copy(source: Path, target: Path) -> None:
    """A folder or a file; what a step did not write is no error to KFP."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target)
    elif source.exists():
        shutil.copyfile(source, target)


def _started(container: dict, executor_input: str, pod: Path) -> subprocess.CompletedProcess:
    environment = {variable["name"]: variable["value"] for variable in container["env"]}
    environment |= {
        "PATH": f"{Path(sys.executable).parent}:{os.defpath}",
        "HOME": str(pod),
        "TMPDIR": str(pod),
    }
    words = [*container["command"], *container["args"]]
    values = json.loads(executor_input)["inputs"]["parameterValues"]
    placeholders = {f"{{{{$.inputs.parameters['{name}']}}}}": str(value) for name, value in values.items()}
    return subprocess.run(
        [placeholders.get(word, word).replace("{{$}}", executor_input) for word in words],
        env=environment,
        cwd=pod,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=250,
    )


def _executor_output(path: Path) -> dict[str, Any]:
    """The file as KFP reads it: an unknown key is an error. A program that is not TFX's writes none."""
    if not path.exists():
        return {}
    message = json_format.Parse(path.read_text(encoding="utf-8"), pipeline_spec_pb2.ExecutorOutput())
    return json_format.MessageToDict(message)


def _stored(value: Any) -> Any:
    """A value of an artifact's metadata after its way through the metadata store."""
    match value:
        case bool() | int() | float():
            return float(value)
        case str():
            return value
        case list():
            return {"list": value}
        case dict():
            return {"struct": value}
    raise TypeError(f"unknown/unsupported value type {type(value)}")


def _listed(side: dict[str, Any]) -> list[dict[str, Any]]:
    return [artifact for listed in side["artifacts"].values() for artifact in listed["artifacts"]]


def _cache_key(run: _Run, executor_input: dict[str, Any], container: dict[str, Any]) -> str:
    names = {
        key: [each.get("artifactId") or each["name"] for each in listed["artifacts"]]
        for key, listed in executor_input["inputs"]["artifacts"].items()
    }
    outputs = {
        key: [{name: value for name, value in each.items() if name != "uri"} for each in listed["artifacts"]]
        for key, listed in executor_input["outputs"]["artifacts"].items()
    }
    parts = [
        names,
        executor_input["inputs"]["parameterValues"],
        outputs,
        container["image"],
        container["command"],
        container["args"],
        run.spec["pipelineInfo"]["name"],  # the cache is asked for the pipeline, or has its name in the key
    ]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
