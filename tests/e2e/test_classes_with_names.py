"""Classes with names of their own, from the file to what the model answers."""

import csv
import json
import re
from itertools import islice
from pathlib import Path

import pytest

from components.example_gen.sources.packaged import PackagedPart
from serving.model.loader import load

NAMES = ("trainer.epochs=4", "gate.min_accuracy=off", 'data.classes=["ham", "spam"]')
pytestmark = [pytest.mark.proof, pytest.mark.timeout(900)]


@pytest.fixture
def mail(tmp_path) -> Path:
    """600 of the packaged reviews, with other labels."""
    path = tmp_path / "mail.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "label"])
        writer.writerows(
            [review.text, ("ham", "spam")[review.label]]
            for review in islice(PackagedPart().rows(), 0, None, 40)
        )
    return path


def test_the_names_show_wherever_a_person_looks(run, mail, tmp_path):
    workspace = tmp_path / "workspace"
    result = run(f"data.source=files:{mail}", *NAMES, workspace=workspace)
    assert result.verdict in ("promoted", "refused"), result.error

    (folder,) = workspace.glob("artifacts/Trainer/model/*/Format-Serving")
    model = load(str(folder))
    given = {"text": ["a fine film", "a bad film"]}
    assert set(model.run("serving_default", given)["label"].tolist()) <= {b"ham", b"spam"}
    (canaries,) = workspace.glob("artifacts/InfraValidator/blessing/*/canaries.json")
    found = json.loads(canaries.read_text(encoding="utf-8"))
    assert found["passed"], found["reasons"]
    assert {one["label"] for one in found["canaries"]} <= {"ham", "spam"}

    (evaluation,) = workspace.glob("artifacts/Evaluator/evaluation/*/verdict.json")
    verdict = json.loads(evaluation.read_text(encoding="utf-8"))
    assert verdict["test_set"]["majority_class"] in ("ham", "spam")
    page = Path(result.report).read_text(encoding="utf-8")
    assert "called ham" in page and "probability of spam" in page
    assert not re.findall(r"\bnegatives?\b", page.split('id="settings"')[0])


def test_a_live_model_of_other_classes_is_not_compared(run, mail, tmp_path):
    workspace = tmp_path / "workspace"
    easy = (
        "gate.min_accuracy=0.3",
        "gate.min_balanced_accuracy=off",
        "gate.min_change=-0.5",
        "gate.min_examples=10",
    )
    first = run(*NAMES[:2], *easy, workspace=workspace)
    assert first.verdict == "promoted", first.reasons
    second = run(f"data.source=files:{mail}", *NAMES, *easy, workspace=workspace)
    assert second.verdict == "refused"
    (reason,) = (line for line in second.reasons if "cannot be evaluated" in line)
    assert "its classes are negative and positive, those of the data ham and spam (data.classes" in reason
    assert "greenlight approve" in reason
