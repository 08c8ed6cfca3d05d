"""TFX's undocumented names that the orchestrator uses are as it uses them: see docs/private-apis.md."""

import inspect

import pytest
from tfx.orchestration.beam import beam_dag_runner

from pipeline.engine.beam_orchestrator import ObservedBeamDagRunner

PAGE = "see docs/private-apis.md and pipeline/engine/beam_orchestrator.py"


def test_the_runner_takes_the_class_of_its_nodes_from_an_attribute():
    name = "_PIPELINE_NODE_DO_FN_CLS"
    assert getattr(beam_dag_runner.BeamDagRunner, name, None) is beam_dag_runner.PipelineNodeAsDoFn, (
        f"TFX's BeamDagRunner has no {name} any more that names the class of its nodes; {PAGE}"
    )
    assert f"self.{name}(" in inspect.getsource(beam_dag_runner.BeamDagRunner.run_with_ir), (
        f"TFX's BeamDagRunner does not make its nodes from {name} any more; {PAGE}"
    )
    assert ObservedBeamDagRunner._PIPELINE_NODE_DO_FN_CLS is not beam_dag_runner.PipelineNodeAsDoFn


def test_a_node_does_its_work_in_a_method_without_arguments():
    run_node = getattr(beam_dag_runner.PipelineNodeAsDoFn, "_run_node", None)
    assert run_node is not None, f"TFX's PipelineNodeAsDoFn has no _run_node any more; {PAGE}"
    assert list(inspect.signature(run_node).parameters) == ["self"], (
        f"TFX's PipelineNodeAsDoFn._run_node takes arguments; {PAGE}"
    )
    assert "self._run_node()" in inspect.getsource(beam_dag_runner.PipelineNodeAsDoFn.process), (
        f"TFX's PipelineNodeAsDoFn does not call _run_node any more; {PAGE}"
    )


@pytest.mark.parametrize("name", ["_node_id", "_mlmd_connection_config"])
def test_a_node_keeps_what_the_orchestrator_reads_and_sets(name):
    initial = inspect.getsource(beam_dag_runner.PipelineNodeAsDoFn.__init__)
    assert f"self.{name} = " in initial, f"TFX's PipelineNodeAsDoFn has no {name} any more; {PAGE}"


def test_a_node_connects_to_the_lineage_store_by_what_was_set():
    assert "self._mlmd_connection_config" in inspect.getsource(
        beam_dag_runner.PipelineNodeAsDoFn._run_node
    ), f"TFX's PipelineNodeAsDoFn connects by something else than _mlmd_connection_config; {PAGE}"
