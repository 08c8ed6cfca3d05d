"""A comparison is on reviews that neither model has seen, or it is none."""

import numpy as np
import pytest

from components.evaluator.judgment.judge import judge, needed_unseen
from components.evaluator.judgment.samples import Exposure
from components.evaluator.predictions import Predictions
from components.evaluator.settings import GateSettings
from components.evaluator.verdict import Baseline, Verdict

SIZE = 1000


def predictions(right: np.ndarray, baseline_right: np.ndarray | None, **more) -> Predictions:
    label = np.arange(len(right)) % 2

    def scores(correct: np.ndarray) -> np.ndarray:
        return np.where(correct == (label == 1), 0.9, 0.1).astype(np.float32)

    return Predictions(
        text=np.full(len(right), "a film", object),
        label=label.astype(np.int8),
        length=np.full(len(right), "under 125 words", object),
        probability=scores(right),
        baseline_probability=None if baseline_right is None else scores(baseline_right),
        **more,
    )


def first(count: int, size: int = SIZE) -> np.ndarray:
    return np.arange(size) < count


def every(step: int, *, upto: int = SIZE) -> np.ndarray:
    """All right but every `step`-th of the first `upto`."""
    return (np.arange(SIZE) % step != 0) | (np.arange(SIZE) >= upto)


def verdict_on(found: Predictions, exposure: Exposure, **settings) -> Verdict:
    baseline = None if found.baseline_probability is None else Baseline(model_uri="models/7")
    return judge(GateSettings(**settings), found, split="test", baseline=baseline, exposure=exposure)


def change(verdict: Verdict):
    (found,) = [each for each in verdict.conditions if (each.kind, each.slice) == ("change", "overall")]
    return found


@pytest.fixture
def memorized() -> Predictions:
    """The live model knows the first 400 by heart; on the other 600 the candidate is better."""
    return predictions(every(10), every(8) | first(400))


def test_reviews_that_the_live_model_knows_by_heart_are_not_compared(memorized):
    unfair = verdict_on(memorized, Exposure())
    assert unfair.verdict == "refused" and change(unfair).value < -0.02

    verdict = verdict_on(memorized, Exposure(production={"train": first(300), "eval": first(400)}))

    assert verdict.verdict == "promoted"
    assert change(verdict).value == pytest.approx(0.025)
    assert " on test (600 examples that neither model has seen), McNemar p = " in change(verdict).reason
    assert verdict.comparison.compared == 600
    assert verdict.comparison.left_out == {
        "the model in production was trained on": 300,
        "the model in production was chosen by": 100,
    }
    assert verdict.notes[0] == (
        "compared with the model in production on 600 examples of test that neither model has seen; 400 of "
        "1,000 were left out, 300 because the model in production was trained on them and 100 because the "
        "model in production was chosen by them"
    )
    # The candidate has seen none of them: its own figures are of all.
    assert verdict.metrics["example_count"] == SIZE
    assert verdict.baseline.metrics["example_count"] == 600
    # The live model's accuracy on reviews that it knows by heart is shown nowhere.
    assert {each.baseline for each in verdict.conditions if each.kind in ("floor", "examples")} == {None}


def test_too_few_unseen_reviews_are_no_comparison_and_no_p_value(memorized):
    verdict = verdict_on(memorized, Exposure(production={"train": first(840)}))

    (reason,) = verdict.reasons
    assert reason == (
        "no fair comparison with the model in production: only 160 examples of test can be compared that "
        "neither model has seen, and 500 are needed (gate.min_unseen); 840 of 1,000 were left out, 840 "
        "because the model in production was trained on them. What helps is the data of the model in "
        "production: its data.split_salt, weights and source, or more new examples. Failing that, greenlight "
        "approve promotes without the comparison"
    )
    assert (change(verdict).status, change(verdict).unjudged) == ("not judged", "no fair comparison")
    assert "McNemar" not in verdict.to_json()
    assert verdict.notes[0] == (
        "the model was not compared with the model in production: too few unseen examples are left"
    )
    assert Verdict.from_json(verdict.to_json()) == verdict


