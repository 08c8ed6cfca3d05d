"""The root cause of an exception, in words."""

import errno
import os
import traceback
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import PipelineOptions

from components.batch_prediction.steps import ReadRows
from components.errors import DataStopped, GreenlightError, InputError, MachineFault, carried
from components.example_gen.beam_steps import ReadPart
from components.example_gen.splits import Splitter
from pipeline.failure import LONGEST, Failure, explain
from pipeline.settings.beam import IN_PROCESS_RUNNER


def raised(error, cause=None):
    try:
        raise error from cause
    except type(error) as caught:
        return caught


# What Beam makes of errors in worker processes (PortableRunner, multi_processing): text in a RuntimeError.
REMOTE = """\
Pipeline job-001 failed in state FAILED: bundle inst002 stage-003 failed:Traceback (most recent call last):
  File "apache_beam/runners/common.py", line 1498, in apache_beam.runners.common.DoFnRunner.process
  File "/site-packages/apache_beam/transforms/core.py", line 2084, in <lambda>
    wrapper = lambda x: [fn(x)]
{raised}

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "/site-packages/apache_beam/runners/worker/sdk_worker.py", line 311, in _execute
    response = task()
{raised} [while running 'Read reviews']
"""


def test_an_error_for_the_person_is_taken_as_it_is():
    error = raised(InputError("No file matches a/*.csv.\nCheck data.source."))
    assert explain(error) == Failure("No file matches a/*.csv.\nCheck data.source.", 2, kind="InputError")


def as_beam_raises(error):
    """As Beam's DoFnRunner raises an error of a step anew, with words of its own."""
    try:
        try:
            with carried():
                raise error
        except Exception as inner:
            again = type(inner)(f"{inner.args[0]} [while running 'Read reviews']")
            raise again  # noqa: B904 - as Beam does
    except Exception as outer:
        return outer


def test_beams_suffix_is_dropped():
    error = as_beam_raises(DataStopped("The label column is empty."))
    assert explain(error) == Failure("The label column is empty.", 4, kind="DataStopped")


def test_an_error_for_the_person_is_found_behind_others():
    error = raised(
        RuntimeError("stage failed"), cause=raised(ValueError("x"), cause=raised(InputError("No reviews.")))
    )
    assert explain(error) == Failure("No reviews.", 2, kind="InputError")


def test_an_error_for_the_person_is_preferred_to_its_own_cause():
    error = raised(
        GreenlightError("The disk is full. Free some."), cause=raised(OSError(28, "No space left"))
    )
    said = "The disk is full. Free some. The disk is full, or has no inodes left."
    failure = explain(error)
    assert failure.message.startswith(said) and failure.machine


@pytest.mark.parametrize("kind", [InputError, DataStopped, MachineFault, GreenlightError])
def test_an_error_for_the_person_is_found_in_the_text_of_another_process(kind):
    message = "No file matches a/*.csv.\nCheck data.source."
    trace = "".join(traceback.format_exception(as_beam_raises(kind(message))))
    found = explain(raised(RuntimeError(f"Pipeline job-001 failed: {trace} [while running 'Read reviews']")))
    assert found == Failure(message, kind.exit_code, machine=kind is MachineFault, kind=kind.__name__)


