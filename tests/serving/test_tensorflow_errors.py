import pytest

from serving.tensorflow_errors import root_cause

GRAPH_ERROR = """Graph execution error:

Detected at node ParseExample/ParseExampleV2 defined at (most recent call last):
  File "x.py", line 3, in <module>
<stack traces unavailable>
Feature: review (data type: string) is required but could not be found.
\t [[{{node ParseExample/ParseExampleV2}}]] [Op:__inference_signature_wrapper_f_114]"""


def test_a_graph_error_is_told_by_its_cause():
    assert root_cause(ValueError(GRAPH_ERROR)) == (
        "Feature: review (data type: string) is required but could not be found."
    )


def test_a_hint_about_memory_does_not_hide_the_cause():
    hint = (
        "\nHint: If you want to see a list of allocated tensors when OOM happens, add "
        "report_tensor_allocations_upon_oom to RunOptions for current allocation info.\n"
    )
    assert root_cause(ValueError(GRAPH_ERROR + hint)) == root_cause(ValueError(GRAPH_ERROR))


@pytest.mark.parametrize("heading", ["", "Graph execution error:\n\nDetected at node a defined at\n"])
def test_of_several_errors_the_first_is_told(heading):
    text = (
        "2 root error(s) found.\n  (0) FAILED_PRECONDITION: Table not initialized.\n\t [[{{node lookup}}]]\n"
        "\t [[add/_7]]\n  (1) FAILED_PRECONDITION: Another.\n\t [[{{node lookup}}]]\n"
        "0 successful operations.\n0 derived errors ignored. [Op:__inference_f_1]"
    )
    assert root_cause(ValueError(heading + text)) == "Table not initialized."


def test_any_other_error_is_told_by_its_first_line():
    assert root_cause(OSError("no such file\nlook elsewhere")) == "no such file"


@pytest.mark.parametrize(
    "where",
    [
        "{{node lookup}} ",
        "{{function_node __wrapped__Cast_device_/job:localhost}} ",
        "Error in user-defined function passed to ParallelMapDatasetV2:2418 transformation with iterator: "
        "Iterator::Root::Prefetch::ParallelMapV2: ",
    ],
)
def test_where_it_happened_is_left_out(where):
    assert root_cause(ValueError(f"{where}assertion failed: [x < 9]")) == "assertion failed: [x < 9]"
    both = "{{node a}} " + where
    assert root_cause(ValueError(f"{both}assertion failed: [x < 9]")) == "assertion failed: [x < 9]"


def test_bytes_that_a_text_quotes_do_not_hide_it():
    text = b"Could not parse example input, value: 'garbage\xff'\n\t [[node]]"
    assert root_cause(UnicodeDecodeError("utf-8", text, 46, 47, "invalid start byte")) == (
        "Could not parse example input, value: 'garbage\ufffd'"
    )


def test_an_error_without_words_is_told_by_its_type():
    assert root_cause(KeyboardInterrupt()) == "KeyboardInterrupt"
