"""Limits of the canary checks: when two probabilities differ, and when a label does not go with its own."""

import math

import pytest

from components.infra_validator.checks import CanaryAnswer, CanaryResults, _differs, checks
from components.infra_validator.process import Ended
from components.infra_validator.settings import InfraSettings


@pytest.mark.parametrize(
    ("one", "other", "differs"),
    [
        (math.nan, 0.5, True),
        (0.5, math.nan, True),
        (math.nan, math.nan, False),
        (0.5, 0.75, False),  # exactly the tolerance
        (0.5, 0.7501, True),
        (0.7501, 0.5, True),
    ],
)
def test_a_difference_is_beyond_the_tolerance_or_between_a_number_and_none(one, other, differs):
    assert _differs(one, other, 0.25) is differs


@pytest.mark.parametrize(
    ("probability", "label", "wrong"),
    [
        (0.5, "positive", False),
        # Float32 and a signature's own rounding may put a label just on the other side of one half.
        (0.5, "negative", False),
        (0.5 + 0.9e-6, "negative", False),
        (0.5 - 0.9e-6, "positive", False),
        (0.5 + 1.1e-6, "negative", True),
        (0.5 - 1.1e-6, "positive", True),
        (0.5 - 1.1e-6, "negative", False),
        (0.9, "Positive", True),
    ],
)
def test_a_label_may_miss_the_cut_by_a_millionth(probability, label, wrong):
    answer = CanaryAnswer(
        signature="tf_example", canaries=("text 1",), probability=[probability], label=[label]
    )
    found = CanaryResults(
        ended=Ended(why=None, records=(), log=""),
        signatures=None,
        asked=(answer,),
        answers=(answer, answer),
        steps={},
        unfinished=None,
    )
    (labels,) = [each for each in checks(found, InfraSettings()) if each.name == "labels"]
    said = f"text 1 through tf_example is labeled {label!r} at probability {probability:.4f}"
    assert labels.problems == ((said,) if wrong else ())  # once, however many calls say it


@pytest.mark.parametrize(
    ("probability", "label", "wrong"),
    [(0.6, "negative", False), (0.6, "positive", True), (0.71, "positive", False), (0.71, "negative", True)],
)
def test_the_label_goes_with_the_threshold_of_the_model(probability, label, wrong):
    answer = CanaryAnswer(
        signature="tf_example", canaries=("text 1",), probability=[probability], label=[label]
    )
    found = CanaryResults(
        ended=Ended(why=None, records=(), log=""),
        signatures=None,
        asked=(answer,),
        answers=(answer,),
        steps={},
        unfinished=None,
    )
    (labels,) = [each for each in checks(found, InfraSettings(), threshold=0.7) if each.name == "labels"]
    assert bool(labels.problems) == wrong
