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
    return measuring.span(load(assignments=[f"workspace={folder}/workspace", source, *assignments]), 1)


def test_packaged_reviews_are_counted_where_a_run_reads_the_packaged_reviews_too(tmp_path, packaged):
    texts = [*packaged, packaged[0].upper() + "  ", "A film that nobody has packaged."]
    told = measured(tmp_path, texts, "data.with_base=true")
    assert (told["rows"], told["in_base"]) == (5, 4)


def test_where_a_run_reads_spans_alone_their_packaged_reviews_count_in_full(tmp_path, packaged):
    assert measured(tmp_path, packaged)["in_base"] == 0