@pytest.mark.parametrize(
    "options",
    [
        [],
        pytest.param(
            ["--direct_running_mode=multi_processing", "--direct_num_workers=1"],
            marks=pytest.mark.proof,
        ),
    ],
)
def test_an_error_for_the_person_comes_through_real_beam(options, tmp_path, monkeypatch):
    module = tmp_path / "failing_step.py"  # of this file nothing could be imported in the workers
    module.write_text(
        "from components.errors import InputError, carried\n"
        "def fail(_):\n    with carried():\n        raise InputError('No reviews.\\nCheck data.source.')\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]))
    import failing_step

    with (
        pytest.raises(Exception) as caught,
        beam.Pipeline(IN_PROCESS_RUNNER, options=PipelineOptions(options)) as pipeline,
    ):
        pipeline | beam.Create([1]) | beam.Map(failing_step.fail)
    assert explain(caught.value) == Failure("No reviews.\nCheck data.source.", 2, kind="InputError")


def test_an_error_raised_from_another_one_for_the_person_is_the_one_that_is_told():
    inner, outer = GreenlightError("x"), InputError("The settings of the run cannot be used.")
    for error in (inner, outer):
        with suppress(GreenlightError), carried():
            raise error
    text = "".join(traceback.format_exception(raised(outer, cause=inner)))
    assert explain(raised(RuntimeError(text))).message == "The settings of the run cannot be used."


def test_words_alone_decide_nothing():
    text = REMOTE.format(raised="components.errors.InputError: No file matches a/*.csv.")
    assert explain(raised(RuntimeError(text))).exit_code == 1


@pytest.mark.parametrize("place", [None, Path("/somewhere")])
def test_a_fault_of_the_machine_says_what_where_and_how_to_mend_it(place):
    failure = explain(raised(OSError(errno.ENOSPC, "No space left", "/data/model.keras")), place=place)
    assert failure.message.startswith("/data/model.keras")
    assert "The disk has too little room for it (" in failure.message and "Free space" in failure.message
    assert (failure.exit_code, failure.machine) == (1, True)


def test_an_input_that_a_full_disk_made_unusable_is_the_machine_s_fault():
    error = raised(InputError("out.jsonl cannot be written."), cause=raised(OSError(errno.ENOSPC, "x")))
    failure = explain(error)
    assert (failure.exit_code, failure.machine) == (1, True)
    assert failure.message.startswith("out.jsonl cannot be written. The disk is full")

    missing = raised(
        InputError("out.jsonl is not there."), cause=raised(FileNotFoundError(errno.ENOENT, "x"))
    )
    assert explain(missing) == Failure("out.jsonl is not there.", 2, kind="InputError")


class FailingPart:
    """A file on a disk that fails."""

    path = name = "r.csv"
    split, span = None, 0

    def held_out(self):
        return ()

    def rows(self):
        raise InputError("r.csv cannot be read: x.") from OSError(errno.EIO, "x")


@pytest.mark.parametrize(
    "step", [ReadPart(splitter=Splitter((("train", 1),)), salt="s", limit=None), ReadRows()]
)
def test_a_disk_that_fails_under_a_worker_is_the_machine_s_fault(step):
    with pytest.raises(InputError) as caught:
        list(step.process(FailingPart()))
    for error in (caught.value, RuntimeError("".join(traceback.format_exception(caught.value)))):
        failure = explain(error)
        assert failure.message.startswith("r.csv cannot be read: x. The disk or the network below it failed.")
        assert (failure.exit_code, failure.machine) == (1, True)


def test_an_error_without_a_type_is_the_disk_s_where_that_is_full(tmp_path, monkeypatch):
    error = raised(RuntimeError("database or disk is full"))
    assert not explain(error, place=tmp_path).machine
    full = SimpleNamespace(f_flag=0, f_bavail=0, f_frsize=4096, f_files=100, f_favail=50)
    monkeypatch.setattr(os, "statvfs", lambda path: full)
    failure = explain(error, place=tmp_path)
    assert failure.machine and failure.message.startswith(
        f"{tmp_path} (0.0 MiB and 50 inodes free): The disk"
    )


def test_the_root_cause_is_found_in_the_text_of_another_process():
    text = REMOTE.format(
        raised="tensorflow.python.framework.errors_impl.DataLossError: corrupted record at 12"
    )
    said = "tensorflow.python.framework.errors_impl.DataLossError: corrupted record at 12"
    assert explain(raised(RuntimeError(text))) == Failure(said, 1)


def test_the_innermost_cause_is_the_root():
    error = raised(RuntimeError("Trainer failed"), cause=raised(KeyError("text")))
    assert explain(error) == Failure("KeyError: 'text'", 1)


def test_an_exception_without_words_says_where_it_was_raised():
    message = explain(raised(AssertionError())).message
    assert message.startswith("AssertionError at ")
    assert message.rpartition(":")[0].endswith("test_failure.py")


def test_tensorflows_long_messages_are_cut_to_what_matters():
    error = raised(
        ValueError(
            "Graph execution error:\n\nDetected at node Cast defined at (most recent call last):\n<stack>\n"
            "Cast string to float is not supported\n\t [[{{node Cast}}]] [Op:__inference_function_17]"
        )
    )
    assert (
        explain(error).message == "ValueError: Graph execution error: Cast string to float is not supported"
    )


def test_a_root_cause_is_a_line_of_bounded_length():
    message = explain(raised(ValueError("a" * 5000 + "\nsecond line"))).message
    assert len(message) == LONGEST
    assert message.endswith("…")


def test_memory_that_ran_out_comes_with_a_remedy():
    assert explain(raised(MemoryError())).message.startswith(
        "The machine ran out of memory. Free some, or lower"
    )


@pytest.mark.parametrize("text", ["", "   ", "[[x]]"])
def test_odd_messages_are_no_obstacle(text):
    assert explain(raised(ValueError(text))).message.startswith("ValueError")


def test_a_circle_of_causes_ends():
    first, second = ValueError("first"), ValueError("second")
    first.__cause__, second.__cause__ = second, first
    assert explain(first).message == "ValueError: second"
