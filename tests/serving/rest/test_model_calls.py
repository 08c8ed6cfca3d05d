""":predict, :classify and :regress over a socket: TensorFlow Serving's contract."""

import base64
import json
import math

import numpy as np
import pytest
import tensorflow as tf

MODEL = "/v1/models/imdb_sentiment"
GOOD = pytest.approx(0.7310586)
BAD = pytest.approx(0.2689414)
VERY_GOOD = pytest.approx(0.9525741)


def post(client, method: str, body, path: str = MODEL):
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return client.post(f"{path}:{method}", content=content)


def answer(client, method: str, body, path: str = MODEL):
    response = post(client, method, body, path)
    assert (response.status_code, response.headers["content-type"]) == (200, "application/json"), (
        response.text
    )
    return json.loads(response.content)


def error(client, method: str, body) -> str:
    response = post(client, method, body)
    assert (response.status_code, response.headers["content-type"]) == (400, "application/json")
    return response.json()["error"]


def example(text: str) -> dict[str, str]:
    serialized = tf.train.Example(
        features=tf.train.Features(
            feature={"text": tf.train.Feature(bytes_list=tf.train.BytesList(value=[text.encode()]))}
        )
    ).SerializeToString()
    return {"b64": base64.b64encode(serialized).decode()}


@pytest.mark.parametrize("path", [MODEL, f"{MODEL}/versions/1", f"{MODEL}/labels/stable"])
def test_rows(client, path):
    found = answer(client, "predict", {"instances": ["good", "bad"]}, path)
    assert found == {
        "predictions": [
            {"label": "positive", "probability": GOOD},
            {"label": "negative", "probability": BAD},
        ]
    }


@pytest.mark.parametrize(
    "instances", [["good"], [{"text": "good"}], [{"b64": "Z29vZA=="}], [{"text": {"b64": "Z29vZA=="}}]]
)
def test_a_row_may_name_its_input_and_be_base64(client, instances):
    found = answer(client, "predict", {"instances": instances, "signature_name": "serving_default"})
    assert found["predictions"] == [{"label": "positive", "probability": GOOD}]


@pytest.mark.parametrize("inputs", [["good", "bad"], {"text": ["good", "bad"]}])
def test_columns(client, inputs):
    found = answer(client, "predict", {"inputs": inputs})
    assert found == {"outputs": {"label": ["positive", "negative"], "probability": [GOOD, BAD]}}


def test_an_empty_column_is_answered_empty(client):
    assert answer(client, "predict", {"inputs": []}) == {"outputs": {"label": [], "probability": []}}


def test_serialized_examples_through_their_signature(client):
    body = {"signature_name": "tf_example", "instances": [example("good"), example("bad")]}
    assert [row["probability"] for row in answer(client, "predict", body)["predictions"]] == [GOOD, BAD]


def test_a_single_output_drops_its_name(client):
    assert answer(client, "predict", {"signature_name": "one_number", "instances": [1, 5]}) == {
        "predictions": [0.5, 2.5]
    }
    assert answer(client, "predict", {"signature_name": "one_number", "inputs": {"x": [1]}}) == {
        "outputs": [0.5]
    }


def test_nan_and_infinity_go_there_and_back(client):
    body = b'{"signature_name": "one_number", "instances": [NaN, Infinity, -Infinity, 1e300]}'
    found = answer(client, "predict", body)["predictions"]
    np.testing.assert_array_equal(found, [math.nan, math.inf, -math.inf, math.inf])


def test_inputs_of_every_kind_and_an_output_of_bytes(client):
    row = {"floats": [1, 2.5], "ints": 3, "flags": True, "payload": {"b64": "AP8="}}
    found = answer(client, "predict", {"signature_name": "kinds", "instances": [row]})
    assert found["predictions"] == [
        {"floats": [1.0, 2.5], "ints": 3, "flags": True, "payload_bytes": {"b64": "AP8="}}
    ]
    columns = {"floats": [[1, 2.5]], "ints": [3], "flags": [True], "payload": [{"b64": "AP8="}]}
    found = answer(client, "predict", {"signature_name": "kinds", "inputs": columns})
    assert found["outputs"] == {
        "floats": [[1.0, 2.5]],
        "ints": [3],
        "flags": [True],
        "payload_bytes": [{"b64": "AP8="}],
    }


