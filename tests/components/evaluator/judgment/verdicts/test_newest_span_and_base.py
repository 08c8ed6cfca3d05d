"""A model is judged on the newest span and on the base set, too, where reviews come in spans."""

import numpy as np
import pytest

from components.evaluator.judgment.conditions import conditions
from components.evaluator.judgment.judge import judge
from components.evaluator.predictions import Predictions
from components.evaluator.settings import SLICES, GateSettings
from components.evaluator.verdict import Baseline, Verdict

NEWEST = 12
GATE = GateSettings(
    min_accuracy="off",
    min_balanced_accuracy="off",
    min_change=-0.5,
    min_change_length="off",
    min_examples=1,
)


def part(span: int, size: int, *, right: int, baseline_right: int | None) -> Predictions:
    """Reviews of a span, of which the candidate has the first `right` right, and the baseline its own."""
    label = np.arange(size) % 2

    def scores(correct: int) -> np.ndarray:
        return np.where((np.arange(size) < correct) == (label == 1), 0.9, 0.1).astype(np.float32)

    return Predictions(
        text=np.full(size, "a film", object),
        label=label.astype(np.int8),
        length=np.full(size, "under 125 words", object),
        probability=scores(right),
        baseline_probability=None if baseline_right is None else scores(baseline_right),
        span=np.full(size, span),
    )


def together(*parts: Predictions) -> Predictions:
    columns = {
        name: np.concatenate([getattr(one, name) for one in parts])
        for name in vars(parts[0])
        if getattr(parts[0], name) is not None
    }
    return Predictions(**columns)


def verdict_on(found: Predictions, gate: GateSettings = GATE, *, newest: int = NEWEST) -> Verdict:
    baseline = None if found.baseline_probability is None else Baseline(model_uri="models/7")
    return judge(gate, found, split="test", baseline=baseline, newest_span=newest)


def condition(verdict: Verdict, where: str, kind: str = "change"):
    (found,) = [each for each in verdict.conditions if (each.slice, each.kind) == (where, kind)]
    return found


def test_a_model_that_learned_the_new_and_forgot_the_old_is_refused_with_that_reason():
    verdict = verdict_on(
        together(
            part(0, 5000, right=4300, baseline_right=4500), part(NEWEST, 200, right=190, baseline_right=120)
        )
    )
    assert verdict.verdict == "refused"
    (reason,) = verdict.reasons
    assert reason.startswith(
        "the model forgot the old examples: change of accuracy -0.0400 on the base set of test (5,000 "
        "examples), and even the upper end of its 95 % interval, -0.03"
    )
    assert "is below the floor -0.0100 by 0.02" in reason


def test_a_model_that_gained_on_both_is_promoted():
    verdict = verdict_on(
        together(
            part(0, 5000, right=4550, baseline_right=4500), part(NEWEST, 200, right=190, baseline_right=120)
        )
    )
    assert verdict.verdict == "promoted"
    assert condition(verdict, "span:0").reason.startswith(
        "change of accuracy +0.0100 on the base set of test (5,000 examples) keeps the floor -0.0100"
    )
    assert condition(verdict, "span:12").judged == "upper"


def test_a_model_that_is_worse_on_the_newest_span_is_refused_although_the_split_as_a_whole_gained():
    verdict = verdict_on(
        together(
            part(0, 5000, right=4600, baseline_right=4500), part(NEWEST, 200, right=150, baseline_right=180)
        )
    )
    assert verdict.metrics["accuracy"] > verdict.baseline.metrics["accuracy"]
    (reason,) = verdict.reasons
    assert reason.startswith(
        "the model is worse on the examples of span 12: change of accuracy -0.1500 on span 12"
    )


def test_wrong_labels_in_the_newest_span_show_in_its_accuracy():
    """The candidate learned a little of the flipped labels: more than the live model knows of them."""
    verdict = verdict_on(
        together(
            part(0, 5000, right=4500, baseline_right=4500), part(NEWEST, 100, right=20, baseline_right=8)
        )
    )
    (reason,) = verdict.reasons
    assert reason.startswith(
        "the model is inaccurate on the newest examples, or their labels are wrong: accuracy 0.2000 on span "
        "12 of test (100 examples)"
    )


def test_a_loss_on_a_small_span_that_chance_explains_refuses_nothing():
    verdict = verdict_on(
        together(
            part(0, 5000, right=4500, baseline_right=4500), part(NEWEST, 40, right=34, baseline_right=36)
        )
    )
    assert verdict.verdict == "promoted"
    found = condition(verdict, "span:12")
    assert found.value == pytest.approx(-0.05)
    assert found.reason.startswith(
        "change of accuracy -0.0500 on span 12 of test (40 examples) may be below the floor -0.0100 by "
        "chance: its 95 % interval ends at +0.0000"
    )


