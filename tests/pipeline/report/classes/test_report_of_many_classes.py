"""The report and the model card of a model of more than two classes."""

import json
import re

import numpy as np
import pytest

from components.evaluator.judgment.judge import judge
from components.evaluator.predictions import FILE_NAME, Predictions
from components.evaluator.settings import GateSettings
from components.evaluator.verdict import Baseline
from components.reviews import LENGTHS
from pipeline.config import Settings
from pipeline.report import model_card, run_artifacts
from pipeline.report.classes import charts
from pipeline.report.page import write_report
from pipeline.report.predictions import Predictions as Shown
from pipeline.results.data_account import check_warnings

COLORS = ("red", "green", "a color with a long <name>")


def predictions(classes: int, *, count: int = 300, slices: bool = False) -> Predictions:
    """About 8 in 10 are correct; the baseline does not know the last class."""
    random = np.random.default_rng(5)
    label = random.integers(0, classes, count)

    def scores(lean: float) -> np.ndarray:
        found = random.normal(size=(count, classes))
        found[np.arange(count), label] += lean
        found = np.exp(found)
        return (found / found.sum(axis=1, keepdims=True)).astype(np.float32)

    ours, theirs = scores(2.5), scores(2.0)
    theirs[:, -1] = 0
    return Predictions(
        text=np.array([f"Text {number}" for number in range(count)], object),
        label=label.astype(np.int8),
        length=np.array([LENGTHS[number % 4] for number in range(count)], object),
        probability=ours.max(axis=1),
        probabilities=ours,
        baseline_probability=theirs.max(axis=1),
        baseline_probabilities=theirs,
        slices={"lang": np.array([("de", "en", "")[number % 3] for number in range(count)], object)}
        if slices
        else None,
    )


@pytest.fixture
def many(make_run):
    made = make_run()
    found = predictions(3, slices=True)
    gate = GateSettings(
        min_accuracy=0.5,
        conditions=[
            {"metric": "recall", "class": COLORS[2], "at_least": 0.99},
            {"metric": "accuracy", "slice": "lang", "max_gap": 0.9},
        ],
    )
    verdict = judge(
        gate,
        found,
        split="test",
        baseline=Baseline(model_uri="/live"),
        classes=COLORS,
        shared_classes=COLORS[:2],
    )
    folder = made.path("Evaluator", "evaluation")
    (folder / FILE_NAME).write_bytes(found.to_bytes())
    (folder / "verdict.json").write_text(verdict.to_json())
    settings = Settings(data={"classes": COLORS, "slice_columns": ["lang"]})
    return made, settings, verdict


def test_the_temperature_and_the_warnings_of_the_data_check_are_told(many):
    made, settings, _ = many
    lines = ["eval: fewer than 20 reviews of red (3)", "test: fewer than 20 reviews of <red> (9)"]
    verdict = made.path("DataCheck", "verdict")
    verdict.rmdir()  # a JSON value is a file
    verdict.write_text(json.dumps({"splits": {}, "warnings": lines}))
    history = made.path("Trainer", "model_run") / "history.json"
    calibration = {"calibration": {"scale": 2.5, "offset": 0.0}}
    history.write_text(json.dumps(json.loads(history.read_text()) | calibration))
    page = write_report(made.run, made.result, settings, workspace=made.root).read_text(encoding="utf-8")
    assert check_warnings(made.run) == lines
    assert page.count("<li>test: fewer than 20 reviews of ") + page.count("<li>eval: fewer than ") == 2
    assert "&lt;red&gt; (9)</li>" in page
    row = '<th scope="row">calibration: temperature of the logits</th><td class="num">0.400</td>'
    assert row in page


def test_the_page_has_the_charts_the_table_and_the_conditions_of_classes(many):
    made, settings, verdict = many
    page = write_report(made.run, made.result, settings, workspace=made.root).read_text(encoding="utf-8")

    for chart in ("confusion", "roc", "reliability", "slices", "metadata-0"):
        assert f'id="{chart}-' in page
    assert "certainty-" not in page
    assert "recall of a color with a long &lt;name&gt; ≥ 0.99" in page
    assert "gap of accuracy ≤ 0.9" in page
    assert "balanced accuracy ≥ 0.3333" in page
    assert "<name>" not in page
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))
    red = verdict.classes[0]
    assert f"red {red['example_count']:.0f} {red['precision']:.3f}" in text
    assert "Most confident errors on red" in text
    assert "Between two classes" in text


