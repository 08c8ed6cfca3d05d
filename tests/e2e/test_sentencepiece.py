"""A model on a SentencePiece module, for Chinese, Japanese and Arabic: from the file to its predictions."""

import csv
import importlib.util
import json
import random

import processes
import pytest
from text_modules import sentencepiece_module

pytestmark = [
    pytest.mark.proof,
    pytest.mark.timeout(900),
    pytest.mark.skipif(
        importlib.util.find_spec(sentencepiece_module.PACKAGE) is None,
        reason="needs tensorflow-text: TEXT=1 make setup",
    ),
]

PARTS = {
    "good": [
        "很好看",
        "非常满意",
        "值得推荐",
        "とても面白くて",
        "満足しています",
        "رائع جدا",
        "ممتازة",
        "لذيذ",
    ],
    "bad": [
        "质量太差了",
        "不会再买",
        "非常失望",
        "つまらない話で",
        "がっかりしました",
        "ممل جدا",
        "سيئة",
        "لن أشتري",
    ],
}
COMMON = ["这本书", "物流", "酒店的位置", "この映画は", "品質", "また", "هذا الكتاب", "الخدمة", "الطعام"]


def rows(count: int, *, seed: int) -> list[tuple[str, str]]:
    pick = random.Random(seed)
    made = []
    for number in range(count):
        label = ("bad", "good")[number % 2]
        parts = [*pick.choices(COMMON, k=5), *pick.choices(PARTS[label], k=2)]
        pick.shuffle(parts)
        made.append(("".join(parts) + str(number), label))
    return made


def test_a_model_on_a_sentencepiece_module_is_promoted_and_answers(run, tmp_path):
    data, workspace = tmp_path / "texts.csv", tmp_path / "workspace"
    with data.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("text", "label"), *rows(600, seed=1)])
    module = sentencepiece_module.save(tmp_path / "module")
    result = run(
        f"data.source=files:{data}",
        'data.classes=["bad", "good"]',
        f"embedding.name={module}",
        "trainer.ngram_order=0",  # the pieces alone
        "trainer.learning_rate=0.02",
        "trainer.epochs=20",
        "gate.min_examples=10",
        "gate.min_accuracy=0.8",
        workspace=workspace,
    )
    assert result.verdict == "promoted", (result.error, result.reasons)

    unseen, file, answers = rows(60, seed=2), tmp_path / "unseen.csv", tmp_path / "answers.jsonl"
    with file.open("w", newline="", encoding="utf-8") as opened:
        csv.writer(opened).writerows([("text",), *((text,) for text, _ in unseen)])
    arguments = ("batch-predict", str(file), str(answers), "--set", f"workspace={workspace}")
    done = processes.greenlight(*arguments, PYTHONPATH=sentencepiece_module.python_path())
    assert done.returncode == 0, done.stderr
    predicted = {
        row["text"]: row["predicted_label"] for row in map(json.loads, answers.read_text().splitlines())
    }
    assert sum(predicted[text] == label for text, label in unseen) > 50

    lacking = processes.python("-c", WITHOUT, *arguments, "--overwrite")
    assert lacking.returncode == 1, lacking.stderr
    assert (
        lacking.stderr.strip()
        .splitlines()[-1]
        .startswith("Error: Version 1 does not load: it uses ops of tensorflow-text (")
    )


WITHOUT = """
import sys
sys.modules["tensorflow_text"] = None  # as if it was not installed
from pipeline.cli import main
main()
"""
