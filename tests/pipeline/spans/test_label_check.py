"""`greenlight data add` names labels that look wrong, and leaves their rows out where that is asked for."""

import csv
import errno
import json
import random
from collections.abc import Iterable
from pathlib import Path

import pytest

from components.errors import MachineFault
from components.example_gen.settings import DataSettings
from components.example_gen.sources.packaged import PackagedPart
from pipeline.spans.labels import QUARANTINED
from pipeline.spans.landing import land
from serving.storage.local import LocalFiles


@pytest.fixture(scope="module")
def reviews() -> list[tuple[str, int]]:
    some = random.Random(7).sample(list(PackagedPart().rows()), 700)
    return [(review.text, review.label) for review in some]


@pytest.fixture
def written(tmp_path, reviews):
    """Writes some of the reviews, the first of them with the wrong label, and returns the name."""

    def write(wrong: int, *, name: str = "monday.csv", some: slice = slice(None)) -> str:
        with (tmp_path / name).open("w", encoding="utf-8", newline="") as file:
            rows = [
                (text, 1 - label if n < wrong else label) for n, (text, label) in enumerate(reviews[some])
            ]
            csv.writer(file).writerows([("text", "label"), *rows])
        return name

    return write


def add(greenlight, name: str, *settings: str):
    told = [part for setting in settings for part in ("--set", setting)]
    return greenlight("data", "add", name, "--json", *told)


def test_right_labels_are_landed_without_a_warning(greenlight, written):
    result = add(greenlight, written(0))
    facts = json.loads(result.stdout)
    assert (result.exit_code, facts["reviews"], facts["warnings"]) == (0, 700, [])
    assert facts["labels_examined"] == 700 and facts["suspected_labels"] < 42


@pytest.mark.parametrize("mode", ["report", "quarantine rows", "quarantine span"])
def test_no_limit_is_held_against_the_suspects_of_too_few_texts(greenlight, written, mode):
    """Of 300 reviews with right labels as many can be suspected: the model, not the labels, is at fault."""
    added = add(greenlight, written(15, some=slice(300)), f"check.label_check={mode}")
    facts = json.loads(added.stdout)
    assert (added.exit_code, facts["examples"], facts["warnings"]) == (0, 300, [])
    assert facts["suspected_labels"] > 35 and facts["label_limit_applies"] is False


def test_the_limit_holds_for_a_few_texts_beside_enough_others(greenlight, written):
    add(greenlight, written(0, some=slice(100, None)))
    shown = greenlight("data", "add", written(60, name="few.csv", some=slice(100)))
    assert "labels look wrong; they are added unchanged." in shown.stderr
    assert "; 2 to 5 % are only hard to tell)" in shown.stdout


def test_wrong_labels_are_named_by_file_and_line(greenlight, written):
    result = add(greenlight, written(140))
    facts = json.loads(result.stdout)
    assert (result.exit_code, facts["reviews"]) == (0, 700)
    assert facts["suspected_labels"] > 80 and len(facts["first_suspected"]) == 10
    assert all(line.startswith("monday.csv:") for line in facts["first_suspected"])
    assert "labels look wrong; they are added unchanged." in result.stderr


