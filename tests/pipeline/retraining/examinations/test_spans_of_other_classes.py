"""A span beside models that tell other classes apart than its labels."""

import numpy as np
import pytest

from components.drift import features
from pipeline.retraining.measuring import ComparedVersion, Labeled, agreement, in_our_classes

NEWS = ("ham", "news", "spam")


@pytest.fixture
def models(monkeypatch):
    """Models by path: the predicted classes, each with a probability of 0.95."""
    answers = {}

    class FeatureModel:
        def __init__(self, path, *, threshold):
            self._classes = np.array(answers[path], np.int16)

        def predicted(self, texts):
            return features.Predicted(np.full(len(texts), 0.95, np.float32), self._classes)

    monkeypatch.setattr(features, "FeatureModel", FeatureModel)
    return answers


def span(*labels: int) -> Labeled:
    return Labeled([f"text {number}" for number in range(len(labels))], labels)


@pytest.mark.parametrize("theirs", [None, NEWS])
def test_the_same_classes_keep_their_numbers(theirs):
    predicted = np.array([2, 0, 1])
    assert in_our_classes(predicted, theirs=theirs, ours=NEWS) is predicted


def test_other_classes_are_found_by_their_names():
    assert list(in_our_classes(np.array([0, 1, 2]), theirs=("spam", "junk", "ham"), ours=NEWS)) == [2, -1, 0]


def test_a_class_that_the_live_model_does_not_know_says_nothing_of_the_labels(models):
    models["live"] = [0, 1, 1, 0]  # ham, spam, spam, ham
    told = agreement(span(0, 2, 1, 1), ComparedVersion("live", ("ham", "spam")), None, classes=NEWS)

    assert told == {"accuracy": 1.0, "sure": 2, "sure_wrong": 0}


def test_a_prediction_of_a_class_that_the_data_does_not_have_does_not_count(models):
    models["live"] = [1, 0, 2]  # junk, spam, ham
    told = agreement(
        span(0, 0, 0), ComparedVersion("live", ("spam", "junk", "ham")), None, classes=("ham", "spam")
    )

    assert told == {"accuracy": 0.5, "sure": 2, "sure_wrong": 1}


def test_without_a_shared_class_nothing_is_told(models):
    models["live"] = [0, 1]
    assert (
        agreement(span(0, 1), ComparedVersion("live", ("good", "bad")), None, classes=("ham", "spam")) == {}
    )


def test_two_versions_are_compared_on_what_both_know(models):
    models["live"], models["previous"] = [0, 1, 2, 2], [0, 0, 0, 1]
    told = agreement(
        span(0, 1, 2, 0),
        ComparedVersion("live", NEWS),
        ComparedVersion("previous", ("ham", "spam")),
        classes=NEWS,
    )

    assert told["accuracy"] == 0.75
    assert told["previous_accuracy"] == pytest.approx(1 / 3)
    assert (told["live_only"], told["previous_only"]) == (1, 0)
