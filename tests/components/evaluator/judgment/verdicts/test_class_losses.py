"""A loss on the reviews of one class is said, whatever the other class gained."""

import numpy as np
import pytest

from components.evaluator.judgment.judge import judge
from components.evaluator.judgment.samples import Exposure
from components.evaluator.predictions import Predictions
from components.evaluator.settings import GateSettings
from components.evaluator.verdict import Baseline

GATE = GateSettings(min_accuracy=0.5, min_examples=1, min_unseen=1, min_change_length="off")


def reviews(*, gained: int, lost: int, negatives: int = 80) -> Predictions:
    """920 positive reviews, of which the candidate alone has `gained` right, and negative ones, of which the
    model in production alone has `lost` right.
    """
    label = np.repeat([1, 0], [920, negatives])
    place = np.concatenate([np.arange(920), np.arange(negatives)])
    ours = np.where(label == 1, True, place >= lost)
    theirs = np.where(label == 1, place >= gained, True)

    def scores(right: np.ndarray) -> np.ndarray:
        return np.where(right == (label == 1), 0.9, 0.1).astype(np.float32)

    return Predictions(
        text=np.full(len(label), "a film", object),
        label=label.astype(np.int8),
        length=np.full(len(label), "under 125 words", object),
        probability=scores(ours),
        baseline_probability=scores(theirs),
    )


def notes(found: Predictions, **more) -> list[str]:
    verdict = judge(GATE, found, split="test", baseline=Baseline(model_uri="models/7"), **more)
    return [note for note in verdict.notes if note.startswith("the model is worse on")]


def test_a_loss_on_the_small_class_does_not_hide_behind_the_gain_on_the_large_one():
    assert notes(reviews(gained=30, lost=16)) == [
        "the model is worse on negative examples: change of accuracy -0.2000 on 80 negative examples of "
        "test, McNemar p = 3.1e-05; a condition on the change of balanced_accuracy or recall can refuse that"
    ]


@pytest.mark.parametrize(("lost", "said"), [(6, 0), (7, 1)])
def test_what_chance_explains_is_not_said(lost, said):
    """McNemar's p is 0.031 for six losses and 0.016 for seven; two classes share 0.05."""
    assert len(notes(reviews(gained=30, lost=lost))) == said


@pytest.mark.parametrize(("negatives", "said"), [(29, 0), (30, 1)])
def test_too_few_reviews_of_a_class_say_nothing(negatives, said):
    assert len(notes(reviews(gained=30, lost=12, negatives=negatives))) == said


def test_only_reviews_that_neither_model_has_seen_count():
    found = reviews(gained=30, lost=16)
    exposure = Exposure(production={"train": found.label == 0})
    assert notes(found, exposure=exposure) == []


def test_without_a_model_to_compare_with_nothing_is_said():
    found = Predictions(**{**vars(reviews(gained=0, lost=20)), "baseline_probability": None})
    verdict = judge(GATE, found, split="test", baseline=None)
    assert not [note for note in verdict.notes if "worse" in note]
