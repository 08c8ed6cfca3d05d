"""The study of few labels: its draws, its table, its words, its files; and one real, small study."""

import dataclasses
import json
import re
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from components.errors import InputError
from pipeline import config
from pipeline.study.labels import baseline
from pipeline.study.labels import draws as drawing
from pipeline.study.labels import page as study_page
from pipeline.study.labels import study as studies
from pipeline.study.labels import text as study_text
from pipeline.study.labels.result import BASELINE, OURS, DrawScore, LabelStudyResult, SizeScores


def scores(labels: int, ours: Sequence[float], theirs: Sequence[float]) -> SizeScores:
    draws = [
        DrawScore(number, {OURS: a, BASELINE: b}, {OURS: 2.0, BASELINE: 0.5})
        for number, (a, b) in enumerate(zip(ours, theirs, strict=True), start=1)
    ]
    return SizeScores(labels, draws)


def make_result(**changed) -> LabelStudyResult:
    made = LabelStudyResult(
        embedding="glove-6b-50d",
        sizes=[scores(100, (0.70, 0.74), (0.71, 0.67)), scores(2500, (0.86, 0.88), (0.88, 0.88))],
        left_out=[],
        available=20_000,
        judged=5000,
        seconds=60.0,
    )
    return dataclasses.replace(made, **changed)


def test_means_deviations_and_wins_are_those_of_the_draws():
    small, large = make_result().sizes

    assert (small.mean(OURS), small.mean(BASELINE)) == (pytest.approx(0.72), pytest.approx(0.69))
    assert small.deviation(OURS) == pytest.approx(0.02 * 2**0.5)
    assert small.difference == pytest.approx(0.03)
    assert (small.wins, large.wins) == (1, 1)


def test_a_single_draw_has_no_deviation():
    assert scores(100, (0.7,), (0.7,)).deviation(OURS) == 0.0


def test_the_conclusion_names_the_sizes_below_the_baseline():
    assert study_text.conclusion(make_result()) == (
        "The mean accuracy is below that of TF-IDF + logistic regression at 2,500 labels, by up to 0.0100."
    )


def test_the_conclusion_says_that_no_size_is_below_the_baseline():
    assert study_text.conclusion(make_result(sizes=[scores(100, (0.7,), (0.7,))])) == (
        "At every size the mean accuracy is at least that of TF-IDF + logistic regression."
    )


def test_the_terminal_shows_the_table_within_100_columns():
    shown = study_text.as_text(make_result(left_out=[50_000], files={"page": "/ws/index.html"}))

    assert (
        "    100    0.7200 ± 0.0283                0.6900 ± 0.0283      +0.0300             1 of 2" in shown
    )
    assert "2 draws of each size from 20,000 examples, judged on the same 5,000 others." in shown
    assert "Left out, for lack of examples: 50,000 labels." in " ".join(shown.split())
    assert shown.endswith("page: /ws/index.html")
    assert all(len(line) <= 100 for line in shown.splitlines())


def test_json_holds_every_draw_and_can_be_written():
    found = json.loads(json.dumps(make_result().to_json()))

    assert found["study"] == "labels"
    assert found["baseline"] == baseline.DESCRIPTION
    small = found["sizes"][0]
    assert small["accuracy"]["greenlight"]["mean"] == pytest.approx(0.72)
    assert small["draws"][1] == {
        "draw": 2,
        "accuracy": {"greenlight": 0.74, "baseline": 0.67},
        "seconds": {"greenlight": 2.0, "baseline": 0.5},
    }


def test_page_and_pictures_are_written_and_the_same_each_time(tmp_path: Path):
    files = study_page.write(make_result(), tmp_path / "a")
    again = study_page.write(make_result(), tmp_path / "b")

    assert Path(files["png"]).read_bytes().startswith(b"\x89PNG")
    ElementTree.fromstring(Path(files["svg"]).read_text(encoding="utf-8"))
    for name in ("page", "png", "svg"):
        assert Path(files[name]).read_bytes() == Path(again[name]).read_bytes()


