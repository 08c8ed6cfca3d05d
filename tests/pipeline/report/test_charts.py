"""The charts: valid, repeatable SVG in the colors of the page, also where there is little to draw."""

import re
from xml.etree import ElementTree

import numpy as np
import pytest

from pipeline.report import chart_style, charts
from pipeline.report.predictions import Interval, Predictions

EPOCHS = [
    {"epoch": n, "loss": 1 / n, "accuracy": 0.5 + n / 20, "val_loss": 1.2 / n, "val_accuracy": 0.5 + n / 25}
    for n in range(1, 9)
]
WIDTH_OF_A_CHARACTER = 0.55
"""In sizes of the font, about."""


def few_predictions() -> Predictions:
    return Predictions(
        text=("a", "b", "c", "d"),
        label=np.array([0, 1, 0, 1]),
        probability=np.array([0.1, 0.9, 0.6, 1.0]),
        length=("short",) * 4,
    )


def draw_all() -> dict[str, str]:
    predictions = few_predictions()
    return {
        "loss": charts.learning_curve(EPOCHS, metric="loss", restored=3),
        "accuracy": charts.learning_curve(EPOCHS, metric="accuracy", restored=8),
        "roc": charts.roc(predictions),
        "reliability": charts.reliability(predictions.calibration()),
        "certainty": charts.certainty(predictions),
        "slices": charts.slices(predictions.slices(), overall=0.75, floors={"short": 0.8}),
        "lengths": charts.lengths({"train": range(10, 120, 10), "eval": range(10, 120, 10)}),
    }


@pytest.fixture(scope="module")
def drawn() -> dict[str, str]:
    return draw_all()


def test_charts_are_well_formed_and_described(drawn):
    for svg in drawn.values():
        root = ElementTree.fromstring(svg)
        assert root.get("role") == "img"
        assert root.get("aria-label")
        assert root.get("width") is None and root.get("viewBox")


def test_the_same_numbers_give_the_same_bytes(drawn):
    assert draw_all() == drawn


def test_ids_of_different_charts_never_meet(drawn):
    ids = [name for svg in drawn.values() for name in re.findall(r'\bid="([^"]+)"', svg)]
    used = [name for svg in drawn.values() for name in re.findall(r'(?:url\(#|href="#)([^")]+)', svg)]

    assert len(ids) == len(set(ids))
    assert set(used) <= set(ids)


def test_colours_are_the_pages_own(drawn):
    colors = {color for svg in drawn.values() for color in re.findall(r"#[0-9a-f]{6}\b", svg)}

    assert colors <= {"#ffffff"}  # matplotlib's own, in a definition that nothing shows
    assert "var(--first)" in drawn["loss"] and "var(--second)" in drawn["loss"]


def test_text_stays_text(drawn):
    assert ">epoch 3 kept<" in drawn["loss"]
    assert ">AUC 1.0000<" in drawn["roc"]
    assert ">short, 4 examples<" in drawn["slices"]


def test_one_epoch_and_no_restored_epoch_can_be_drawn():
    svg = charts.learning_curve(EPOCHS[:1], metric="loss", restored=None)

    assert ">validation<" in svg and "kept" not in svg


def test_a_label_cannot_leave_its_attribute():
    with chart_style.drawing() as (figure, _):
        svg = chart_style.inline_svg(figure, name="x", label='"><script>')

    assert 'aria-label="&quot;>&lt;script>"' in svg or 'aria-label="&quot;&gt;&lt;script&gt;"' in svg


def test_names_of_slices_are_escaped():
    svg = charts.slices({"<b>$x_1$": Interval(0.5, 0.4, 0.6, 10)}, overall=0.5)

    assert ">&lt;b&gt;$x_1$, 10 examples<" in svg


def test_no_text_is_cut_at_the_edge(drawn):
    at_the_ends_of_the_axis = [
        charts.slices({"short": Interval(1.0, 0.6, 1.0, 12)}, overall=1.0),
        charts.slices({"short": Interval(0.91, 0.82, 0.93, 12)}, overall=0.9),
        charts.lengths({"train": [100, *range(110, 190, 10), 190, 10_000]}),
    ]
    for svg in [*drawn.values(), *at_the_ends_of_the_axis]:
        root = ElementTree.fromstring(svg)
        width = float(root.get("viewBox").split()[2])
        for text in root.iter("{http://www.w3.org/2000/svg}text"):
            if "rotate(-90" in text.get("transform", ""):
                continue
            style = text.get("style")
            size = float(re.search(r"font-size: ([\d.]+)px", style)[1])
            anchor = re.search(r"text-anchor: (\w+)", style)
            length = WIDTH_OF_A_CHARACTER * size * len(text.text)
            left = float(text.get("x")) - {"middle": length / 2, "end": length}.get(anchor and anchor[1], 0)
            assert left > 0 and left + length < width, (
                f"{text.text} goes from {left:.0f} to {left + length:.0f}"
            )


def test_no_length_below_a_word_is_on_the_axis():
    assert ">0<" not in charts.lengths({"train": [1] * 11})


@pytest.mark.parametrize("deciles", [range(12, 23), range(20, 31), range(100, 1200, 100), [1] * 11])
def test_lengths_of_any_range_have_ticks_of_plain_text(deciles):
    drawn = charts.lengths({"train": list(deciles)})
    assert "mathdefault" not in drawn and "$" not in drawn
