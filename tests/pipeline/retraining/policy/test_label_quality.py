"""The limits of the label quality checks, exactly: what reaches a limit keeps it, what passes it does not."""

import math

import pytest

from components.label_check.share_bounds import lower_bound, upper_bound
from pipeline.retraining.policy import label_quality
from pipeline.retraining.policy.label_quality import Worse, defect, worse_than_before
from pipeline.retraining.policy.records import Examination, SpanContent
from pipeline.retraining.policy.triggers import label_words
from pipeline.settings.retrain import RetrainSettings

ONE, TWO, THREE = (SpanContent(number, "content") for number in (1, 2, 3))


def reason(settings: RetrainSettings, **facts) -> str | None:
    return defect(Examination(span=ONE, rows=400, live=3, **facts), settings, vouched=False)


def just_below(limit: float) -> float:
    return math.nextafter(limit, 0)


def test_an_agreement_is_defended_up_to_the_upper_bound_itself():
    bound = upper_bound(0.45, 400)

    assert reason(RetrainSettings(min_agreement=bound), accuracy=0.45) is None
    found = reason(RetrainSettings(min_agreement=math.nextafter(bound, 1)), accuracy=0.45)
    assert found.startswith("the live version 3 agrees with 45.0% of the 400 labels of span 1, fewer than")


def test_labels_that_the_model_is_sure_are_wrong_may_reach_the_limit():
    bound = lower_bound(0.3, 100)
    wrong = {"accuracy": 0.9, "sure": 100, "sure_wrong": 30}

    assert reason(RetrainSettings(max_sure_wrong=bound), **wrong) is None
    found = reason(RetrainSettings(max_sure_wrong=just_below(bound)), **wrong)
    assert found.startswith(
        "the live version 3 is sure of 100 of the 400 rows of span 1, and 30.0% of these have the other label"
    )


def test_suspects_of_the_label_check_may_reach_the_limit():
    bound = lower_bound(0.1, 200)
    rows = ("a.csv:7", "a.csv:9", "b.csv:2", "b.csv:3")
    found = {"suspects": 20, "examined": 200, "suspect_rows": rows}

    assert reason(RetrainSettings(max_suspects=bound), **found) is None
    assert reason(RetrainSettings(max_suspects=0.05), **found) == (
        "the label check finds 20 of 200 labels of span 1 probably wrong (a.csv:7, a.csv:9, b.csv:2), 10.0% "
        "and more than retrain.max_suspects = 0.05: the labels look flipped. If they are right: greenlight "
        "retrain --release 1 --reason TEXT"
    )
    assert reason(RetrainSettings(max_suspects=just_below(bound)), **found) is not None


def test_suspects_among_too_few_texts_are_not_held_against_the_limit():
    found = {"suspects": 100, "examined": 200, "suspect_rows": ("a.csv:7",)}
    assert reason(RetrainSettings(max_suspects=0.2), **found) is not None
    assert reason(RetrainSettings(max_suspects=0.2), **found, label_limit_applies=False) is None


def test_the_words_about_suspects_among_few_texts_say_that_right_labels_are_doubted_too():
    found = {"span": ONE, "suspects": 6, "examined": 200, "suspect_rows": tuple("abcdef")}
    words = "6 of 200 labels probably wrong (a, b, c, d, e, ..."
    assert label_words(Examination(**found)) == f"{words})"
    assert label_words(Examination(**found, label_limit_applies=False)) == (
        f"{words}; learned from so few texts, the check doubts right ones too)"
    )


def test_suspects_count_where_the_live_model_finds_nothing():
    found = {"accuracy": 0.9, "sure": 300, "suspects": 100, "examined": 200}

    assert "the label check finds 100 of 200" in reason(RetrainSettings(max_suspects=0.2), **found)
    # What the live model says comes first.
    few_agree = reason(RetrainSettings(max_suspects=0.2), **found | {"accuracy": 0.1})
    assert few_agree.startswith("the live version 3 agrees with 10.0%")


def test_one_examined_row_is_enough_to_say_nothing():
    assert reason(RetrainSettings(max_suspects=0.2), suspects=1, examined=1) is not None
    assert reason(RetrainSettings(max_suspects=0.9), suspects=0, examined=1) is None


def watched(span=ONE, *, rows=100, live_only=0, previous_only=0, **facts) -> Examination:
    known = {"live": 3, "previous": 2, "accuracy": 0.8, "previous_accuracy": 0.9}
    return Examination(
        span=span, rows=rows, live_only=live_only, previous_only=previous_only, **known | facts
    )


def margin(value: float, **more) -> RetrainSettings:
    return RetrainSettings(rollback_margin=value, **more)


def test_a_model_that_lacks_just_the_margin_stays():
    spans = [watched(rows=400, live_only=10, previous_only=60)]  # 50 of 400 fewer, an eighth

    assert worse_than_before(spans, margin(0.125)) is None
    assert worse_than_before(spans, margin(just_below(0.125))) == Worse(
        "on span 1, newer than its promotion, version 3 is 0.1250 less accurate than version 2 "
        "(retrain.rollback_margin = 0.125)",
        {
            "rows": 400,
            "lack": 0.125,
            "live_only": 10,
            "previous_only": 60,
            "spans": [1],
            "standard_deviations": 50 / math.sqrt(70),
        },
    )


def test_a_lack_within_chance_keeps_a_model():
    assert worse_than_before([watched(previous_only=2)], margin(0)) is None  # 1.41 standard deviations
    assert worse_than_before([watched(previous_only=3)], margin(0)) is not None  # 1.73
    assert worse_than_before([watched(live_only=1, previous_only=6)], margin(0)) is not None  # 1.89
    assert worse_than_before([watched(live_only=2, previous_only=6)], margin(0)) is None  # 1.41


def test_a_lack_that_chance_exceeds_just_once_in_twenty_times_counts(monkeypatch):
    monkeypatch.setattr(label_quality, "ONE_IN_TWENTY", 2.0)

    assert worse_than_before([watched(previous_only=4)], margin(0)) is not None  # just 2
    assert worse_than_before([watched(previous_only=3)], margin(0)) is None


def test_models_that_agree_on_all_rows_are_not_told_apart():
    assert worse_than_before([watched()], margin(0)) is None
    assert worse_than_before([], margin(0)) is None


@pytest.mark.parametrize("unknown", ["accuracy", "previous_accuracy"])
def test_a_span_that_one_of_the_models_was_not_asked_about_does_not_count(unknown):
    asked, other = watched(ONE, previous_only=9), watched(TWO, previous_only=9, **{unknown: None})

    assert worse_than_before([other], margin(0)) is None
    assert worse_than_before([asked, other], margin(0)).evidence["spans"] == [1]


def test_of_each_span_the_last_examination_counts_and_of_the_spans_the_first_ones():
    worse, better = watched(TWO, previous_only=9), watched(ONE, live_only=9)
    again = watched(ONE, previous_only=9)
    late = watched(THREE, live_only=50)

    assert worse_than_before([again, worse, better], margin(0)) is None  # 9 and 9
    found = worse_than_before([better, worse, again, late], margin(0, watch_spans=2))
    assert found.evidence["spans"] == [1, 2]
    assert found.evidence["rows"] == 200
    assert found.evidence["previous_only"] == 18
    assert "on span 1, span 2, newer than its promotion" in found.why