def test_no_fair_comparison_names_the_settings_to_restore_before_the_approval(memorized):
    changed = ('data.split_salt changed from "6767" to "zzz"',)
    verdict = verdict_on(memorized, Exposure(production={"train": first(840)}, data_changes=changed))

    assert verdict.reasons[0].endswith(
        'weights and source (data.split_salt changed from "6767" to "zzz"), or more new examples. Failing '
        "that, greenlight approve promotes without the comparison"
    )


@pytest.mark.parametrize(("seen", "promoted"), [(900, True), (901, False)])
def test_min_unseen_is_the_fewest_that_may_be_left(memorized, seen, promoted):
    verdict = verdict_on(memorized, Exposure(production={"train": first(seen)}), min_unseen=100)

    (enough,) = [each for each in verdict.conditions if each.kind == "unseen"]
    assert enough.examples == verdict.comparison.compared
    assert enough.passed is promoted
    if promoted:
        assert enough.reason.startswith(
            "100 examples of test that neither model has seen can be compared, 100 are needed; 900 of 1,000 "
        )


@pytest.mark.parametrize(
    ("settings", "texts", "needed"),
    [
        ({}, 5000, 500),  # one review of 500 is a change of 0.002
        ({}, 800, 400),  # half of the split, where it is smaller
        ({}, 60, 50),  # no verdict rests on fewer than min_examples
        ({"min_change": -0.01}, 5000, 100),
        ({"min_change": 0}, 5000, 500),
        ({"min_change": "off"}, 5000, 500),
        ({"min_unseen": 7}, 5000, 7),
    ],
)
def test_how_many_are_needed_follows_from_what_min_change_asks(settings, texts, needed):
    assert needed_unseen(GateSettings(**settings), texts) == needed


def test_with_nothing_left_out_a_small_split_is_compared_as_ever():
    found = predictions(first(55, 60), first(54, 60))
    verdict = verdict_on(found, Exposure(production={"train": np.zeros(60, bool)}))

    assert verdict.verdict == "promoted"
    assert not [each for each in verdict.conditions if each.kind == "unseen"]
    assert verdict.notes[0] == (
        "compared with the model in production on all 60 examples of test; neither model has seen any of them"
    )


def test_what_the_candidate_has_seen_counts_for_nothing():
    """It knows the first 500 by heart and half of the rest."""
    found = predictions(first(750), None)
    verdict = verdict_on(found, Exposure(candidate={"train": first(500)}))

    assert verdict.metrics["accuracy"] == 0.5
    assert verdict.reasons[0] == (
        "accuracy 0.5000 is below the floor 0.8500 by 0.3500 on test (500 examples that the candidate has "
        "not seen)"
    )
    assert verdict.notes[0] == (
        "the candidate's figures are those of the 500 of 1,000 examples of test that it has not seen in "
        "training"
    )


def test_every_part_is_compared_on_unseen_reviews():
    """Span 4 entered the live model's training data: of its reviews none is left to compare on."""
    span = np.where(first(200), 4, 3)
    found = predictions(every(10), every(10) | first(200), span=span)
    verdict = judge(
        GateSettings(),
        found,
        split="test",
        baseline=Baseline(model_uri="models/7"),
        newest_span=4,
        exposure=Exposure(production={"train": first(200)}),
    )

    by_slice = {(each.slice, each.kind): each for each in verdict.conditions}
    assert by_slice["span:4", "change"].unjudged == "no examples of span 4"
    assert by_slice["span:4", "floor"].status == "ok"
    assert by_slice["span:!4", "change"].examples == 800
    assert by_slice["length:under 125 words", "change"].examples == 800


def test_a_live_model_without_a_record_is_compared_on_all_and_that_is_said(memorized):
    verdict = verdict_on(memorized, Exposure(problem="it was pushed before that was recorded"))

    assert change(verdict).value < -0.02
    assert verdict.comparison.known is False
    assert verdict.notes[0] == (
        "it is not known which examples the model in production was trained on: it was pushed before that "
        "was recorded. Where it has seen examples of test, the comparison favors it"
    )


