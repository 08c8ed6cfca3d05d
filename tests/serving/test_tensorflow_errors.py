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


def test_any_other_error_is_told_by_its_first_line():
    assert root_cause(OSError("no such file\nlook elsewhere")) == "no such file"


def test_bytes_that_a_text_quotes_do_not_hide_it():
    text = b"Could not parse example input, value: 'garbage\xff'\n\t [[node]]"
    assert root_cause(UnicodeDecodeError("utf-8", text, 46, 47, "invalid start byte")) == (
        "Could not parse example input, value: 'garbage\ufffd'"
    )


def test_an_error_without_words_is_told_by_its_type():
    assert root_cause(KeyboardInterrupt()) == "KeyboardInterrupt"
