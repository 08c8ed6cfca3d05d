"""The root cause of an exception, in words."""

import pytest

from components.errors import DataStopped, GreenlightError, InputError
from pipeline.failure import LONGEST, Failure, explain


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
    assert explain(error) == Failure("No file matches a/*.csv.\nCheck data.source.", 2)


def test_beams_suffix_is_dropped():
    error = raised(DataStopped("The label column is empty. [while running 'Run[ExampleValidator]']"))
    assert explain(error) == Failure("The label column is empty.", 4)


def test_an_error_for_the_person_is_found_behind_others():
    error = raised(
        RuntimeError("stage failed"), cause=raised(ValueError("x"), cause=raised(InputError("No reviews.")))
    )
    assert explain(error) == Failure("No reviews.", 2)


def test_an_error_for_the_person_is_preferred_to_its_own_cause():
    error = raised(
        GreenlightError("The disk is full. Free some."), cause=raised(OSError(28, "No space left"))
    )
    assert explain(error) == Failure("The disk is full. Free some.", 1)


def test_an_error_for_the_person_is_found_in_the_text_of_another_process():
    text = REMOTE.format(raised="components.errors.InputError: No file matches a/*.csv.\nCheck data.source.")
    assert explain(raised(RuntimeError(text))) == Failure("No file matches a/*.csv.\nCheck data.source.", 2)


def test_the_root_cause_is_found_in_the_text_of_another_process():
    text = REMOTE.format(
        raised="tensorflow.python.framework.errors_impl.DataLossError: corrupted record at 12"
    )
    assert explain(raised(RuntimeError(text))) == Failure("DataLossError: corrupted record at 12", 1)


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