def test_models_of_equal_accuracy_are_hardly_ever_refused_for_a_small_span():
    """Of 200 spans of 60 reviews on which both models are right nine times in ten, independently."""
    random = np.random.default_rng(7)
    refused = 0
    for _ in range(200):
        label = np.ones(60, np.int8)
        ours, theirs = (np.where(random.random(60) < 0.9, 0.9, 0.1).astype(np.float32) for _ in range(2))
        found = Predictions(
            text=np.full(60, "a", object),
            label=label,
            length=np.full(60, "under 125 words", object),
            probability=ours,
            baseline_probability=theirs,
            span=np.full(60, NEWEST),
        )
        refused += not condition(verdict_on(found), "span:12").passed
    assert refused <= 10


@pytest.mark.parametrize(("size", "judged"), [(29, False), (30, True)])
def test_too_few_examples_do_not_stand_in_the_way(size, judged):
    verdict = verdict_on(
        together(
            part(0, 500, right=450, baseline_right=450), part(NEWEST, size, right=0, baseline_right=size)
        )
    )
    found = condition(verdict, "span:12")
    assert found.passed != judged
    if not judged:
        assert (found.status, found.unjudged) == ("not judged", "too few examples: 29 of the 30 needed")
        assert found.reason == (
            f"change of accuracy is not judged on span 12 of test ({size} examples): too few, 30 are needed"
        )


def test_a_newest_span_none_of_whose_reviews_fell_into_the_split_is_not_mistaken_for_an_older_one():
    verdict = verdict_on(
        together(part(0, 500, right=450, baseline_right=450), part(11, 100, right=0, baseline_right=100))
    )
    assert condition(verdict, "span:12").reason == (
        "change of accuracy is not judged on span 12: test has no such example"
    )


@pytest.mark.parametrize(("right", "passed"), [(1, False), (3, True)])
def test_wrong_labels_show_in_few_examples_too(right, passed):
    """One right of eight is hardly a model that is right in six of ten; three may be."""
    verdict = verdict_on(
        together(part(0, 500, right=450, baseline_right=450), part(NEWEST, 8, right=right, baseline_right=0))
    )
    assert condition(verdict, "span:12", kind="floor").passed is passed


def test_the_first_model_is_compared_with_none():
    verdict = verdict_on(
        together(
            part(0, 500, right=450, baseline_right=None), part(NEWEST, 100, right=90, baseline_right=None)
        )
    )
    assert condition(verdict, "span:0").reason == (
        "change of accuracy is not judged: no other model is in production"
    )
    assert condition(verdict, "span:12", kind="floor").passed
    assert verdict.verdict == "promoted"


def test_with_more_confidence_the_interval_is_wider():
    found = together(
        part(0, 5000, right=4500, baseline_right=4500), part(NEWEST, 60, right=51, baseline_right=57)
    )
    usual = verdict_on(found)
    strict = GATE.model_copy(update={"confidence": 0.999})
    assert not condition(usual, "span:12").passed
    assert condition(verdict_on(found, strict), "span:12").passed
    assert condition(verdict_on(found, strict), "span:12").confidence == 0.999


def test_metrics_are_given_by_span():
    verdict = verdict_on(
        together(part(0, 500, right=450, baseline_right=450), part(NEWEST, 100, right=90, baseline_right=90))
    )
    assert [each["slice"] for each in verdict.slices] == ["length:under 125 words", "span:0", "span:12"]
    assert verdict.slices[-1]["example_count"] == 100


def test_each_of_them_can_be_switched_off():
    gate = GateSettings(
        min_change="off", min_change_base="off", min_change_newest="off", min_accuracy_newest="off"
    )
    assert conditions(gate, newest_span=NEWEST) == conditions(gate)


def test_without_spans_nothing_is_asked_of_them():
    assert [each.slice for each in conditions(GateSettings())] == ["overall"] * 4 + list(SLICES)
    of_spans = ["span:!12", "span:0", "span:12", "span:12"]
    assert [each.slice for each in conditions(GateSettings(), newest_span=12)][4:-4] == of_spans


def test_a_loss_in_everything_but_the_newest_span_does_not_hide_behind_an_easy_span():
    """As it was seen: +29 in a new, easy span, -2 in the other 837 reviews, +0.0301 in all."""
    gate = GATE.model_copy(update={"min_change": -0.002})
    verdict = verdict_on(
        together(part(3, 837, right=700, baseline_right=702), part(NEWEST, 59, right=59, baseline_right=30)),
        gate,
    )
    assert next(each for each in verdict.conditions if each.kind == "change").passed
    assert verdict.reasons == (
        "change of accuracy -0.0024 is below the floor -0.0020 by 0.0004 on everything but span 12 of test "
        "(837 examples), McNemar p = 0.5",
    )


def test_a_base_set_that_is_not_there_is_not_judged_and_never_ok():
    verdict = verdict_on(
        together(part(3, 100, right=90, baseline_right=90), part(NEWEST, 60, right=55, baseline_right=55))
    )
    found = condition(verdict, "span:0")
    assert (found.status, found.unjudged) == ("not judged", "no base set in the data")
    assert found.reason == "change of accuracy is not judged on the base set: test has no example of it"
    assert all(each.status == "ok" for each in verdict.conditions if each is not found)
