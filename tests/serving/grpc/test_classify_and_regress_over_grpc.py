import pytest
import tensorflow as tf
from tensorflow_serving.apis import classification_pb2, inference_pb2, regression_pb2

POSITIVE, NEGATIVE = 1 / (1 + 2.718281828**-1.0), 1 / (1 + 2.718281828**1.0)


def with_examples(request, *texts: bytes, signature: str):
    request.model_spec.name = "imdb_sentiment"
    request.model_spec.signature_name = signature
    for text in texts:
        example = request.input.example_list.examples.add()
        example.features.feature["text"].bytes_list.value.append(text)
    return request


def test_examples_are_classified(prediction):
    request = with_examples(classification_pb2.ClassificationRequest(), b"bad", b"bad", signature="classify")
    response = prediction.Classify(request, timeout=20)
    rows = [[(one.label, one.score) for one in row.classes] for row in response.result.classifications]
    negative = [("negative", pytest.approx(POSITIVE)), ("positive", pytest.approx(NEGATIVE))]
    assert rows == [negative, negative]
    assert response.model_spec.signature_name == "classify"
    assert response.model_spec.version.value == 1


def test_examples_are_regressed(prediction):
    request = with_examples(regression_pb2.RegressionRequest(), b"bad", signature="regress")
    response = prediction.Regress(request, timeout=20)
    assert [row.value for row in response.result.regressions] == [pytest.approx(NEGATIVE)]


def test_what_the_context_says_holds_for_all_examples(prediction):
    request = with_examples(regression_pb2.RegressionRequest(), signature="regress")
    given = request.input.example_list_with_context
    given.context.features.feature["text"].bytes_list.value.append(b"bad")
    given.examples.add()
    given.examples.add()
    response = prediction.Regress(request, timeout=20)
    assert [row.value for row in response.result.regressions] == [pytest.approx(NEGATIVE)] * 2


@pytest.mark.parametrize(
    ("count", "letters", "text"),
    [
        (1025, 1, "The request has 1025 rows; the most is 1024"),
        (100, 50_000, "The context, in each of 100 examples, has 500"),
    ],
)
def test_a_context_that_makes_a_small_request_a_large_one_is_refused(
    prediction, status_of, count, letters, text
):
    request = with_examples(classification_pb2.ClassificationRequest(), signature="classify")
    given = request.input.example_list_with_context
    given.context.features.feature["text"].bytes_list.value.append(b"x" * letters)
    for _ in range(count):
        given.examples.add()
    code, found = status_of(prediction.Classify, request)
    assert code == "INVALID_ARGUMENT"
    assert found.startswith(text)


@pytest.mark.parametrize(
    ("signature", "texts", "text"),
    [
        ("none", [b"a"], "No signature was found with the name: none"),
        ("serving_default", [b"a"], "No classification inputs found in SignatureDef: "),
        ("classify", [], "Input is empty."),
    ],
)
def test_what_cannot_be_classified_has_tensorflow_servings_text(
    prediction, status_of, signature, texts, text
):
    request = with_examples(classification_pb2.ClassificationRequest(), *texts, signature=signature)
    code, found = status_of(prediction.Classify, request)
    assert code == "INVALID_ARGUMENT"
    assert found.startswith(text)


def test_an_example_without_the_text_is_the_clients_mistake(prediction, status_of):
    request = with_examples(regression_pb2.RegressionRequest(), signature="regress")
    request.input.example_list.examples.add(features=tf.train.Features())
    code, text = status_of(prediction.Regress, request)
    assert code == "INVALID_ARGUMENT"
    assert "text" in text


def test_multi_inference_is_refused_in_words(prediction, status_of):
    found = status_of(prediction.MultiInference, inference_pb2.MultiInferenceRequest())
    assert found == (
        "UNIMPLEMENTED",
        "MultiInference is not served here; call Classify and Regress one by one",
    )
