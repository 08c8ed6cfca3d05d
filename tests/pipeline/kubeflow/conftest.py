"""The pipeline, compiled once for fixed settings; and one of its steps, run as Kubeflow's launcher would."""

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent))  # kfp_containers is not a test

from pipeline.config import Settings, load

ROOT = Path(__file__).parents[3]
IMAGE, PIPELINE_ROOT = "registry.example/greenlight:4dd0c33", "gs://reviews/greenlight"
NEEDED = (f"kubeflow.image={IMAGE}", f"kubeflow.pipeline_root={PIPELINE_ROOT}")


@pytest.fixture(scope="session")
def image():
    """The module deploy/image_tree.py."""
    spec = importlib.util.spec_from_file_location("image_tree", ROOT / "deploy" / "image_tree.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def image_tree(image, tmp_path_factory) -> Path:
    """The folder /app of the image."""
    return image.build(tmp_path_factory.mktemp("image") / "app")


@pytest.fixture(scope="session")
def settings() -> Callable[..., Settings]:
    """`settings("trainer.epochs=3")`: compilable settings with assignments laid over them."""
    return lambda *assignments: load(assignments=[*NEEDED, *assignments])


@pytest.fixture(scope="session")
def compile_with(settings):
    """Compiles in this process: `compile_with("trainer.epochs=3")`."""
    from pipeline.kubeflow.runner import compile_pipeline

    return lambda *assignments: compile_pipeline(settings(*assignments))


@pytest.fixture(scope="session")
def compiled(compile_with):
    return compile_with()


class Step:
    """One step of a compiled pipeline, started the way KFP's launcher starts it."""

    def __init__(self, compiled, name: str, folder: Path):
        self._spec = compiled.spec
        self._container = compiled.containers[name]
        self._task = self._spec["root"]["dag"]["tasks"][name]
        self._component = self._spec["components"][name]
        self._folder = folder

    def run(self, **given) -> subprocess.CompletedProcess:
        """Runs the container's command on this machine; `given` are the run's parameters."""
        executor_input = json.dumps(self._executor_input(given))
        command = [*self._container["command"], *self._container["args"]]
        environment = {variable["name"]: variable["value"] for variable in self._container["env"]}
        environment |= {"PATH": f"{Path(sys.executable).parent}:{os.defpath}", "HOME": str(self._folder)}
        return subprocess.run(
            [part.replace("{{$}}", executor_input) for part in command],
            env=environment,
            cwd=self._folder,
            capture_output=True,
            text=True,
            timeout=200,
        )

    def output(self, name: str) -> dict:
        """What the executor says of one output artifact."""
        (artifact,) = json.loads(self._output_file.read_text())["artifacts"][name]["artifacts"]
        return artifact

    @property
    def outputs(self) -> set[str]:
        """The keys of the artifacts that the executor mentions."""
        return set(json.loads(self._output_file.read_text())["artifacts"])

    @property
    def _output_file(self) -> Path:
        return self._folder / "executor_output.json"

    def _executor_input(self, given: dict) -> dict:
        artifacts = self._component["outputDefinitions"]["artifacts"]
        kinds = {name: of["artifactType"] for name, of in artifacts.items()}
        kinds["executor-logs"] = {"schemaTitle": "system.Artifact"}  # which KFP's driver adds
        return {
            "inputs": {"parameterValues": self._parameter_values(given)},
            "outputs": {
                "artifacts": {
                    name: {"artifacts": [{"type": kind, "uri": str(self._folder / name), "name": name}]}
                    for name, kind in kinds.items()
                },
                "outputFile": str(self._output_file),
            },
        }

    def _parameter_values(self, given: dict) -> dict:
        declared = self._spec["root"]["inputDefinitions"]["parameters"]
        run = {name: parameter["defaultValue"] for name, parameter in declared.items()} | given
        return {
            name: run[source["componentInputParameter"]]
            if "componentInputParameter" in source
            else source["runtimeValue"]["constant"]
            for name, source in self._task["inputs"]["parameters"].items()
        }


@pytest.fixture
def step(tmp_path):
    return lambda compiled, name: Step(compiled, name, tmp_path)


COMPILED = """\
pipelineInfo: {name: imdb-sentiment}
root:
  dag: {tasks: {}}
  inputDefinitions:
    parameters:
      embedding: {parameterType: STRING}
      epochs: {parameterType: NUMBER_INTEGER}
      min_accuracy: {parameterType: NUMBER_DOUBLE}
      source: {parameterType: STRING}
schemaVersion: 2.1.0
"""


@pytest.fixture
def without_compiling(tmp_path, monkeypatch):
    """The compilation is another file's matter; and nobody's token or configuration is met."""
    monkeypatch.setattr("pipeline.commands.kubeflow.compile.compiled", lambda settings, as_json: COMPILED)
    monkeypatch.delenv("GREENLIGHT_KUBEFLOW_TOKEN", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
