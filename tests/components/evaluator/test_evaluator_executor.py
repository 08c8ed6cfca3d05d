from pathlib import Path

import numpy as np
import pytest
import tensorflow_model_analysis as tfma
from example_files import write_examples

from components import reviews
from components.errors import GreenlightError
from components.evaluator.judgment import metrics
from components.evaluator.settings import GateSettings
from components.evaluator.tfma.agreement import candidate_metrics, check_agreement


@pytest.fixture(scope="module")
def better(evaluate, export_model):
    """A candidate against a baseline that calls almost everything negative; one TFMA run for many tests."""
    return evaluate(export_model(), export_model(bias=-3.0), checklist=True)


@pytest.fixture(scope="module")
def without_baseline(evaluate, export_model, tmp_path_factory):
    """Refused by accuracy, and by a baseline whose folder was deleted."""
    gone = tmp_path_factory.mktemp("gone") / "model"
    gate = GateSettings(min_accuracy=0.95, min_change_length="off")
    return evaluate(export_model(), gone, gate=gate)


def test_a_better_model_is_blessed_with_reasons(better):
    assert better.verdict.verdict == "promoted"
    assert better.marks == {"BLESSED"}
    assert better.blessing.get_int_custom_property("blessed") == 1
    examples, accuracy, _, change = (condition.reason for condition in better.verdict.conditions)
    assert examples == "number of examples 120 is above the floor 50 by 70 on test (120 examples)"
    assert accuracy == "accuracy 0.7583 is above the floor 0.5000 by 0.2583 on test (120 examples)"
    assert change.startswith("change of accuracy +0.1667 is above the floor -0.1000 by 0.2667 on test")


def test_the_lineage_store_can_answer_for_the_verdict(better):
    for artifact in (better.evaluation, better.blessing):
        assert artifact.get_string_custom_property("verdict") == "promoted"
        assert artifact.get_float_custom_property("accuracy") == pytest.approx(0.7583, abs=1e-4)
        assert artifact.get_int_custom_property("examples") == 120


def test_the_blessing_names_both_models_as_tfx_does(better):
    assert better.blessing.get_int_custom_property("current_model_id") == 7
    assert better.blessing.get_int_custom_property("baseline_model_id") == 8
    assert better.blessing.get_string_custom_property("current_model").startswith("/")


def test_tfma_and_the_verdict_measure_the_same(better):
    """Every metric of every slice, to the last digit but for AUC, which TFMA integrates over buckets."""
    found = candidate_metrics(better.evaluation.uri)

    assert set(found) == {"overall", "length:under 125 words", "length:125 to 174 words"}
    for part in ({"slice": "overall", **better.verdict.metrics}, *better.verdict.slices):
        theirs = found[part["slice"]]
        for name in ("accuracy", "precision", "recall", "calibration", "example_count"):
            assert theirs[name] == pytest.approx(part[name], rel=1e-6), (part["slice"], name)
        assert theirs["auc"] == pytest.approx(part["auc"], abs=1e-3)


def test_a_probability_of_one_half_is_positive_for_tfma_too(better):
    probability = better.predictions.probability

    assert np.count_nonzero(probability == 0.5) == 18
    assert candidate_metrics(better.evaluation.uri)["overall"]["recall"] == metrics.recall(
        better.predictions.label, probability
    )


def test_both_models_are_asked_the_sentences_with_negations(better, without_baseline):
    found = {each["kind"]: each for each in better.verdict.negation}

    # "good." and "bad." are other words for this model: it gives most sentences its bias.
    assert (found["plain"]["accuracy"], found["plain"]["baseline"]) == (0.5, 0.5)
    assert found["negated blame"]["accuracy"] == pytest.approx(62 / 64)  # without the two where "bad" counts
    assert found["negated blame"]["baseline"] == 0.0
    assert not any("negat" in condition.metric for condition in better.verdict.conditions)
    assert without_baseline.verdict.negation == ()  # its data are not said to be film reviews


def test_tfma_s_own_validation_agrees(better, without_baseline):
    assert tfma.load_validation_result(better.evaluation.uri).validation_ok is True
    assert tfma.load_validation_result(without_baseline.evaluation.uri).validation_ok is False


def test_predictions_are_kept_for_the_report(better):
    kept = better.predictions

    assert len(kept) == 120
    assert kept.text[1] == "word " * 10 + "good good 1"
    assert kept.distinct_texts == 120
    assert set(kept.length) == {"under 125 words", "125 to 174 words"}
    assert (kept.probability.dtype, kept.label.dtype) == (np.float32, np.int8)
    assert (kept.baseline_probability < kept.probability).all()


def test_a_refused_model_is_not_blessed_and_a_deleted_baseline_is_named(without_baseline):
    assert without_baseline.marks == {"NOT_BLESSED"}
    assert without_baseline.blessing.get_int_custom_property("blessed") == 0
    assert without_baseline.blessing.get_int_custom_property("baseline_model_id") == 8
    below, lost = without_baseline.verdict.reasons
    assert below == "accuracy 0.7583 is below the floor 0.9500 by 0.1917 on test (120 examples)"
    assert lost.startswith("the model in production cannot be evaluated: its folder /")
    assert "Format-Serving is gone; to promote" in lost
    assert lost.endswith(": greenlight approve")
    assert without_baseline.evaluation.get_string_custom_property("reasons") == f"{below}\n{lost}"


