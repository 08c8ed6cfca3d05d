import threading

import grpc
import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2

TEXTS = ["a good film", "a film", "a film, good, good", ""]


def request_for(texts=TEXTS, **spec) -> predict_pb2.PredictRequest:
    request = predict_pb2.PredictRequest()
    request.model_spec.name = spec.pop("name", "imdb_sentiment")
    if "version" in spec:
        request.model_spec.version.value = spec.pop("version")
    for key, value in spec.items():
        setattr(request.model_spec, key, value)
    if texts is not None:
        request.inputs["text"].CopyFrom(tf.make_tensor_proto(texts, tf.string, [len(texts)]))
    return request


@pytest.fixture(scope="module")
def in_process(small_model):
    return tf.saved_model.load(str(small_model())).signatures["serving_default"]


def test_answers_are_those_of_the_model_in_process(prediction, in_process):
    response = prediction.Predict(request_for(), timeout=20)
    expected = in_process(text=tf.constant(TEXTS))
    assert set(response.outputs) == {"probability", "label"}
    for name in expected:
        np.testing.assert_array_equal(tf.make_ndarray(response.outputs[name]), expected[name].numpy())


def test_values_stand_in_the_field_of_their_type(prediction):
    outputs = prediction.Predict(request_for(), timeout=20).outputs
    assert len(outputs["probability"].float_val) == 4
    assert list(outputs["label"].string_val) == [b"positive", b"negative", b"positive", b"negative"]
    assert [dim.size for dim in outputs["label"].tensor_shape.dim] == [4]


def test_an_answer_says_which_version_and_signature_gave_it(prediction):
    spec = prediction.Predict(request_for(), timeout=20).model_spec
    assert (spec.name, spec.version.value, spec.signature_name) == ("imdb_sentiment", 1, "serving_default")


@pytest.mark.parametrize("spec", [{"version": 1}, {"version_label": "stable"}, {"version": 0}])
def test_a_version_can_be_asked_for_by_number_or_label(prediction, spec):
    assert prediction.Predict(request_for(**spec), timeout=20).model_spec.version.value == 1


def test_no_rows_are_an_answer_of_no_rows(prediction):
    outputs = prediction.Predict(request_for([]), timeout=20).outputs
    assert tf.make_ndarray(outputs["probability"]).shape == (0,)


def test_only_the_outputs_that_are_asked_for_come(prediction):
    request = request_for()
    request.output_filter.append("label")
    assert list(prediction.Predict(request, timeout=20).outputs) == ["label"]


def test_serialized_examples_go_through_their_signature(prediction):
    example = tf.train.Example()
    example.features.feature["text"].bytes_list.value.append(b"good")
    request = request_for(None, signature_name="tf_example")
    request.inputs["examples"].CopyFrom(tf.make_tensor_proto([example.SerializeToString()]))
    response = prediction.Predict(request, timeout=20)
    assert list(response.outputs["label"].string_val) == [b"positive"]
    assert response.model_spec.signature_name == "tf_example"


def test_a_tensor_repeats_its_last_value_as_tensorflows_do(prediction):
    request = request_for(["a", "good"])
    request.inputs["text"].tensor_shape.dim[0].size = 4
    labels = prediction.Predict(request, timeout=20).outputs["label"].string_val
    assert list(labels) == [b"negative", b"positive", b"positive", b"positive"]


def with_input(**tensors) -> predict_pb2.PredictRequest:
    request = request_for(None)
    for name, tensor in tensors.items():
        request.inputs[name].CopyFrom(tensor)
    return request


def filtered(*names: str) -> predict_pb2.PredictRequest:
    request = request_for()
    request.output_filter.extend(names)
    return request


def shaped(*sizes: int, text: str = "a") -> predict_pb2.PredictRequest:
    request = request_for([text])
    del request.inputs["text"].tensor_shape.dim[:]
    for size in sizes:
        request.inputs["text"].tensor_shape.dim.add(size=size)
    return request


ONE = tf.make_tensor_proto(["a"])


