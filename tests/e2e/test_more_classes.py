"""A model of four classes whose names are learned from the labels, from the file to its version."""

import csv
import json
import random
from pathlib import Path

import numpy as np
import pytest

from serving.model.loader import load
from serving.store.manifest import MANIFEST_NAME

pytestmark = [pytest.mark.proof, pytest.mark.timeout(900)]

WORDS = {
    "Business": "market shares profit bank company price trade",
    "Sci/Tech": "planet energy research cell theory computer atom",
    "Sports": "match goal team season player coach league",
    "World": "president war election border minister treaty vote",
}
COMMON = "the of a in on this new first after said about many more two"
SETTINGS = ("data.classes=auto", "trainer.epochs=6", "gate.min_examples=10", "embedding.vocabulary_size=2000")


def rows(count: int, *, seed: int) -> list[tuple[str, str]]:
    pick = random.Random(seed)
    made = []
    for number in range(count):
        name = list(WORDS)[number % 4]
        words = pick.choices(WORDS[name].split(), k=4) + pick.choices(COMMON.split(), k=14)
        pick.shuffle(words)
        made.append((f"{' '.join(words)} {number}", name))
    return made


@pytest.fixture
def news(tmp_path) -> Path:
    path = tmp_path / "news.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("text", "label"), *rows(800, seed=1)])
    return path


def test_a_model_of_four_classes_is_promoted(run, news, tmp_path):
    workspace = tmp_path / "workspace"
    result = run(f"data.source=files:{news}", *SETTINGS, workspace=workspace)
    assert result.verdict == "promoted", (result.error, result.reasons)

    manifest = json.loads((Path(result.model_path) / MANIFEST_NAME).read_text(encoding="utf-8"))
    assert manifest["data"]["settings"]["classes"] == list(WORDS)
    unseen = rows(100, seed=2)
    texts = np.array([text.encode() for text, _ in unseen], object)
    scored = load(result.model_path).run("serving_default", {"text": texts})
    assert scored["probabilities"].shape == (100, 4)
    assert (
        np.mean([label.decode() for label in scored["label"]] == np.array([name for _, name in unseen])) > 0.9
    )

    (check,) = workspace.glob("artifacts/DataCheck/verdict/*/value")
    splits = json.loads(check.read_text(encoding="utf-8"))["splits"]
    counts = [sum(split["classes"][name] for split in splits.values()) for name in WORDS]
    assert sum(counts) == 600 and min(counts) > 100  # the small run takes 600 of the rows
