"""What our executors and drivers take from TFX's base classes is as they use it: see docs/private-apis.md."""

import inspect

import apache_beam as beam
import pytest
from tfx.components.pusher import executor as pusher
from tfx.dsl.components.base.base_beam_executor import BaseBeamExecutor
from tfx.dsl.components.base.base_driver import BaseDriver
from tfx.types.standard_artifacts import PushedModel

from components.data_check import statistics
from components.evaluator.driver import Driver
from components.pusher.executor import Executor

PAGE = "see docs/private-apis.md"


def test_an_executor_knows_its_run():
    context = BaseBeamExecutor.Context(pipeline_run_id="run-1")
    assert getattr(Executor(context), "_context", None) is context, (
        f"TFX's executors have no _context any more; {PAGE}"
    )
    assert (context.pipeline_run_id, context.pipeline_node) == ("run-1", None), (
        f"the context of TFX's executors has other properties; {PAGE}"
    )


def test_an_executor_makes_a_pipeline_with_its_own_beam_options():
    executor = statistics.Executor(BaseBeamExecutor.Context(beam_pipeline_args=["--direct_num_workers=3"]))
    make = getattr(executor, "_make_beam_pipeline", None)
    assert make is not None, f"TFX's Beam executors have no _make_beam_pipeline any more; {PAGE}"
    pipeline = make()
    assert isinstance(pipeline, beam.Pipeline), f"_make_beam_pipeline gives something else; {PAGE}"
    assert pipeline.options.get_all_options()["direct_num_workers"] == 3, (
        f"_make_beam_pipeline leaves the executor's Beam options out; {PAGE}"
    )


def test_a_driver_has_the_lineage_store():
    assert issubclass(Driver, BaseDriver)
    assert getattr(Driver("the store"), "_metadata_handle", None) == "the store", (
        f"TFX's drivers have no _metadata_handle any more; {PAGE}"
    )


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("_MarkPushed", ["model_push", "pushed_destination", "pushed_version"]),
        ("_MarkNotPushed", ["model_push"]),
    ],
)
def test_the_pusher_marks_what_it_pushed(name, arguments):
    mark = getattr(pusher.Executor, name, None)
    assert mark is not None, f"TFX's Pusher has no {name} any more; {PAGE}"
    assert list(inspect.signature(mark).parameters) == ["self", *arguments], f"{name} takes others; {PAGE}"
    artifact = PushedModel()
    mark(Executor(), artifact, **dict.fromkeys(arguments[1:], "7"))
    assert artifact.get_int_custom_property("pushed") == int(name == "_MarkPushed"), (
        f"{name} sets another property; {PAGE}"
    )
