"""What is measured of a span before any model is asked: how much of it a run would read anyway."""

import csv
import itertools

import pytest

from components.example_gen.sources.packaged import PackagedPart
from pipeline.config import load
from pipeline.retraining import measuring


@pytest.fixture(scope="module")
def packaged() -> list[str]:
    return [review.text for review in itertools.islice(PackagedPart().rows(), 3)]


def measured(folder, texts, *assignments):
    """What is told of a span of these texts in a workspace without a model."""
    file = folder / "spans" / "span-1" / "reviews.csv"
    file.parent.mkdir(parents=True)
    with file.open("w", newline="", encoding="utf-8") as opened:
        csv.writer(opened).writerows([("text", "label"), *((text, 1) for text in texts)])
    source = f"data.source=files:{folder}/spans/span-{{SPAN}}/*.csv"
    return measuring.examine(load(assignments=[f"workspace={folder}/workspace", source, *assignments]), 1)


def test_packaged_reviews_are_counted_where_a_run_reads_the_packaged_reviews_too(tmp_path, packaged):
    texts = [*packaged, packaged[0].upper() + "  ", "A film outside the package."]
    told = measured(tmp_path, texts, "data.with_base=true")
    assert (told["rows"], told["in_base"]) == (5, 4)
    assert (told["data"]["rows"], told["data"]["used"]) == (5, 5)


def test_where_a_run_reads_spans_alone_their_packaged_reviews_count_in_full(tmp_path, packaged):
    assert measured(tmp_path, packaged)["in_base"] == 0


def test_rows_whose_label_is_probably_wrong_are_counted_and_named(tmp_path):
    good, bad = "a wonderful and moving film number {}", "a dull and tiresome film number {}"
    rows = [((good, bad)[number % 2].format(number), 1 - number % 2) for number in range(400)]
    rows[10], rows[11] = (rows[10][0], 0), (rows[11][0], 1)
    file = tmp_path / "spans" / "span-1" / "reviews.csv"
    file.parent.mkdir(parents=True)
    with file.open("w", newline="", encoding="utf-8") as opened:
        csv.writer(opened).writerows([("text", "label"), *rows])
    source = f"data.source=files:{tmp_path}/spans/span-{{SPAN}}/*.csv"
    told = measuring.examine(load(assignments=[f"workspace={tmp_path}/workspace", source]), 1)
    assert (told["suspects"], told["examined"], told["labels_not_judged"]) == (2, 400, None)
    assert sorted(told["suspect_rows"]) == ["reviews.csv:12", "reviews.csv:13"]


def test_too_few_rows_are_not_judged_and_it_is_said(tmp_path, packaged):
    told = measured(tmp_path, packaged)
    assert told["suspects"] == told["examined"] == 0
    assert "are needed" in told["labels_not_judged"]
    assert told["label_limit_applies"] is False