def test_texts_of_all_kinds_are_scored(client):
    texts = ["good", "", "é😀 good", 'a\nb\t"good"', "x" * 10_000 + "good"]
    found = answer(client, "predict", {"instances": texts})["predictions"]
    assert [row["probability"] for row in found] == [GOOD, BAD, GOOD, GOOD, GOOD]
    raw = b'{"instances": ["\xff\xfe good"]}'
    assert answer(client, "predict", raw)["predictions"][0]["probability"] == GOOD


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"", "JSON Parse error: The document is empty"),
        (b"instances = [1, 2]", "JSON Parse error: Invalid value. at offset: 0"),
        (b"[]", "JSON Value: [] Is not object"),
        ({}, "Missing 'inputs' or 'instances' key"),
        (
            {"instances": ["a"], "signature_name": "x"},
            'Serving signature name: "x" not found in signature def',
        ),
        (
            {"instances": [1]},
            "Failed to process element: 0 of 'instances' list. Error: INVALID_ARGUMENT: JSON Value: 1 Type: "
            "Number is not of expected type: string",
        ),
        (
            {"instances": [["a", "b"], ["c"]]},
            "Failed to process element: 1 of 'instances' list. Error: INVALID_ARGUMENT: Expecting tensor "
            "size: 2 but got: 1",
        ),
    ],
)
def test_a_wrong_request_is_answered_with_tensorflow_servings_text(client, body, text):
    assert error(client, "predict", body) == text


def test_a_wrong_signature_name_is_said_for_every_method(client):
    for method in ("predict", "classify", "regress"):
        text = error(client, method, {"signature_name": 5})
        assert text.endswith("not formatted correctly. 'signature_name' key must be a string value.")


@pytest.mark.parametrize("inputs", ["good", [["good"]], [[["good"]]]])
def test_another_rank_than_the_signatures_is_refused(client, inputs):
    assert "shape" in error(client, "predict", {"inputs": inputs})


def test_what_the_model_cannot_read_is_the_clients_error(client):
    text = error(client, "predict", {"signature_name": "tf_example", "instances": ["no example"]})
    assert "Could not parse example" in text
    assert "Traceback" not in text and "\n" not in text


def test_bytes_that_are_no_example_are_refused_in_tensorflows_words(client):
    garbage = {"b64": "Z2FyYmFnZf8="}
    text = error(client, "predict", {"signature_name": "tf_example", "instances": [garbage]})
    assert "Could not parse example input, value: 'garbage\ufffd'" in text
    assert "codec" not in text


def test_classify_gives_label_and_score_of_each_class(client):
    body = {"signature_name": "classify", "examples": [{"text": "good"}, {"text": ["bad"]}]}
    assert answer(client, "classify", body) == {
        "results": [[["negative", BAD], ["positive", GOOD]], [["negative", GOOD], ["positive", BAD]]]
    }


def test_regress_gives_a_number_for_each_example(client):
    body = {"signature_name": "regress", "context": {"text": "good good"}, "examples": [{}, {"text": "bad"}]}
    assert answer(client, "regress", body) == {"results": [VERY_GOOD, BAD]}


@pytest.mark.parametrize("method", ["classify", "regress"])
@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"", "JSON Parse error: The document is empty"),
        ({"examples": [{}], "signature_name": "x"}, "No signature was found with the name: x"),
        ({"examples": ["a"]}, "Example must be JSON object but got JSON String"),
        ({}, "JSON Value: {} When method is classify, key 'examples' is expected and was not found"),
    ],
)
def test_wrong_examples(client, method, body, text):
    assert error(client, method, body) == text


def test_a_signature_of_another_kind_says_what_it_lacks(client):
    body = {"examples": [{"text": "good"}]}
    assert error(client, "classify", body).startswith(
        "No classification inputs found in SignatureDef: inputs {"
    )
    assert error(client, "regress", body) == "Expected one output Tensor."
    assert error(client, "classify", body | {"signature_name": "kinds"}) == "Expected one input Tensor."
    text = error(client, "classify", body | {"signature_name": "regress"})
    assert text.startswith(
        'Expected classification signature outputs to contain at least one of "classes" or'
    )


def test_an_example_without_the_feature_is_refused_by_the_model(client):
    text = error(client, "classify", {"signature_name": "classify", "examples": [{"other": 1}]})
    assert "Feature: text" in text
