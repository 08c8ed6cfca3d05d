"""How far TFMA's metrics may lie from those of the predictions, on a slice of ten reviews."""

import numpy as np
import pytest

from components.errors import GreenlightError
from components.evaluator.gate import TFMA_NAMES
from components.evaluator.judgment import metrics
from components.evaluator.predictions import Predictions
from components.evaluator.tfma_results import check_agreement

LENGTH = "under 125 words"
LABEL = np.array([1] * 5 + [0] * 5, np.int8)
SURE = np.array([0.9, 0.8, 0.7, 0.2, 0.6, 0.1, 0.2, 0.3, 0.9, 0.4], np.float32)


def with_score(index: int, score: float) -> np.ndarray:
    probability = SURE.copy()
    probability[index] = score
    return probability


def agree(ours: np.ndarray, theirs: np.ndarray) -> None:
    """Raises where the metrics of two arrays of probabilities differ by too much."""
    predictions = Predictions(
        text=np.full(10, "a film", object),
        label=LABEL,
        length=np.full(10, LENGTH, object),
        probability=ours,
        baseline_probability=None,
    )
    found = {name: metrics.METRICS[name](LABEL, theirs) for name in TFMA_NAMES}
    check_agreement({"overall": found, f"length:{LENGTH}": found}, predictions)


@pytest.mark.parametrize("index", [4, 9], ids=["a positive review", "a negative review"])
@pytest.mark.parametrize(("ours", "theirs"), [(0.5, 0.4999999), (0.4999999, 0.5)])
def test_a_review_at_the_cut_may_be_labelled_otherwise(index, ours, theirs):
    agree(with_score(index, ours), with_score(index, theirs))


def test_precision_may_be_undefined_where_every_positive_is_at_the_cut():
    at_the_cut, below = (np.where(SURE >= 0.5, score, SURE).astype(np.float32) for score in (0.5, 0.4999999))

    assert np.isnan(metrics.precision(LABEL, below))
    agree(at_the_cut, below)


def test_a_review_away_from_the_cut_may_not():
    with pytest.raises(GreenlightError, match=r"TFMA measured accuracy = 0\.\d+ on overall, the model's"):
        agree(with_score(4, 0.50001), with_score(4, 0.49999))


def test_one_review_at_the_cut_excuses_no_other():
    theirs = with_score(4, 0.4999999)
    theirs[0] = 0.1

    with pytest.raises(GreenlightError, match=r"TFMA measured accuracy = 0\.\d+ on overall"):
        agree(with_score(4, 0.5), theirs)