def test_other_data_than_that_of_the_live_model_is_said(memorized):
    changes = ('data.split_salt changed from "6767" to "zzz"', "the spans changed: 1 to 3 before, 2 to 4 now")
    verdict = verdict_on(memorized, Exposure(data_changes=changes))

    assert verdict.notes[1] == (
        'the data differs from that of the model in production: data.split_salt changed from "6767" to '
        '"zzz"; the spans changed: 1 to 3 before, 2 to 4 now'
    )


def test_copies_count_once_in_every_number():
    """60 texts fifteen times: 9 of them fell into the split."""
    texts = np.tile(np.arange(9), 15).astype(np.uint64)
    found = predictions(np.tile(first(8, 9), 15), None, text_id=texts)
    verdict = verdict_on(found, Exposure())

    assert verdict.reasons[0] == (
        "number of distinct texts 9 is below the floor 50 by 41 on test (135 examples, 9 distinct texts)"
    )
    assert (verdict.test_set.reviews, verdict.test_set.texts) == (135, 9)
    accuracy = verdict.conditions[1]
    assert (accuracy.examples, accuracy.texts) == (135, 9)
    assert accuracy.upper - accuracy.lower > 0.4
    assert verdict.notes[0] == (
        "test has 135 examples but 9 distinct texts: intervals, tests and minimum numbers count each text "
        "once"
    )


def test_the_test_set_is_known_by_its_texts_in_any_order():
    texts = np.arange(100).astype(np.uint64)
    digests = {
        verdict_on(predictions(first(95, len(ids)), None, text_id=ids), Exposure()).test_set.digest
        for ids in (texts, texts[::-1], np.concatenate([texts, texts[:9]]))
    }
    assert len(digests) == 1
    other = predictions(first(95, 100), None, text_id=texts + np.uint64(1))
    assert verdict_on(other, Exposure()).test_set.digest not in digests


def test_a_test_set_says_which_differences_it_can_show():
    """131 reviews, 13 of which the models answer differently: (1.96 + 0.84) * sqrt(13) / 131."""
    right = first(120, 131)
    other = right.copy()
    other[:6], other[124:131] = False, True
    verdict = verdict_on(predictions(right, other), Exposure(), min_change=-0.1)

    assert verdict.test_set.resolution == pytest.approx(0.0771, abs=5e-5)
    assert verdict.notes[-1] == ("this test set can show differences of accuracy from ±0.0771 on")


def judged_after(others: int | None, **settings) -> Verdict:
    found = predictions(every(10), every(9))
    gate = GateSettings(min_change=-0.02, **settings)
    baseline = Baseline(model_uri="models/7")
    return judge(gate, found, split="test", baseline=baseline, earlier_candidates=others)


def test_the_more_models_were_judged_the_more_evidence_is_asked_for():
    first_look, tenth = judged_after(0, confidence=0.9), judged_after(9, confidence=0.9)

    assert [change(each).confidence for each in (first_look, tenth)] == pytest.approx([0.9, 0.99])
    assert change(tenth).lower < change(first_look).lower
    by_length = [each for each in tenth.conditions if each.slice == "length:under 125 words"]
    assert by_length[0].confidence == pytest.approx(0.975)  # not laxer for the looks: 0.9 by four buckets
    assert first_look.test_set.candidates == 1
    assert first_look.notes[-1] == "1 model was judged on the texts of test so far, this one included"
    assert tenth.notes[-1] == (
        "10 models were judged on the texts of test so far, this one included: gate.confidence = 0.9 is "
        "applied as 0.99 (Bonferroni)"
    )


def test_without_confidence_many_looks_are_said_to_be_luck():
    assert "partly luck" not in judged_after(8).notes[-1]
    assert (
        judged_after(9)
        .notes[-1]
        .endswith("the best of so many is partly luck; newer examples or another data.split_salt renew them")
    )
    assert "judged on the texts" not in judged_after(None).notes[-1]