def test_the_page_needs_nothing_else_and_describes_its_chart():
    page = study_page.page(make_result())

    assert "<script" not in page
    assert all(target.startswith("#") for target in re.findall(r'(?:href|src)="([^"]*)"', page))
    assert page.count('<svg class="chart"') == 1
    assert "100: 0.720 against 0.690; 2,500: 0.870 against 0.880" in page


def drawn(sizes: Sequence[int], *, count: int = 2, seed: int = 1) -> list[drawing.Draw]:
    rows = [f"row {number}" for number in range(50)]
    return list(drawing.draws(rows, sizes, count=count, seed=seed, train_share=0.75))  # type: ignore[arg-type]


def test_a_draw_is_divided_and_contains_its_smaller_sizes():
    small, other, large, _ = drawn([8, 40])

    assert (len(small.train), len(small.evaluation), small.labels) == (6, 2, 8)
    assert len({*small.rows}) == 8
    assert {*small.rows} < {*large.rows}
    assert {*small.rows} != {*other.rows}


def test_draws_depend_on_the_seed_alone():
    assert drawn([8]) == drawn([8])
    assert drawn([8]) != drawn([8], seed=2)


def test_the_smallest_draw_still_has_a_review_on_both_sides():
    assert [(len(draw.train), len(draw.evaluation)) for draw in drawn([2], count=1)] == [(1, 1)]


def test_sizes_beyond_the_reviews_are_left_out():
    assert drawing.fitting_sizes([500, 100, 100, 15_000], 600) == ([100, 500], [15_000])


def test_a_source_that_allows_no_size_is_refused():
    with pytest.raises(InputError, match=r"draws from the 60 examples .* smallest of --sizes, 1,000\."):
        drawing.fitting_sizes([2500, 1000], 60)


def test_a_draw_of_one_class_is_refused():
    (draw,) = drawn([4], count=1)
    with pytest.raises(InputError, match=r"All 4 examples of draw 1 are spam: .*--sizes"):
        drawing.require_both_classes(np.ones(4, np.int64), draw, ("ham", "spam"))


def test_the_baseline_learns_the_words_of_a_class():
    texts = ["a fine film", "a dull film", "fine acting", "dull acting"]
    predict = baseline.fit(texts, np.array([1, 0, 1, 0]))

    assert list(predict(["so fine", "so dull"])) == [1, 0]


def settings_of(tmp_path: Path, *assignments: str, source: str = "packaged") -> config.Settings:
    return config.load(source=source, assignments=[f"cache_dir={tmp_path / 'cache'}", *assignments])


def test_a_source_without_a_test_split_is_refused(tmp_path: Path):
    source = tmp_path / "reviews.csv"
    source.write_text("text,label\n" + "".join(f"film {n},{n % 2}\n" for n in range(40)), encoding="utf-8")
    settings = settings_of(tmp_path, "data.test_weight=0", source=f"files:{source}")

    with pytest.raises(InputError, match=r"examples in train, eval and test; there is none in test\."):
        studies.few_labels(settings, sizes=[10], draws=1, output_dir=tmp_path / "out")


@pytest.mark.proof
def test_a_small_study_fits_and_judges_both_models(tmp_path: Path):
    settings = settings_of(tmp_path, "embedding.vocabulary_size=2000", "data.limit=600", "trainer.epochs=2")
    told: list[str] = []
    result = studies.few_labels(
        settings, sizes=[60, 200, 100_000], draws=2, output_dir=tmp_path / "out", progress=told.append
    )

    assert [size.labels for size in result.sizes] == [60, 200]
    assert list(result.left_out) == [100_000]
    assert result.available + result.judged == 600
    assert all(0.4 < accuracy < 1 for size in result.sizes for accuracy in size.accuracies(BASELINE))
    assert len({tuple(draw.accuracy.items()) for size in result.sizes for draw in size.draws}) > 1
    assert {Path(path).name for path in result.files.values()} == {"index.html", "labels.png", "labels.svg"}
    assert any(line.startswith("60 labels, draw 2: epoch 2/2") for line in told)
    assert any(re.match(r"200 labels, draw 1: greenlight 0\.\d{4}, TF-IDF", line) for line in told)
