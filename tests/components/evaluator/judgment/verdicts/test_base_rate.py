"""A constant answer is never promoted, however many reviews are of one class; a model with a signal is."""

import numpy as np
import pytest

from components.evaluator.judgment.judge import judge
from components.evaluator.predictions import Predictions
from components.evaluator.settings import GateSettings


def verdict_on(label: np.ndarray, probability: np.ndarray, **settings):
    size = len(label)
    found = Predictions(
        text=np.full(size, "a film", object),
        label=label.astype(np.int8),
        length=np.full(size, "under 125 words", object),
        probability=probability.astype(np.float32),
    )
    return judge(GateSettings(**settings), found, split="test", baseline=None)


def labels(size: int, share: float) -> np.ndarray:
    return (np.arange(size) < share * size).astype(int)


def balanced(verdict):
    (found,) = [each for each in verdict.conditions if each.metric == "balanced_accuracy"]
    return found


def test_92_percent_positive_without_a_signal_is_refused_with_the_majority_share():
    verdict = verdict_on(labels(125, 0.92), np.full(125, 0.94))

    assert verdict.metrics["accuracy"] == pytest.approx(0.92)
    (reason,) = verdict.reasons
    assert reason.startswith("lower bound of balanced accuracy 0.4")
    assert reason.endswith(
        "on test (125 examples); 92.0 % of the examples are positive, so the constant answer positive has "
        "accuracy 0.9200 and balanced accuracy 0.5"
    )
    assert (verdict.test_set.majority_class, verdict.test_set.majority_share) == ("positive", 0.92)


@pytest.mark.parametrize("share", [0.92, 0.08])
def test_92_percent_of_one_class_with_a_real_signal_are_promoted(share):
    label = labels(500, share)
    random = np.random.default_rng(3)
    # Half of the rare class is found, one in fifty of the other is wrong.
    rare = label == int(share < 0.5)
    right = np.where(rare, random.random(500) < 0.5, random.random(500) < 0.98)
    verdict = verdict_on(label, np.where(right == (label == 1), 0.9, 0.1))

    assert verdict.promoted, verdict.reasons
    assert balanced(verdict).lower > 0.6


def test_chance_alone_hardly_ever_passes():
    """200 models that answer at random on small, unbalanced splits: a level of 2.5 % on one side."""
    random = np.random.default_rng(11)
    passed = 0
    for _ in range(200):
        label = labels(100, 0.9)
        verdict = verdict_on(label, (random.random(100) < 0.95).astype(float), min_accuracy="off")
        passed += balanced(verdict).passed
    assert passed <= 8


def test_a_split_of_one_class_shows_nothing_and_refuses():
    verdict = verdict_on(labels(100, 1.0), np.full(100, 0.9))

    assert verdict.reasons == (
        "balanced accuracy is undefined on test (100 examples): all of them are positive",
    )


def test_it_can_be_switched_off():
    verdict = verdict_on(labels(125, 0.92), np.full(125, 0.94), min_balanced_accuracy="off")

    assert verdict.promoted
