"""Each older span is judged by itself: the gain in one does not hide the loss in another."""

import json

import numpy as np
import pytest

from components.evaluator.judgment.judge import judge
from components.evaluator.judgment.samples import Exposure
from components.evaluator.judgment.wording import render
from components.evaluator.predictions import Predictions
from components.evaluator.settings import GateSettings
from components.evaluator.verdict import Baseline, Verdict

GATE = GateSettings(min_accuracy="off", min_balanced_accuracy="off", min_change_length="off", min_examples=1)
NEWEST = 9


def reviews(*parts: tuple[int, int, int, int]) -> Predictions:
    """`parts`: span, reviews, how many the candidate alone has right, how many the live model alone."""
    span, ours, theirs = [], [], []
    for number, size, gained, lost in parts:
        index = np.arange(size)
        span.append(np.full(size, number))
        theirs.append(index >= gained)
        ours.append(index < size - lost)
    label = np.arange(sum(map(len, span))) % 2

    def scores(right: list[np.ndarray]) -> np.ndarray:
        return np.where(np.concatenate(right) == (label == 1), 0.9, 0.1).astype(np.float32)

    return Predictions(
        text=np.array([f"film {number}" for number in range(len(label))], object),
        label=label.astype(np.int8),
        length=np.full(len(label), "under 125 words", object),
        probability=scores(ours),
        baseline_probability=scores(theirs),
        span=np.concatenate(span),
        text_id=np.arange(len(label)).astype("<u8"),
    )


def verdict_on(found: Predictions, gate: GateSettings = GATE, **more) -> Verdict:
    return judge(
        gate, found, split="test", baseline=Baseline(model_uri="models/7"), newest_span=NEWEST, **more
    )


def condition(verdict: Verdict, span: int):
    (found,) = [each for each in verdict.conditions if (each.slice, each.kind) == (f"span:{span}", "change")]
    return found


def test_a_loss_in_a_middle_span_does_not_hide_behind_the_gain_of_another():
    verdict = verdict_on(reviews((1, 300, 40, 5), (5, 160, 2, 20), (NEWEST, 100, 5, 5)))

    assert [each.slice for each in verdict.conditions if not each.passed] == ["span:5"]
    (reason,) = verdict.reasons
    assert reason.startswith(
        "the model is worse on the examples of span 5: change of accuracy -0.1125 on span 5 of test (160 "
        "examples), and even the upper end of its 97.5 % interval, -0.0"
    )
    assert condition(verdict, 1).status == "ok"


@pytest.mark.parametrize(("lost", "passed"), [(5, True), (6, False)])
def test_what_chance_explains_is_no_loss(lost, passed):
    """Of 60 reviews without a gain: McNemar's p is 0.062 for five, 0.031 for six."""
    found = condition(verdict_on(reviews((5, 60, 0, lost), (NEWEST, 100, 0, 0))), 5)
    assert found.passed is passed
    if passed:
        assert found.reason == (
            "change of accuracy -0.0833 on span 5 of test (60 examples) may be below the floor -0.0100 by "
            "chance: its 95 % interval ends at +0.0000, McNemar p = 0.062"
        )


def test_more_spans_ask_for_more_evidence_by_the_number_that_is_judged():
    few = reviews((5, 60, 0, 6), (NEWEST, 100, 0, 0))
    assert not condition(verdict_on(few), 5).passed

    judged = [(span, 40, 0, 0) for span in (1, 2, 3, 4, 6, 7, 8)]
    crowd = verdict_on(reviews(*judged, (5, 60, 0, 6), (NEWEST, 100, 0, 0)))
    assert condition(crowd, 5).passed
    assert condition(crowd, 5).confidence == pytest.approx(1 - 0.05 / 8)
    assert "may be below the floor -0.0100 by chance" in condition(crowd, 5).reason

    tiny = [(span, 29, 0, 0) for span in (1, 2, 3, 4, 6, 7, 8)]
    assert not condition(verdict_on(reviews(*tiny, (5, 60, 0, 6), (NEWEST, 100, 0, 0))), 5).passed


@pytest.mark.parametrize(("size", "status"), [(29, "not judged"), (30, "failed")])
def test_a_span_with_too_few_reviews_is_not_judged_and_never_ok(size, status):
    verdict = verdict_on(reviews((1, 300, 40, 0), (5, size, 0, 20), (NEWEST, 100, 5, 0)))

    found = condition(verdict, 5)
    assert found.status == status
    record = next(each for each in json.loads(verdict.to_json())["conditions"] if each["slice"] == "span:5")
    assert record["status"] == status
    if status == "not judged":
        assert found.unjudged == "too few examples: 29 of the 30 needed"
        row = next(line for line in render(verdict) if " span:5 " in line)
        assert row.startswith("not judged  change of accuracy")


def test_only_reviews_that_neither_model_has_seen_count():
    """Of span 5, 80 of the 100 reviews were in the live model's training."""
    found = reviews((1, 700, 40, 0), (5, 100, 0, 60), (NEWEST, 100, 5, 0))
    seen = (found.span == 5) & (np.cumsum(found.span == 5) <= 80)
    verdict = verdict_on(found, exposure=Exposure(production={"train": seen}))

    assert condition(verdict, 5).unjudged == "too few examples: 20 of the 30 needed"


def test_a_span_none_of_whose_reviews_fell_into_the_split_is_named():
    verdict = verdict_on(reviews((1, 100, 5, 0), (NEWEST, 100, 5, 0)), spans=[1, 2, NEWEST])

    assert (condition(verdict, 2).status, condition(verdict, 2).unjudged) == (
        "not judged",
        "no examples of span 2",
    )


def test_a_first_model_has_nothing_to_be_compared_with_on_any_span():
    found = reviews((1, 100, 0, 0), (NEWEST, 100, 0, 0))
    found = Predictions(**{**vars(found), "baseline_probability": None})
    verdict = judge(
        GateSettings(min_examples=1, min_balanced_accuracy="off"),
        found,
        split="test",
        baseline=None,
        newest_span=NEWEST,
    )

    assert condition(verdict, 1).unjudged == "no other model in production"
    assert verdict.promoted


def test_models_of_equal_accuracy_are_hardly_ever_refused_by_one_of_many_spans():
    """Of 50 pairs of models that disagree on a tenth of the reviews of twelve spans."""
    random = np.random.default_rng(11)
    refused = 0
    for _ in range(50):
        parts = [(span, 60, *random.multinomial(60, [0.05, 0.05, 0.9])[:2]) for span in range(1, NEWEST + 4)]
        verdict = judge(
            GATE,
            reviews(*parts),
            split="test",
            baseline=Baseline(model_uri="models/7"),
            newest_span=NEWEST + 4,
        )
        refused += any(not condition(verdict, span).passed for span, *_ in parts)
    assert refused <= 5