def test_suspected_rows_are_quarantined(greenlight, written, reviews):
    result = add(greenlight, written(140), "check.label_check=quarantine rows")
    facts = json.loads(result.stdout)
    assert facts["reviews"] == 700 - facts["suspected_labels"]
    folder = Path(facts["file"]).parent
    with (folder / ".quarantined.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == facts["suspected_labels"]
    right = dict(reviews)
    assert sum(int(row["label"]) != right[row["text"]] for row in rows) > 0.5 * len(rows)
    again = json.loads(add(greenlight, "monday.csv", "check.label_check=quarantine rows").stdout)
    assert (again["added"], again["span"], again["warnings"]) == (False, 1, [])
    listed = json.loads(greenlight("data", "list", "--json").stdout)
    assert [span["reviews"] for span in listed] == [facts["reviews"]]


def test_the_rows_that_are_left_keep_their_meaning_under_other_labels_and_another_delimiter(
    greenlight, tmp_path, reviews
):
    stars = [(text, 1 if label == (n < 140) else 5) for n, (text, label) in enumerate(reviews)]
    with (tmp_path / "stars.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, delimiter=";").writerows([("text", "label"), *stars, (" ", 5)])
    dialect = ("data.delimiter=;", 'data.labels={"1" = "negative", "5" = "positive"}')

    result = add(greenlight, "stars.csv", "check.label_check=quarantine rows", *dialect)

    facts = json.loads(result.stdout)
    assert (result.exit_code, facts["reviews"]) == (0, 700 - facts["suspected_labels"])
    assert (facts["rows"], facts["left_out"]) == (facts["reviews"] + 1, {"empty text": 1})
    assert Path(facts["file"]).name == "stars.jsonl"
    rows = map(json.loads, Path(facts["file"]).read_text(encoding="utf-8").splitlines())
    kept = [(row["text"], row["label"]) for row in rows]
    with Path(facts["file"]).with_name(".quarantined.csv").open(encoding="utf-8", newline="") as file:
        left_out = [(row["text"], row["label"]) for row in csv.DictReader(file, delimiter=";")]
    names = {1: "negative", 5: "positive"}
    assert sorted(kept + left_out) == sorted((text, names[label]) for text, label in stars)
    assert facts["positive_share"] == sum(label == "positive" for _, label in kept) / facts["reviews"]
    (listed,) = json.loads(greenlight("data", "list", "--json").stdout)
    assert (listed["rows"], listed["left_out"]) == (facts["rows"], facts["left_out"])
    quarantined = Path(facts["file"]).with_name(".quarantined.csv")
    mended = json.loads(add(greenlight, str(quarantined), "check.label_check=off").stdout)
    assert (mended["span"], mended["reviews"]) == (2, facts["suspected_labels"])


def test_the_quarantined_rows_have_the_dialect_of_the_others(greenlight, written, tmp_path):
    path = tmp_path / written(140)
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, delimiter=";").writerows(rows)
    semicolons = "data.delimiter=;"
    added = add(greenlight, path.name, semicolons, "check.label_check=quarantine rows")
    facts = json.loads(added.stdout)
    quarantined = Path(facts["file"]).with_name(".quarantined.csv")
    mended = json.loads(add(greenlight, str(quarantined), semicolons, "check.label_check=off").stdout)
    assert mended["reviews"] == facts["suspected_labels"]


def test_rows_are_not_quarantined_where_the_rest_could_not_be_read(greenlight, written, tmp_path):
    csv_alone = "data.source=files:in/span-{SPAN}/*.[ct]sv"
    settings = ("check.label_check=quarantine rows", "data.quoting=none")
    with (tmp_path / written(140)).open(encoding="utf-8", newline="") as rows:
        lines = [f"{text.replace(chr(9), ' ')}\t{label}\n" for text, label in csv.reader(rows)]
    (tmp_path / "plain.tsv").write_text("".join(lines), encoding="utf-8")
    result = add(greenlight, "plain.tsv", *settings, csv_alone)
    assert result.exit_code == 2
    assert "plain.tsv has to be rewritten as CSV with quotes" in result.stderr
    assert not list(tmp_path.glob("in/span-*"))
    landed = json.loads(add(greenlight, "plain.tsv", *settings).stdout)
    assert landed["file"].endswith("span-1/plain.jsonl")


def test_a_span_of_too_many_wrong_labels_is_refused(greenlight, written, tmp_path):
    result = add(greenlight, written(140), "check.label_check=quarantine span")
    assert result.exit_code == 4
    assert (
        "monday.csv was not landed: " in result.stderr and "check.max_suspect_share = 8.0%" in result.stderr
    )
    assert "Correct them, or add it nevertheless with --set check.label_check=report." in result.stderr
    assert not list(tmp_path.glob("workspace/spans/span-*"))
    assert add(greenlight, written(0), "check.label_check=quarantine span").exit_code == 0


def test_labels_that_cannot_be_judged_are_not_taken_for_right_ones(greenlight, written):
    written(0)
    lines = Path("monday.csv").read_text().splitlines(keepends=True)
    Path("monday.csv").write_text("".join(lines[:40]))
    told = json.loads(add(greenlight, "monday.csv").stdout)
    assert "are needed" in told["labels_not_judged"] and "suspected_labels" not in told
    Path("tuesday.csv").write_text("".join([lines[0], *lines[50:90]]))
    shown = greenlight("data", "add", "tuesday.csv")
    assert "  labels    not judged: " in shown.stdout, shown.output


def test_labels_are_not_looked_at_where_that_is_off(greenlight, written):
    result = add(greenlight, written(140), "check.label_check=off")
    assert result.exit_code == 0 and "suspected_labels" not in json.loads(result.stdout)


def test_the_quarantined_rows_are_landed_with_the_span_or_not_at_all(tmp_path):
    """A disk that fails when they are written leaves no span without them."""

    class Full(LocalFiles):
        def write(self, path: str, chunks: Iterable[bytes]) -> None:
            if path.endswith(QUARANTINED):
                raise OSError(errno.ENOSPC, "No space left on device")
            super().write(path, chunks)

    file = tmp_path / "a.csv"
    file.write_text("text,label\na fine film,1\n")
    data = DataSettings(source=f"files:{tmp_path}/spans/span-{{SPAN}}/*")
    with pytest.raises(MachineFault, match="Nothing can be landed in "):
        land(file, data, files=Full(), beside={QUARANTINED: [b"line\n"]})
    assert not list(tmp_path.glob("spans/span-*")) and not list(tmp_path.glob("spans/.incoming-*"))
    landed = land(file, data, beside={QUARANTINED: [b"line\n"]})
    assert Path(landed.path).with_name(QUARANTINED).read_bytes() == b"line\n"


def test_a_file_that_changes_while_its_labels_are_examined_is_not_landed(greenlight, written, monkeypatch):
    from components.label_check import suspects

    def examine(*arguments, **given):
        with Path("monday.csv").open("a") as file:
            file.write("one more,1\n")
        return suspects.LabelCheck(0, 0, not_judged="nothing to learn from")

    monkeypatch.setattr(suspects, "find_suspects", examine)
    result = add(greenlight, written(0))
    assert result.exit_code == 2
    assert "monday.csv was written to while it was read. Add it when that is done." in result.stderr
    assert not list(Path().glob("workspace/spans/span-*"))
