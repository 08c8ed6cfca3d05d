"""TFX's BeamDagRunner with callbacks for stage starts and ends, and access to the stage's error."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from apache_beam.options.pipeline_options import StandardOptions
from tfx.dsl.compiler import compiler, constants
from tfx.orchestration import pipeline as tfx_pipeline
from tfx.orchestration.beam import beam_dag_runner
from tfx.orchestration.portable import runtime_parameter_utils
from tfx.proto.orchestration import pipeline_pb2

from pipeline.lineage.execution_ids import reserve_ids
from pipeline.lineage.store import LineageStore
from pipeline.settings.beam import IN_PROCESS_RUNNER


class StageListener(Protocol):
    """The receiver of stage events; called from Beam's worker threads, one stage at a time."""

    def stage_started(self, name: str) -> None: ...

    def stage_finished(self, name: str, seconds: float) -> None: ...

    def stage_failed(self, name: str, seconds: float, error: Exception) -> None: ...


# Beam pickles the node's DoFn, and a listener cannot be pickled. The orchestrator runs its nodes in this
# process, so the DoFn looks its listener up here.
_listener: StageListener | None = None
# The connection to the lineage store is here, too: it may contain a password, and TFX logs what nodes get.
_lineage: LineageStore | None = None
_one_run = threading.Lock()


class _ObservedNode(beam_dag_runner.PipelineNodeAsDoFn):
    """A pipeline node that reports to the listener.

    For a Trainer that fails, the listener gets stage_started("Trainer") and then
    stage_failed("Trainer", 3.2, error) with the error of the executor; Beam gets the same error and wraps it.
    """

    def _run_node(self) -> None:
        if _lineage is not None:
            self._mlmd_connection_config = _lineage.connection_config()
        listener = _listener
        if listener is None:
            super()._run_node()
            return
        listener.stage_started(self._node_id)
        started = time.monotonic()
        try:
            super()._run_node()
        except Exception as error:
            listener.stage_failed(self._node_id, time.monotonic() - started, error)
            raise
        listener.stage_finished(self._node_id, time.monotonic() - started)


class ObservedBeamDagRunner(beam_dag_runner.BeamDagRunner):
    """BeamDagRunner over `_ObservedNode`."""

    _PIPELINE_NODE_DO_FN_CLS = _ObservedNode


@contextmanager
def _at_hand(listener: StageListener, lineage: LineageStore) -> Iterator[None]:
    global _lineage, _listener
    with _one_run:
        _listener, _lineage = listener, lineage
        try:
            yield
        finally:
            _listener = _lineage = None


@contextmanager
def _in_process() -> Iterator[None]:
    """Makes Beam's in-process runner the default one.

    TFX names no runner for its orchestrating Beam pipeline. The default of Beam 2.68 and newer first tries
    Prism, which it downloads.
    """
    before = StandardOptions.DEFAULT_RUNNER
    StandardOptions.DEFAULT_RUNNER = IN_PROCESS_RUNNER
    try:
        yield
    finally:
        StandardOptions.DEFAULT_RUNNER = before


def compile_pipeline(pipeline: tfx_pipeline.Pipeline, *, run_id: str) -> pipeline_pb2.Pipeline:
    """TFX's intermediate representation of `pipeline`, with `run_id` filled in.

    Without a run id the runner generates one and does not return it.
    """
    representation = compiler.Compiler().compile(pipeline)
    runtime_parameter_utils.substitute_runtime_parameter(
        representation, {constants.PIPELINE_RUN_ID_PARAMETER_NAME: run_id}
    )
    return representation


def run_dag(
    pipeline: tfx_pipeline.Pipeline, *, run_id: str, listener: StageListener, lineage: LineageStore
) -> Any:
    """Runs every stage of `pipeline` in this process, one after another in the order of the DAG.

    Raises:
      Exception: Beam's wrapper of the error that stopped a stage; the listener got the original error. Or an
        error of the lineage store.
    """
    reserve_ids(lineage, Path(pipeline.pipeline_info.pipeline_root))
    with _in_process(), _at_hand(listener, lineage):
        return ObservedBeamDagRunner().run_with_ir(compile_pipeline(pipeline, run_id=run_id))