def test_a_damaged_model_in_production_is_not_loaded_and_the_verdict_says_why(evaluate, export_model):
    damage = "it does not match its manifest: saved_model.pb was changed"
    outcome = evaluate(export_model(), export_model(), damage=damage)
    assert outcome.predictions.baseline_probability is None
    (lost,) = outcome.verdict.reasons
    assert lost.startswith(f"the model in production cannot be evaluated: {damage}; to promote")


def test_without_a_baseline_there_are_no_probabilities_of_one(without_baseline):
    assert without_baseline.predictions.baseline_probability is None


def test_a_model_that_gives_no_probabilities_is_refused_without_tfma(evaluate, export_model):
    outcome = evaluate(export_model(slope=float("nan")))

    assert outcome.verdict.reasons[0] == (
        "no accuracy on test (120 examples): 120 of 120 probabilities are not numbers from 0 to 1"
    )
    assert outcome.marks == {"NOT_BLESSED"}


def test_a_candidate_without_the_signature_ends_the_run(evaluate, export_model):
    with pytest.raises(GreenlightError, match="has no signature tf_example; there are: serving_default"):
        evaluate(export_model(serving_default="serve"))


def test_a_split_without_examples_ends_the_run(evaluate, export_model):
    with pytest.raises(GreenlightError, match="The split to evaluate has no examples: check the weights"):
        evaluate(export_model(), split="eval")


def test_an_unknown_split_ends_the_run(evaluate, export_model):
    with pytest.raises(GreenlightError, match="There are no examples in split train; there are: eval, test"):
        evaluate(export_model(), split="train")


def test_disagreement_with_tfma_is_an_error(better):
    found = candidate_metrics(better.evaluation.uri)
    check_agreement(found, better.predictions)
    found["length:under 125 words"]["calibration"] += 0.002

    with pytest.raises(
        GreenlightError, match=r"TFMA measured calibration = \d\.\d+ on length:under 125 words, the verdict"
    ):
        check_agreement(found, better.predictions)


def test_a_slice_that_tfma_lacks_is_an_error(better):
    found = candidate_metrics(better.evaluation.uri)
    del found["length:under 125 words"]

    with pytest.raises(GreenlightError, match="= None on length:under 125 words"):
        check_agreement(found, better.predictions)


@pytest.fixture(scope="module")
def spans_folder(tmp_path_factory) -> Path:
    """An Examples artifact's folder: 80 base reviews, 40 of span 3 with a third of the labels flipped, and 40
    of span 2.
    """
    folder = tmp_path_factory.mktemp("spans") / "examples"
    examples = []
    for number in range(160):
        span, positive = (0, 0, 3, 2)[number // 40], number % 2
        label = 1 - positive if span == 3 and number % 3 == 0 else positive
        text = f"{'good' if positive else 'bad'} film {number}"
        examples.append(reviews.to_example(text, label, span=span))
    write_examples(folder / "Split-test" / "data_tfrecord-0.gz", examples)
    return folder


@pytest.fixture(scope="module")
def by_span(evaluate, export_model, spans_folder):
    """A candidate that calls everything positive against one that reads the words."""
    return evaluate(
        export_model(bias=9.0),
        export_model(),
        folder=spans_folder,
        newest=3,
        spans=[{"span": number, "version": None, "fingerprint": "1"} for number in (1, 2, 3)],
    )


def test_the_base_set_and_the_newest_span_are_judged_apart(by_span):
    conditions = {(each.slice, each.kind): each for each in by_span.verdict.conditions}
    assert conditions["span:0", "change"].value == pytest.approx(-0.5)
    assert not conditions["span:0", "change"].passed
    assert conditions["span:3", "floor"].value == pytest.approx(0.5, abs=0.1)
    assert any(reason.startswith("the model forgot the old examples") for reason in by_span.verdict.reasons)


def test_an_older_span_is_judged_apart_and_one_without_reviews_in_the_split_is_named(by_span):
    conditions = {each.slice: each for each in by_span.verdict.conditions if each.kind == "change"}
    assert conditions["span:2"].value == pytest.approx(-0.5)
    assert any(
        reason.startswith("the model is worse on the examples of span 2: change of accuracy -0.5000")
        for reason in by_span.verdict.reasons
    )
    assert (conditions["span:1"].status, conditions["span:1"].unjudged) == (
        "not judged",
        "no examples of span 1",
    )


def test_tfma_measures_each_span_and_agrees(by_span):
    found = candidate_metrics(by_span.evaluation.uri)
    assert found["span:0"]["accuracy"] == pytest.approx(0.5)
    assert found["span:3"]["example_count"] == 40


def test_predictions_are_kept_with_their_spans(by_span, better):
    assert sorted(set(by_span.predictions.span)) == [0, 2, 3]
    assert better.predictions.span is None
