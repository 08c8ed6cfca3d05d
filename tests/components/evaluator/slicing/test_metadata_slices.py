"""Slices by columns of metadata: TFMA, conditions on a slice, gaps between slices."""

import json
from pathlib import Path

import numpy as np
import pytest
from example_files import write_examples

from components import reviews
from components.evaluator.judgment.slicing.gap import gap
from components.evaluator.predictions import Predictions
from components.evaluator.settings import GateSettings
from components.evaluator.tfma.agreement import candidate_metrics, check_agreement

DATA = json.dumps({"slice_columns": ["lang", "store"]})
GATE = GateSettings(
    min_accuracy=0.5,
    min_change=-0.1,
    min_change_length="off",
    slices={"lang:de": 0.5},
    conditions=[
        {"metric": "recall", "slice": "lang:de", "at_least": 0.9},
        {"metric": "accuracy", "slice": "store:old town", "change_at_least": -0.5},
        {"metric": "accuracy", "slice": "lang", "max_gap": 0.05},
        {"metric": "auc", "slice": "lang", "max_gap": 0.9},
        {"metric": "accuracy", "slice": "store", "max_gap": 0.05},
        {"metric": "accuracy", "slice": "length", "max_gap": 1},
    ],
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """180 texts: en without errors, de with every fourth label wrong, few of fr, some without metadata."""
    folder = tmp_path_factory.mktemp("metadata")
    examples = []
    for number in range(180):
        positive = number % 2
        lang = ("en", "de")[number // 2 % 2] if number < 160 else "fr" if number < 170 else ""
        wrong = lang == "de" and number % 8 in (2, 3) and number % 16 > 8
        example = reviews.to_example(f"{'good' if positive else 'bad'} {number}", positive ^ wrong)
        example.features.feature["lang"].bytes_list.value.append(lang.encode())
        example.features.feature["store"].bytes_list.value.append(b"old town" if number < 150 else b"")
        examples.append(example)
    write_examples(folder / "Split-test" / "data_tfrecord-0.gz", examples)
    return folder


@pytest.fixture(scope="module")
def outcome(evaluate, export_model, folder):
    return evaluate(export_model(), export_model(bias=-3.0), gate=GATE, folder=folder, data=DATA)


def test_predictions_keep_the_metadata(outcome):
    kept = outcome.predictions

    assert list(kept.slices) == ["lang", "store"]
    assert sorted(set(kept.slices["lang"])) == ["", "de", "en", "fr"]


def test_metrics_are_given_by_slice_and_are_tfma_s(outcome):
    by_slice = {each["slice"]: each for each in outcome.verdict.slices}
    found = candidate_metrics(outcome.evaluation.uri)

    assert by_slice["lang:de"]["example_count"] == 80
    assert by_slice["lang:"]["example_count"] == 10
    assert found["lang:de"]["accuracy"] == pytest.approx(by_slice["lang:de"]["accuracy"])
    assert found["store:old town"]["example_count"] == 150
    check_agreement(found, outcome.predictions)


def test_a_condition_on_a_slice_is_judged_on_it(outcome):
    (recall,) = [each for each in outcome.verdict.conditions if each.metric == "recall"]
    (floor,) = [
        each for each in outcome.verdict.conditions if (each.slice, each.metric) == ("lang:de", "accuracy")
    ]

    assert recall.reason.endswith("on lang:de of test (80 examples)")
    assert (floor.value, floor.passed) == (pytest.approx(0.75), True)


def test_a_change_on_a_slice_is_paired(outcome):
    (change,) = [each for each in outcome.verdict.conditions if each.slice == "store:old town"]

    assert (change.kind, change.examples) == ("change", 150)
    assert change.lower < change.value < change.upper


def test_a_gap_above_its_ceiling_refuses_with_both_slices(outcome):
    gap, _ = [each for each in outcome.verdict.conditions if (each.kind, each.slice) == ("gap", "lang")]

    assert (gap.value, gap.between) == (pytest.approx(0.25), ("lang:en", "lang:de"))
    assert gap.lower < 0.25 < gap.upper
    assert gap.baseline is not None
    assert not gap.passed
    assert gap.reason.startswith(
        "greatest difference of accuracy between slices of lang 0.2500 is above the ceiling 0.0500 by 0.2000 "
        "on test (180 examples); the highest is that of lang:en, the lowest that of lang:de"
    )
    assert gap.to_dict()["between"] == ("lang:en", "lang:de")


def test_a_gap_of_any_metric_has_an_interval(outcome):
    (gap,) = [each for each in outcome.verdict.conditions if (each.kind, each.metric) == ("gap", "auc")]

    assert gap.lower <= gap.value <= gap.upper


def test_fewer_than_two_slices_of_enough_texts_are_not_judged(outcome):
    (gap,) = [each for each in outcome.verdict.conditions if (each.kind, each.slice) == ("gap", "store")]

    # 30 texts have no store, which is a slice of its own.
    assert gap.status != "not judged"
    few = [each for each in outcome.verdict.conditions if (each.kind, each.slice) == ("gap", "length")]
    assert few[0].unjudged == "fewer than two slices of length"
    assert few[0].reason == (
        "greatest difference of accuracy between slices of length is not judged: fewer than two of them have "
        "the 30 distinct texts needed (gate.min_span_examples)"
    )


def test_the_end_of_the_interval_of_a_gap_counts_with_confidence(evaluate, export_model, folder):
    gate = GateSettings(
        min_accuracy=0.5,
        confidence=0.95,
        conditions=[{"metric": "accuracy", "slice": "lang", "max_gap": 0.15}],
    )
    outcome = evaluate(export_model(), gate=gate, folder=folder, data=DATA)

    (reason,) = outcome.verdict.reasons
    assert reason.startswith("upper bound of the greatest difference of accuracy between slices of lang 0.34")
    assert "(value 0.2500) is above the ceiling 0.1500" in reason


def test_a_gap_between_equal_slices_names_two_of_them():
    equal = Predictions(
        text=np.array(list("abcdef"), object),
        label=np.tile([0, 1], 3).astype(np.int8),
        length=np.full(6, "under 125 words", object),
        probability=np.tile([0.1, 0.9], 3).astype(np.float32),
        slices={"lang": np.repeat(np.array(["de", "en", "fr"], object), 2)},
    )

    found = gap("accuracy", equal, "lang", fewest=2, confidence=0.95)

    assert (found.value, found.highest, found.lowest) == (0.0, "lang:de", "lang:fr")
