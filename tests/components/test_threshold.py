"""The choice of a threshold for an aim, and its record beside a model."""

import numpy as np
import pytest
from pydantic import ValidationError

from components import threshold
from components.errors import InputError
from components.example_gen.settings import DataSettings
from components.threshold import ThresholdAim, choose


def figures(labels, probabilities, cut):
    positive = probabilities >= cut
    hits = np.count_nonzero(positive & (labels == 1))
    return hits / max(np.count_nonzero(positive), 1), hits / np.count_nonzero(labels == 1)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("floor", [0.6, 0.8, 0.9])
def test_no_other_threshold_has_more_of_what_the_aim_wants(seed, floor):
    random = np.random.default_rng(seed)
    labels = random.integers(0, 2, 300)
    noise = random.normal(size=300)
    probabilities = np.round(1 / (1 + np.exp(-(3 * labels - 1.5 + noise))), 2).astype(np.float32)  # with ties
    every = [figures(labels, probabilities, cut) for cut in np.unique(probabilities)]

    precision, recall = figures(
        labels, probabilities, choose(ThresholdAim(recall_at_precision=floor), labels, probabilities)
    )
    assert precision >= floor
    assert recall == max(theirs for kept, theirs in every if kept >= floor)
    precision, recall = figures(
        labels, probabilities, choose(ThresholdAim(precision_at_recall=floor), labels, probabilities)
    )
    assert recall >= floor
    assert precision == max(theirs for theirs, kept in every if kept >= floor)


def test_the_threshold_lies_between_two_probabilities():
    labels, probabilities = np.array([0, 1, 1]), np.array([0.25, 0.75, 0.875], np.float32)
    assert choose(ThresholdAim(recall_at_precision=1), labels, probabilities) == 0.5
    assert choose(ThresholdAim(precision_at_recall=0.5), labels, probabilities) in (0.5, 0.8125)


@pytest.mark.parametrize("labels", [[1, 0, 0], [0, 0, 0]])
def test_an_aim_that_no_threshold_reaches_is_an_input_error_with_the_best(labels):
    with pytest.raises(
        InputError, match=r"data\.threshold: no threshold reaches the precision 0\.9 of .* on the 3"
    ):
        choose(ThresholdAim(recall_at_precision=0.9), np.array(labels), np.array([0.1, 0.5, 0.9]))


def test_only_another_threshold_than_the_usual_one_is_recorded(tmp_path):
    threshold.write(str(tmp_path), 0.5)
    assert list(tmp_path.iterdir()) == [] and threshold.read(str(tmp_path)) == 0.5
    threshold.write(str(tmp_path), 0.625)
    assert threshold.read(str(tmp_path)) == 0.625


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (0.7, 0.7),
        ({"recall_at_precision": 0.9}, ThresholdAim(recall_at_precision=0.9)),
        ({"precision_at_recall": 1}, ThresholdAim(precision_at_recall=1.0)),
    ],
)
def test_it_is_a_number_or_an_aim(value, found):
    assert DataSettings(threshold=value).threshold == found
    assert DataSettings().threshold == 0.5


@pytest.mark.parametrize(
    ("value", "classes"),
    [
        (0, None),
        (1, None),
        ({}, None),
        ({"recall_at_precision": 0.9, "precision_at_recall": 0.9}, None),
        ({"recall_at_precision": 0}, None),
        ({"f1": 1}, None),
        (0.7, ("a", "b", "c")),
    ],
)
def test_what_is_neither_is_refused_and_more_than_two_classes_have_none(value, classes):
    with pytest.raises(ValidationError):
        DataSettings(threshold=value, classes=classes)
