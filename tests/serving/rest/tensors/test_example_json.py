"""Examples come from JSON by the rules of TensorFlow Serving's json_tensor.cc, with its error texts."""

import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st
from refusals import invalid_argument

from serving.rest.example_json import examples_of
from serving.status import Code, RequestError


def read(document) -> list[dict[str, tuple[str, list]]]:
    """Kind and values of each feature of each example."""
    found = []
    for serialized in examples_of(document, check=lambda count, context_bytes: None):
        features = tf.train.Example.FromString(serialized).features.feature
        kinds = {name: feature.WhichOneof("kind") for name, feature in features.items()}
        found.append(
            {
                name: (kind, list(getattr(features[name], kind).value) if kind else [])
                for name, kind in kinds.items()
            }
        )
    return found


def error_of(document) -> str:
    return invalid_argument(examples_of, document, check=lambda count, context_bytes: None)


def test_a_features_kind_is_that_of_its_values():
    example = {
        "text": "é",
        "bytes": [{"b64": "aGk="}, "x"],
        "floats": [1.5, 2.0],
        "ints": [3, True, -4],
        "flag": False,
        "none": [],
    }
    assert read({"examples": [example]}) == [
        {
            "text": ("bytes_list", ["é".encode()]),
            "bytes": ("bytes_list", [b"hi", b"x"]),
            "floats": ("float_list", [1.5, 2.0]),
            "ints": ("int64_list", [3, 1, -4]),
            "flag": ("int64_list", [0]),
            "none": (None, []),
        }
    ]


def test_the_context_is_in_every_example_unless_that_says_otherwise():
    document = {"context": {"a": 1, "b": 2}, "examples": [{"b": 3}, {}]}
    assert read(document) == [
        {"a": ("int64_list", [1]), "b": ("int64_list", [3])},
        {"a": ("int64_list", [1]), "b": ("int64_list", [2])},
    ]


def test_how_much_there_will_be_is_told_before_it_is_made():
    told = []
    examples_of({"context": {"a": 1}, "examples": [{}, {}]}, check=lambda *numbers: told.append(numbers))
    context = tf.train.Example()
    context.features.feature["a"].int64_list.value.append(1)
    assert told == [(2, context.ByteSize())]


@pytest.mark.parametrize(
    ("document", "text"),
    [
        ({}, "JSON Value: {} When method is classify, key 'examples' is expected and was not found"),
        (
            {"examples": 1},
            "JSON Value: {\n    \"examples\": 1\n} Expecting 'examples' value to be an list/array",
        ),
        ({"examples": []}, "JSON Value: {\n    \"examples\": []\n} 'examples' value is an empty array"),
        ({"examples": ["a"]}, "Example must be JSON object but got JSON String"),
        ({"examples": [{}], "context": 1}, "Example must be JSON object but got JSON Number"),
        ({"examples": [{"x": None}]}, "Feature: x has element with unexpected JSON type: Null"),
        ({"examples": [{"x": {}}]}, "Feature: x has element with unexpected JSON type: Object"),
        ({"examples": [{"x": [[1]]}]}, "Feature: x has element with unexpected JSON type: Array"),
        ({"examples": [{"x": [1, 2.5]}]}, "Unexpected element type in feature: x expecting type: int64"),
        ({"examples": [{"x": ["a", 2]}]}, "Unexpected element type in feature: x expecting type: bytes"),
        ({"examples": [{"x": [0.5, "a"]}]}, "Unexpected element type in feature: x expecting type: float"),
        ({"examples": [{"x": 2**63}]}, "Feature: x has uint64_t element. Only int64_t is supported."),
        ({"examples": [{"x": {"b64": "a"}}]}, "Unable to base64 decode"),
    ],
)
def test_what_is_no_example_is_refused(document, text):
    assert error_of(document) == text


FEATURES = st.none() | st.booleans() | st.integers(-(2**63), 2**64) | st.floats() | st.text(max_size=5)


@given(st.lists(st.dictionaries(st.text(max_size=3), FEATURES | st.lists(FEATURES, max_size=3), max_size=3)))
def test_whatever_comes_is_an_example_or_refused(examples):
    try:
        found = examples_of({"examples": examples}, check=lambda count, context_bytes: None)
    except RequestError as error:
        assert error.code is Code.INVALID_ARGUMENT
    else:
        assert len(found) == len(examples)
