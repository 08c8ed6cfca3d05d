"""A workspace that a real run left behind: 600 of the packaged reviews, one promoted version."""

import csv
import random
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from components.example_gen.sources import packaged

Row = tuple[str, str]


@pytest.fixture(scope="session")
def workspace(finished_workspace, tmp_path_factory) -> Path:
    """A copy, as these tests write into it."""
    return shutil.copytree(finished_workspace, tmp_path_factory.mktemp("drift") / "ws")


@pytest.fixture(scope="session")
def packaged_rows() -> Callable[..., list[Row]]:
    """Text and label of so many packaged rows of a source, taken at random."""
    with packaged.csv_path().open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))

    def take(source: str, count: int, *, seed: int = 1) -> list[Row]:
        of_source = [(row["text"], row["label"]) for row in rows if row["source"] == source]
        return random.Random(seed).sample(of_source, count)

    return take


@pytest.fixture(scope="session")
def write_csv() -> Callable[[Path, Iterable[Row]], str]:
    def write(path: Path, rows: Iterable[Row]) -> str:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([("text", "label"), *rows])
        return str(path)

    return write


@pytest.fixture(scope="session")
def with_spans(workspace, packaged_rows, write_csv, tmp_path_factory) -> Path:
    """A copy of the workspace, elsewhere, in which span 1 is IMDB and span 2 the snippets of another site."""
    copy = tmp_path_factory.mktemp("moved") / "ws"
    shutil.copytree(workspace, copy)
    write_csv(copy / "spans" / "span-1" / "reviews.csv", packaged_rows("imdb", 200, seed=5))
    write_csv(copy / "spans" / "span-2" / "reviews.csv", packaged_rows("rotten_tomatoes", 200, seed=5))
    return copy
