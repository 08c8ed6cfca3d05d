"""Past runs from the lineage store (ML Metadata): stages, artifacts and states."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from components.errors import InputError
from components.example_gen.settings import STAGE_NAMES
from pipeline.lineage.store import LineageStore, reading

if TYPE_CHECKING:
    from ml_metadata import MetadataStore
    from ml_metadata.proto import metadata_store_pb2 as mlmd

RUN_CONTEXT = "pipeline_run"  # the context types that TFX gives every execution
NODE_CONTEXT = "node"


@dataclasses.dataclass(frozen=True)
class Artifact:
    """One artifact as the lineage store has it; `properties` holds TFX's and custom ones together."""

    id: int
    type: str
    uri: str
    properties: Mapping[str, Any]

    @property
    def path(self) -> Path:
        """`uri` as a local path; local runs only."""
        return Path(self.uri)


@dataclasses.dataclass(frozen=True)
class Stage:
    """One execution of one stage in one run."""

    name: str
    state: str  # complete, cached, failed, running, canceled, ...
    execution_id: int
    started_ms: int
    finished_ms: int
    inputs: Mapping[str, tuple[Artifact, ...]]
    outputs: Mapping[str, tuple[Artifact, ...]]

    @property
    def cached(self) -> bool:
        return self.state == "cached"

    @property
    def seconds(self) -> float:
        """Wall time between registration and last update, in seconds."""
        return max(0, self.finished_ms - self.started_ms) / 1000


@dataclasses.dataclass(frozen=True)
class Run:
    """One pipeline run: its stages in the order in which they were registered."""

    id: str
    stages: tuple[Stage, ...]

    def stage(self, name: str) -> Stage | None:
        """The last execution of the stage `name` in this run, or None where it never started."""
        return next((stage for stage in reversed(self.stages) if stage.name == name), None)

    @property
    def example_gen(self) -> Stage | None:
        """The stage that read the examples, whichever of its ids it has in this run; None if none started."""
        return next(filter(None, map(self.stage, STAGE_NAMES)), None)

    @property
    def examples(self) -> Artifact | None:
        """The examples that this run has read, or None where there are none."""
        reader = self.example_gen
        return self.output(reader.name, "examples") if reader else None

    def output(self, stage: str, key: str) -> Artifact | None:
        """The single output artifact `key` of `stage`, or None where there is none."""
        found = self.stage(stage)
        artifacts = found.outputs.get(key, ()) if found else ()
        return artifacts[-1] if artifacts else None


def read_run(metadata: LineageStore, run_id: str | None = None) -> Run:
    """The run `run_id` (the newest where None) with all its stages and artifacts.

    Raises:
      InputError: the run does not exist.
      GreenlightError: the store cannot be read.
    """
    with reading(metadata) as store:
        contexts = {context.name: context for context in store.get_contexts_by_type(RUN_CONTEXT)}
        if not contexts:
            raise InputError(f"No run is recorded in {metadata}. Start one with `greenlight run`.")
        if run_id is None:
            run_id = max(contexts.values(), key=lambda context: context.create_time_since_epoch).name
        if run_id not in contexts:
            raise InputError(f"There is no run {run_id!r} in {metadata}. `greenlight runs` lists them.")
        executions = store.get_executions_by_context(contexts[run_id].id)
        executions.sort(key=lambda execution: execution.id)
        return Run(run_id, tuple(_stages(store, executions)))


def _stages(store: MetadataStore, executions: list[mlmd.Execution]) -> Iterator[Stage]:
    from ml_metadata.proto import metadata_store_pb2 as mlmd

    events = store.get_events_by_execution_ids([execution.id for execution in executions])
    ids = {event.artifact_id for event in events}
    artifacts = {artifact.id: artifact for artifact in _artifacts(store, ids)}
    for execution in executions:
        sides: dict[bool, dict[str, list[Artifact]]] = {True: {}, False: {}}
        for event in events:
            if event.execution_id == execution.id and event.artifact_id in artifacts:
                is_input = event.type not in (mlmd.Event.OUTPUT, mlmd.Event.DECLARED_OUTPUT)
                key = event.path.steps[0].key if event.path.steps else ""
                sides[is_input].setdefault(key, []).append(artifacts[event.artifact_id])
        yield Stage(
            name=_stage_name(store, execution),
            state=mlmd.Execution.State.Name(execution.last_known_state).lower(),
            execution_id=execution.id,
            started_ms=execution.create_time_since_epoch,
            finished_ms=execution.last_update_time_since_epoch,
            inputs={key: tuple(value) for key, value in sides[True].items()},
            outputs={key: tuple(value) for key, value in sides[False].items()},
        )


def _stage_name(store: MetadataStore, execution: mlmd.Execution) -> str:
    """The node id: TFX names a node's context `<pipeline>.<node id>`."""
    for context in store.get_contexts_by_execution(execution.id):
        if context.type == NODE_CONTEXT:
            return context.name.rpartition(".")[2]
    return execution.type


def _artifacts(store: MetadataStore, ids: set[int]) -> Iterator[Artifact]:
    for artifact in store.get_artifacts_by_id(sorted(ids)):
        values = {**artifact.properties, **artifact.custom_properties}
        properties = {key: _value(value) for key, value in values.items()}
        yield Artifact(artifact.id, artifact.type, artifact.uri, properties)


def _value(value: mlmd.Value) -> Any:
    kind = value.WhichOneof("value")
    return getattr(value, kind) if kind else None
