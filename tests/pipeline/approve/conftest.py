"""A workspace as a refused run leaves it: lineage store, artifacts, result, and a store with version 1."""

import dataclasses
import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from ml_metadata.proto import metadata_store_pb2 as mlmd

from components.evaluator.verdict import Baseline, ConditionResult, Verdict
from pipeline import cli
from pipeline.results.outcome import RunResult
from pipeline.workspace.layout import Workspace
from serving.storage.resolve import files_for
from serving.store.manifest import Facts, model_digest
from serving.store.publish import model_entries
from serving.versions import VersionStore

RUN = "20261122-101500.000001"
WHY = "the old model's folder was deleted"
BASELINE_GONE = {"accuracy": True, "baseline": False}


def condition(name: str, *, passed: bool) -> ConditionResult:
    metric, _, slice_name = name.partition("@")
    kinds = {"baseline": "baseline", "unseen_reviews": "unseen"}
    return ConditionResult(
        metric=metric,
        slice=slice_name or "overall",
        split="test",
        kind=kinds.get(metric, "floor"),
        threshold=None if metric == "baseline" else 0.85,
        passed=passed,
        unjudged="nothing was measured" if passed else None,
        reason=f"{name} {'holds' if passed else 'fails'}",
    )


@dataclasses.dataclass
class Lineage:
    """A lineage store that gets executions as TFX records them."""

    store: object
    run: str

    def execute(self, stage, inputs, outputs):
        """Records one execution; its sides map a key to type, uri and custom properties, or to an id."""
        events = []
        for kind, side in ((mlmd.Event.INPUT, inputs), (mlmd.Event.OUTPUT, outputs)):
            for key, given in side.items():
                event = mlmd.Event(type=kind)
                event.path.steps.add().key = key
                events.append((self._artifact(given), event))
        contexts = [
            self._context(kind, name)
            for kind, name in (
                ("pipeline", "imdb_sentiment"),
                ("pipeline_run", self.run),
                ("node", f"imdb_sentiment.{stage}"),
            )
        ]
        execution_type = self.store.put_execution_type(mlmd.ExecutionType(name=stage))
        execution = mlmd.Execution(type_id=execution_type, last_known_state=mlmd.Execution.COMPLETE)
        _, artifacts, _ = self.store.put_execution(execution, events, contexts)
        return dict(zip([*inputs, *outputs], artifacts, strict=True))

    def _artifact(self, given):
        if isinstance(given, int):
            return self.store.get_artifacts_by_id([given])[0]
        kind, uri, properties = given
        type_id = self.store.put_artifact_type(mlmd.ArtifactType(name=kind))
        artifact = mlmd.Artifact(type_id=type_id, uri=str(uri))
        for key, value in properties.items():
            field = "int_value" if isinstance(value, int) else "string_value"
            setattr(artifact.custom_properties[key], field, value)
        return artifact

    def _context(self, kind, name):
        type_id = self.store.put_context_type(mlmd.ContextType(name=kind))
        return self.store.get_context_by_type_and_name(kind, name) or mlmd.Context(type_id=type_id, name=name)


@pytest.fixture
def workspace(tmp_path) -> Workspace:
    """A workspace without a run."""
    workspace = Workspace.at(tmp_path / "space")
    workspace.create()
    workspace.metadata.path.touch()
    return workspace


@pytest.fixture
def versions(workspace, tmp_path) -> VersionStore:
    """Its version store; version 1 is live."""
    store = VersionStore(workspace.serving("imdb_sentiment"))
    store.push(saved_model(tmp_path / "model-1", "one"), Facts(metrics={"accuracy": 0.8}))
    return store


def saved_model(folder: Path, content: str) -> Path:
    (folder / "variables").mkdir(parents=True)
    (folder / "saved_model.pb").write_text(content)
    (folder / "variables" / "variables.index").write_text(content)
    return folder


@pytest.fixture
def refuse(workspace, versions):
    """Leaves what a refused run leaves; returns the folder of its SavedModel.

    outcomes: METRIC[@SLICE] to whether it holds. more_facts: keys that this release does not know.
    """

    def leave(outcomes=BASELINE_GONE, *, run=RUN, serves=True, properties=None, more_facts=None) -> Path:
        conditions = tuple(condition(name, passed=passed) for name, passed in outcomes.items())
        root = workspace.artifacts / run
        model = saved_model(root / "model" / "Format-Serving", run)
        verdict = Verdict(
            split="test",
            conditions=conditions,
            metrics={"accuracy": 0.9},
            baseline=Baseline(model_uri="models/1", problem="its folder is gone"),
        )
        for name, text in (("verdict", verdict.to_json()), ("canaries", '{"reasons": ["it crashed"]}')):
            (root / name).mkdir()
            (root / name / f"{name}.json").write_text(text)
        kept = {
            "outcome": "refused",
            "model_digest": model_digest(model_entries(files_for(str(model)), str(model))),
            "facts": json.dumps(
                dataclasses.asdict(Facts(metrics={"accuracy": 0.9}, data_fingerprint="data-1"))
                | (more_facts or {})
            ),
        }
        lineage = Lineage(workspace.metadata.open(), run)
        trained = lineage.execute("Trainer", {}, {"model": ("Model", root / "model", {})})
        judged = lineage.execute(
            "Evaluator",
            {"model": trained["model"]},
            {
                "evaluation": ("ModelEvaluation", root / "verdict", {}),
                "blessing": ("ModelBlessing", root / "blessing", {"blessed": 0}),
            },
        )
        infra = ("InfraBlessing", root / "canaries", {"blessed": int(serves)})
        lineage.execute("InfraValidator", {"model": trained["model"]}, {"blessing": infra})
        lineage.execute(
            "Pusher",
            {"model": trained["model"], "model_blessing": judged["blessing"]},
            {"pushed_model": ("PushedModel", root / "pushed", kept if properties is None else properties)},
        )
        reasons = tuple(each.reason for each in conditions if not each.passed)
        gate = tuple(dataclasses.asdict(each) for each in conditions)
        RunResult(
            verdict="refused", run=run, version="1", metrics={"accuracy": 0.9}, gate=gate, reasons=reasons
        ).save(workspace.result(run))
        return model

    return leave


@pytest.fixture
def greenlight(workspace):
    """Calls a command on the workspace."""

    def call(command, *arguments):
        everything = [command, "--workspace", str(workspace.root), *arguments]
        return CliRunner().invoke(cli.cli, everything, prog_name="greenlight")

    return call


@pytest.fixture
def approve(greenlight):
    """Approves as ada, with a reason."""
    return lambda *arguments: greenlight("approve", "--reason", WHY, "--by", "ada", *arguments)
