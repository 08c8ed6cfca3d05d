"""A model of three classes over every protocol, and to both transports of the client."""

import pytest
from multiclass_model import NAMES

from serving.client import ClientError, connect
from serving.status import Code

TEXTS = ["ham ham", "spam, an offer, spam", "nothing", ""]
LABELS = ["ham", "spam", "ham", "ham"]


@pytest.fixture(scope="module")
def served(serving_model, multiclass_model):
    with serving_model(multiclass_model, grpc=True) as running:
        yield running


def expect_probabilities(rows):
    assert [len(row) for row in rows] == [3] * len(TEXTS)
    assert [sum(row) for row in rows] == pytest.approx([1.0] * len(TEXTS), abs=1e-6)
    assert [NAMES[max(range(3), key=row.__getitem__)] for row in rows] == LABELS


def test_rest_predict_gives_a_label_and_a_list_of_probabilities_a_text(served):
    answer = served.client.post("/v1/models/imdb_sentiment:predict", json={"instances": TEXTS})
    rows = answer.json()["predictions"]
    assert [row["label"] for row in rows] == LABELS
    expect_probabilities([row["probabilities"] for row in rows])


def test_rest_predict_gives_columns_where_they_are_asked_for(served):
    answer = served.client.post("/v1/models/imdb_sentiment:predict", json={"inputs": {"text": TEXTS}})
    outputs = answer.json()["outputs"]
    assert outputs["label"] == LABELS
    expect_probabilities(outputs["probabilities"])


def test_rest_classify_gives_each_class_with_its_score(served):
    request = {"signature_name": "classify", "examples": [{"text": text} for text in TEXTS]}
    results = served.client.post("/v1/models/imdb_sentiment:classify", json=request).json()["results"]
    assert [[name for name, _ in row] for row in results] == [list(NAMES)] * len(TEXTS)
    expect_probabilities([[score for _, score in row] for row in results])


def test_the_open_inference_protocol_gives_a_matrix(served):
    tensor = {"name": "text", "shape": [len(TEXTS)], "datatype": "BYTES", "data": TEXTS}
    answer = served.client.post("/v2/models/imdb_sentiment/infer", json={"inputs": [tensor]}).json()
    outputs = {output["name"]: output for output in answer["outputs"]}
    assert outputs["label"]["data"] == LABELS
    assert outputs["probabilities"]["shape"] == [len(TEXTS), 3]
    data = outputs["probabilities"]["data"]
    expect_probabilities([data[place : place + 3] for place in range(0, len(data), 3)])


@pytest.mark.parametrize("protocol", ["http", "grpc"])
def test_the_client_gives_the_probability_of_the_label_and_of_each_class(served, protocol):
    address = served.rest if protocol == "http" else served.grpc
    with connect(f"{protocol}://{address}") as client:
        found = client.predict(TEXTS)
        assert client.predict([]) == []
        shape = client.metadata().signatures["serving_default"].outputs["probabilities"].shape
    assert [one.label for one in found] == LABELS
    assert all(tuple(one.probabilities) == NAMES for one in found)
    assert all(one.probability == one.probabilities[one.label] for one in found)
    expect_probabilities([list(one.probabilities.values()) for one in found])
    assert shape == (-1, 3)


@pytest.mark.parametrize("protocol", ["http", "grpc"])
def test_two_classes_have_their_names_too(serving_small, protocol):
    with serving_small(grpc=True) as running:
        address = running.rest if protocol == "http" else running.grpc
        with connect(f"{protocol}://{address}") as client:
            (found,) = client.predict(["good"])
    assert found.probability == found.probabilities["positive"]
    assert found.probabilities == pytest.approx({"negative": 0.2689, "positive": 0.7311}, abs=1e-4)


@pytest.mark.parametrize("protocol", ["http", "grpc"])
def test_a_model_of_two_classes_that_does_not_tell_their_names_has_the_probability_of_one(
    serving_model, tiny_model, protocol
):
    with serving_model(tiny_model(0.75), grpc=True) as running:
        address = running.rest if protocol == "http" else running.grpc
        with connect(f"{protocol}://{address}") as client:
            (found,) = client.predict(["good"])
    assert (found.label, found.probability, found.probabilities) == ("positive", 0.75, {})


@pytest.fixture(scope="module")
def nameless(serving_model, tmp_path_factory):
    from multiclass_model import save_multiclass_model

    folder = tmp_path_factory.mktemp("nameless")
    save_multiclass_model(folder, classify=None)
    with serving_model(folder, grpc=True) as running:
        yield running


@pytest.mark.parametrize("protocol", ["http", "grpc"])
def test_several_probabilities_without_names_are_not_a_model_for_the_client(nameless, protocol):
    address = nameless.rest if protocol == "http" else nameless.grpc
    with connect(f"{protocol}://{address}", retries=0) as client, pytest.raises(ClientError) as caught:
        client.predict(["ham"])
    assert caught.value.code is Code.INTERNAL
    assert "is this the right model?" in caught.value.message


def test_the_request_log_keeps_answers_of_more_than_two_classes(serving_model, multiclass_model):
    from serving.request_log import read

    with serving_model(multiclass_model, request_log_share=1.0) as running:
        running.client.post("/v1/models/imdb_sentiment:predict", json={"instances": TEXTS})
    found = list(read(running.workspace / "requests"))
    assert [one.label.decode() for one in found] == LABELS
    assert [len(one.probabilities) for one in found] == [3] * len(TEXTS)
