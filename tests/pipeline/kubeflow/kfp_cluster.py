"""What Kubeflow Pipelines' driver and launcher do with a compiled file, done on this machine.

After `backend/src/v2` of kubeflow/pipelines (driver/container.go and resolve.go, component/launcher_v2.go,
cacheutils/cache.go, metadata/converter.go; the releases 2.0.5 to 2.17.0 agree in what is used here). Where
they are strict, this is: an input artifact has an id for a name and an empty type, an executor's output may
have no unknown key and no null. Two things differ. A pod is a process in a folder of its own with an
environment of its own, and KFP's own `customPath` tells it where in that folder the launcher has its copies,
since a test may not make /minio. And nothing is retried.
"""

from __future__ import annotations

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

SUCCEEDED, CACHED, FAILED, NOT_RUN = "SUCCEEDED", "CACHED", "FAILED", "NOT_RUN"
KINDS = {"STRING": str, "NUMBER_INTEGER": (int, float), "NUMBER_DOUBLE": (int, float), "BOOLEAN": bool}


@dataclasses.dataclass(frozen=True)
class Artifact:
    """A row of the metadata store: what the driver remembers of an output."""

    id: int
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

    pods_at_once: how many pods there is room for.
    """

    def __init__(self, folder: Path, *, pods_at_once: int = 2):
        self.folder = folder
        self._pods = threading.BoundedSemaphore(pods_at_once)
        self._ids = itertools.count(1)
        self._cache: dict[str, dict[str, Artifact]] = {}

    def run(self, spec: dict[str, Any], *, run_id: str, **given: Any) -> dict[str, Task]:
        """Every step as soon as those before it ended well; `given` are the run's parameters."""
        declared = spec["root"].get("inputDefinitions", {}).get("parameters", {})
        assert set(given) <= set(declared), "KFP refuses a run with unknown parameters"
        parameters = {name: each["defaultValue"] for name, each in declared.items()} | given
        specs = spec["root"]["dag"]["tasks"]
        run = _Run(self, spec, run_id, parameters, {name: Task(name) for name in specs})
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
        return run.tasks

    def file(self, uri: str) -> Path:
        """What the bucket has under an address."""
        return self.folder / "bucket" / uri.split("://")[1]

    def record(self, uri: str, metadata: dict[str, Any]) -> Artifact:
        return Artifact(next(self._ids), uri, {name: _stored(value) for name, value in metadata.items()})


@dataclasses.dataclass
class _Run:
    cluster: Cluster
    spec: dict[str, Any]
    id: str
    parameters: dict[str, Any]
    tasks: dict[str, Task]

    def execute(self, name: str) -> None:
        """The driver's part: inputs, outputs and the cache; then the pod."""
        task = self.tasks[name]
        spec = self.spec["root"]["dag"]["tasks"][name]
        component = self.spec["components"][spec["componentRef"]["name"]]
        executor = self.spec["deploymentSpec"]["executors"][component["executorLabel"]]
        if "container" not in executor:
            raise NotImplementedError("non-container and non-importer executor not implemented")
        container = executor["container"]
        executor_input = {
            "inputs": {
                "parameterValues": self._parameter_values(spec, component),
                "artifacts": self._input_artifacts(spec),
            },
            "outputs": {"artifacts": self._output_artifacts(name, component)},
        }
        key = _cache_key(executor_input, container)
        cacheable = spec.get("cachingOptions", {}).get("enableCache", False)
        if cacheable and key in self.cluster._cache:
            task.outputs, task.state = self.cluster._cache[key], CACHED
            return
        with self.cluster._pods:
            self._run_pod(task, container, executor_input)
        if cacheable and task.state == SUCCEEDED:
            self.cluster._cache[key] = task.outputs

    def _parameter_values(self, spec: dict, component: dict) -> dict[str, Any]:
        values = {}
        for name, source in spec.get("inputs", {}).get("parameters", {}).items():
            if "componentInputParameter" in source:
                values[name] = self.parameters[source["componentInputParameter"]]
            else:
                values[name] = source["runtimeValue"]["constant"]
        for name, declared in component.get("inputDefinitions", {}).get("parameters", {}).items():
            kind = KINDS[declared["parameterType"]]
            assert isinstance(values[name], kind), f"input parameter {name!r} type mismatch"
        return values

    def _input_artifacts(self, spec: dict) -> dict[str, Any]:
        found = {}
        for name, source in spec.get("inputs", {}).get("artifacts", {}).items():
            origin = source["taskOutputArtifact"]
            artifact = self.tasks[origin["producerTask"]].outputs[origin["outputArtifactKey"]]
            found[name] = {
                "artifacts": [
                    {
                        "name": str(artifact.id),
                        "type": {"instanceSchema": ""},
                        "uri": artifact.uri,
                        "metadata": artifact.metadata,
                    }
                ]
            }
        return found

    def _output_artifacts(self, name: str, component: dict) -> dict[str, Any]:
        salt = hashlib.sha256(f"{self.id}/{name}".encode()).hexdigest()[:8]
        root = self.spec["defaultPipelineRoot"].rstrip("/")
        above = f"{root}/{self.spec['pipelineInfo']['name']}/{self.id}/{name}/{salt}"
        return {
            key: {"artifacts": [{"name": key, "type": each["artifactType"], "uri": f"{above}/{key}"}]}
            for key, each in component.get("outputDefinitions", {}).get("artifacts", {}).items()
        }

    def _run_pod(self, task: Task, container: dict, executor_input: dict) -> None:
        """The launcher's part: downloads, the user's command, uploads, and what is remembered of them."""
        pod = self.cluster.folder / "pods" / f"{self.id}-{task.name}"
        scratch = pod / "scratch"
        for artifact in _listed(executor_input["inputs"]):
            artifact["customPath"] = str(scratch / artifact["uri"].split("://")[1])
            _copy(self.cluster.file(artifact["uri"]), Path(artifact["customPath"]))
        for artifact in _listed(executor_input["outputs"]):
            artifact["customPath"] = str(scratch / artifact["uri"].split("://")[1])
            Path(artifact["customPath"]).parent.mkdir(parents=True, exist_ok=True)
        executor_input["outputs"]["outputFile"] = str(pod / "output_metadata.json")
        done = _started(container, json.dumps(executor_input), pod)
        task.log = done.stdout
        if done.returncode:
            task.state = FAILED
            return
        told = _executor_output(pod / "output_metadata.json")
        for key, listed in executor_input["outputs"]["artifacts"].items():
            (artifact,) = listed["artifacts"]
            (answer,) = told.get("artifacts", {}).get(key, {}).get("artifacts", [{}])
            assert answer.get("uri", artifact["uri"]) == artifact["uri"], "it would be uploaded elsewhere"
            _copy(Path(artifact["customPath"]), self.cluster.file(artifact["uri"]))
            metadata = {"display_name": key, "store_session_info": "{}"} | answer.get("metadata", {})
            task.outputs[key] = self.cluster.record(artifact["uri"], metadata)
        shutil.rmtree(pod)
        task.state = SUCCEEDED


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
    return subprocess.run(
        [word.replace("{{$}}", executor_input) for word in words],
        env=environment,
        cwd=pod,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=250,
    )


def _executor_output(path: Path) -> dict[str, Any]:
    """The file as KFP reads it: an unknown key is an error."""
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


def _cache_key(executor_input: dict[str, Any], container: dict[str, Any]) -> str:
    names = {
        key: [each["name"] for each in listed["artifacts"]]
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
    ]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