@pytest.mark.parametrize(
    ("request_", "code", "text"),
    [
        (predict_pb2.PredictRequest(), "INVALID_ARGUMENT", "Missing ModelSpec"),
        (request_for(name=""), "INVALID_ARGUMENT", "ModelSpec has no name specified."),
        (request_for(name="other"), "NOT_FOUND", "Servable not found for request: Latest(other)"),
        (
            request_for(version=7),
            "NOT_FOUND",
            "Servable not found for request: Specific(imdb_sentiment, 7)",
        ),
        (
            request_for(version_label="canary"),
            "INVALID_ARGUMENT",
            "Unrecognized servable version label: canary",
        ),
        (
            request_for(name="other", version_label="stable"),
            "INVALID_ARGUMENT",
            "Unrecognized servable version label: stable",
        ),
        (
            request_for(signature_name="none"),
            "FAILED_PRECONDITION",
            'Serving signature key "none" not found.',
        ),
        (
            request_for(None),
            "INVALID_ARGUMENT",
            "input size does not match signature: 0!=1 len({}) != len({text}). Sent extra: {}. "
            "Missing but required: {text}.",
        ),
        (
            with_input(review=ONE),
            "INVALID_ARGUMENT",
            "input tensor alias not found in signature: review. Inputs expected to be in the set {text}.",
        ),
        (
            with_input(text=tf.make_tensor_proto([1.0])),
            "INVALID_ARGUMENT",
            "Expects arg[0] to be string but float is provided",
        ),
        (shaped(2**40), "INVALID_ARGUMENT", "The request has 1099511627776 rows; the most is 1024"),
        (shaped(1, 2**40), "INVALID_ARGUMENT", "Input text has the shape [1, 1099511627776], more than"),
        (shaped(0, 2**62, 2**62), "INVALID_ARGUMENT", "tensor parsing error: text"),
        (shaped(*[1] * 100), "INVALID_ARGUMENT", "tensor parsing error: text"),
        (
            shaped(1024, text="x" * 5000),
            "INVALID_ARGUMENT",
            "Input text repeats its last text to more than 4194304 bytes",
        ),
        (shaped(-5), "INVALID_ARGUMENT", "tensor parsing error: text"),
        (shaped(1, 1), "INVALID_ARGUMENT", "Input text has the shape [1, 1]"),
        (
            filtered("nothing"),
            "INVALID_ARGUMENT",
            "output tensor alias not found in signature: nothing "
            "Outputs expected to be in the set {label,probability}.",
        ),
        (filtered("label", "label"), "INVALID_ARGUMENT", "duplicate output tensor alias: label"),
        (request_for(["a"] * 1025), "INVALID_ARGUMENT", "The request has 1025 rows; the most is 1024"),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else "",
)
def test_what_cannot_be_answered_has_tensorflow_servings_code_and_text(
    prediction, status_of, request_, code, text
):
    found = status_of(prediction.Predict, request_)
    assert found[0] == code
    assert found[1].startswith(text)


def test_a_message_above_the_limit_is_refused(served, prediction, status_of):
    code, text = status_of(prediction.Predict, request_for(["x" * (17 * 2**20)]))
    assert code == "RESOURCE_EXHAUSTED"
    assert "larger than max" in text


def test_every_answer_carries_a_request_id_and_the_clients_own_is_kept(prediction):
    _, call = prediction.Predict.with_call(request_for(), metadata=[("x-request-id", "abc-1")], timeout=20)
    assert dict(call.trailing_metadata())["x-request-id"] == "abc-1"
    with pytest.raises(grpc.RpcError) as caught:
        prediction.Predict(request_for(name="other"), timeout=20)
    assert dict(caught.value.trailing_metadata())["x-request-id"]


def test_calls_at_the_same_time_each_get_their_own_answer(prediction):
    answers = {}

    def ask(number: int) -> None:
        texts = ["good"] * (number % 3) + ["bad"]
        labels = prediction.Predict(request_for(texts), timeout=30).outputs["label"].string_val
        answers[number] = list(labels)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == {number: [b"positive"] * (number % 3) + [b"negative"] for number in range(30)}
