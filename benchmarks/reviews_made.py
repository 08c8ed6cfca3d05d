"""Synthetic reviews in any number, recombined from sentences of real ones, reproducibly."""

import csv
import json
import random
import re
from collections.abc import Iterator
from pathlib import Path

from components.example_gen.sources.packaged import IMDB, csv_path

SEED = 1
REVIEWS_A_FILE = 25_000
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+")


def real_reviews() -> list[tuple[str, int]]:
    """The 25,000 packaged reviews with their labels, in the order of the file."""
    with csv_path().open(encoding="utf-8", newline="") as lines:
        return [(row["text"], int(row["label"])) for row in csv.DictReader(lines) if row["source"] == IMDB]


def recombined(originals: list[tuple[str, int]], count: int) -> Iterator[tuple[str, int]]:
    """`count` reviews; each has as many sentences as a real one, drawn from real ones of its label."""
    chance = random.Random(SEED)
    lengths: list[tuple[int, int]] = []
    sentences: dict[int, list[str]] = {0: [], 1: []}
    for text, label in originals:
        found = _SENTENCE_END.split(text)
        lengths.append((len(found), label))
        sentences[label] += found
    for _ in range(count):
        length, label = chance.choice(lengths)
        yield " ".join(chance.choices(sentences[label], k=length)), label


def write(folder: Path, count: int, *, a_file: int = REVIEWS_A_FILE) -> str:
    """Writes `count` reviews as JSONL files of `a_file`; returns the pattern that matches them."""
    made = recombined(real_reviews(), count)
    for start in range(0, count, a_file):
        path = folder / f"reviews-{start // a_file:05d}.jsonl"
        with path.open("w", encoding="utf-8") as file:
            for _, (text, label) in zip(range(min(a_file, count - start)), made, strict=False):
                file.write(json.dumps({"text": text, "label": label}) + "\n")
    return str(folder / "reviews-*.jsonl")
