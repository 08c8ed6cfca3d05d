"""`greenlight data add` and `list` of files of more than two classes, named or learned."""

import csv
import json
from pathlib import Path

import pytest

NAMES = ["business", "sports", "world"]


@pytest.fixture
def news(in_tmp_path):
    def write(name: str, labels: list[str]) -> str:
        with Path(name).open("w", newline="") as file:
            rows = [(f"the text {number} of {name}", label) for number, label in enumerate(labels)]
            csv.writer(file).writerows([("text", "label"), *rows])
        return name

    return write


@pytest.fixture
def in_tmp_path(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def told(greenlight, *arguments):
    result = greenlight(*arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_the_classes_of_a_span_are_counted_by_name(greenlight, news):
    given = ("--set", f"data.classes={json.dumps(NAMES)}")
    file = news("monday.csv", ["world", "Sports", "sports", "business"])
    result = greenlight("data", "add", file, *given)
    assert (result.exit_code, result.stderr) == (0, "")
    first = result.stdout.splitlines()[0]
    assert first == ("Landed as span 1: examples 4, business 25.0%, sports 50.0%, world 25.0%, duplicates 0")
    (span,) = told(greenlight, "data", "list", *given)
    assert span["classes"] == {"world": 1, "sports": 2, "business": 1}
    assert span["positive_share"] is None
    header, row = greenlight("data", "list", *given).stdout.splitlines()
    assert "classes" in header and "sports 50.0%" in row


def test_a_span_without_a_class_is_said_to_lack_it(greenlight, news):
    given = ("--set", f"data.classes={json.dumps(NAMES)}")
    result = greenlight("data", "add", news("monday.csv", ["sports", "business"]), *given)
    assert (
        result.stderr == "Warning: No example is world; a run on this span alone stops at the data check.\n"
    )


def test_learned_classes_are_those_of_the_file_and_of_the_spans(greenlight, news):
    given = ("--set", "data.classes=auto")
    assert told(greenlight, "data", "add", news("monday.csv", ["world", "sports"]), *given)["classes"] == {
        "world": 1,
        "sports": 1,
    }
    added = told(greenlight, "data", "add", news("tuesday.csv", ["business", "business"]), *given)
    assert added["reviews"] == 2 and added["classes"] == {"business": 2}
    spans = told(greenlight, "data", "list", *given)
    assert [span["classes"] for span in spans] == [{"world": 1, "sports": 1}, {"business": 2}]


def test_other_labels_are_answered_with_the_line_to_set(greenlight, news):
    result = greenlight("data", "add", news("monday.csv", NAMES * 100))
    assert result.exit_code == 4
    assert 'set data.classes = ["business", "sports", "world"] in greenlight.toml' in result.stderr


def test_mapped_labels_are_landed_under_their_names(greenlight, news):
    labels = '{"1" = "bad", "2" = "bad", "3" = "fair", "4" = "good", "5" = "good"}'
    given = ("--set", 'data.classes=["bad", "fair", "good"]', "--set", f"data.labels={labels}")
    added = told(greenlight, "data", "add", news("stars.csv", ["1", "2", "3", "5", "6"]), *given)
    assert added["classes"] == {"bad": 2, "fair": 1, "good": 1}
    assert added["left_out_labels"] == {"6": 1}
    with Path(added["file"]).open(newline="") as landed:
        assert [row["label"] for row in csv.DictReader(landed)] == ["bad", "bad", "fair", "good"]