def test_the_card_has_the_metrics_of_each_class_and_slice(many):
    made, settings, verdict = many
    card, page = model_card.render(made.run, made.result, settings, run_artifacts.gather(made.run))

    assert "Tells which of 3 classes a text belongs to, with a probability of each: red, green," in card
    assert "then one softmax" in card
    low, high = verdict.classes[1]["recall_interval"]
    assert f"{verdict.classes[1]['recall']:.3f} ({low:.3f} to {high:.3f})" in card
    assert "| macro F1 |" in card
    assert "| lang | Examples | Accuracy |" in card
    assert "| (none) | 100 |" in re.sub(r"\\", "", card)
    assert page.count("<table>") >= 6


def test_the_model_before_is_compared_on_the_classes_that_it_knows():
    found = predictions(3)
    shown = Shown.of(found)

    assert sum(shown.against_baseline().values()) == np.count_nonzero(found.label < 2)


def test_the_wrongest_examples_are_of_the_class_and_the_most_confident_first():
    shown = Shown.of(predictions(3))
    chosen = shown.wrongest_of(1, count=3)

    assert len(chosen) == 3
    assert not shown.right[chosen].any() and (shown.label[chosen] == 1).all()
    assert list(shown.probability[chosen]) == sorted(shown.probability[chosen], reverse=True)


def test_the_nearest_examples_have_two_classes_of_nearly_the_same_probability():
    shown = Shown.of(predictions(3))
    (nearest,) = shown.least_confident(count=1)

    first, second = np.sort(shown.probabilities[nearest])[:0:-1]
    assert first - second < 0.05


@pytest.mark.parametrize(("classes", "numbers"), [(3, True), (10, True), (11, False), (40, False)])
def test_a_matrix_of_many_classes_has_shades_without_numbers(classes, numbers):
    names = tuple(f"class {number}" for number in range(classes))
    shown = Shown.of(predictions(classes, count=600))
    shown = type(shown)(**vars(shown) | {"classes": names})
    svg = charts.confusion(shown)

    assert f"Confusion matrix of {classes} classes; " in svg
    assert (f">{shown.confusion[0][0]:,}</text>" in svg) == numbers
    assert "class 0" in svg


def test_the_class_with_the_smallest_area_is_named():
    shown = Shown.of(predictions(3))
    shown = type(shown)(**vars(shown) | {"classes": COLORS})
    areas = {name: shown.roc_of(number)[2] for number, name in enumerate(COLORS)}
    worst = min(areas, key=areas.get)

    assert f"lowest {charts.short(worst)} {areas[worst]:.4f}".replace("<", "&lt;") in charts.roc(shown)


def test_a_class_without_examples_has_no_curve():
    found = predictions(3)
    shown = Shown.of(found.where(found.label < 2))
    shown = type(shown)(**vars(shown) | {"classes": COLORS})

    assert "ROC curves of 2 classes against the rest" in charts.roc(shown)


def test_a_verdict_survives_its_json(many):
    *_, verdict = many
    content = json.loads(verdict.to_json())

    assert [each["class"] for each in content["conditions"] if each["class"]] == [COLORS[2]]
    assert content["comparison"]["classes"] == ["red", "green"]
    assert type(verdict).from_json(verdict.to_json()).to_json() == verdict.to_json()


def test_the_tables_of_more_than_twenty_classes_are_folded_below_the_lowest_f1(make_run):
    made, names = make_run(), tuple(f"class {number}" for number in range(24))
    found = predictions(24, count=600)
    verdict = judge(
        GateSettings(min_accuracy=0.1),
        found,
        split="test",
        baseline=Baseline(model_uri="/live"),
        classes=names,
    )
    folder = made.path("Evaluator", "evaluation")
    (folder / FILE_NAME).write_bytes(found.to_bytes())
    (folder / "verdict.json").write_text(verdict.to_json())
    settings = Settings(data={"classes": names})
    page = write_report(made.run, made.result, settings, workspace=made.root).read_text(encoding="utf-8")
    assert page.count("<details><summary>All 24 classes</summary>") == 2  # of the data, and of the quality
    lowest = page[page.index('aria-label="The classes with the lowest F1"') :]
    rows = re.findall(
        r'<th role="rowheader" scope="row">(class \d+)</th>', lowest[: lowest.index("</table>")]
    )
    by_f1 = sorted(verdict.classes, key=lambda one: one["f1"])
    assert rows == [one["class"] for one in by_f1[:10]]
    assert '<figure class="card broad">' in page
