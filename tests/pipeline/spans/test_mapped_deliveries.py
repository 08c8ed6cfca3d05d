"""Deliveries with labels and dialects of their own, landed so that default settings read them all."""

import json
from pathlib import Path

import pytest

from components.example_gen.settings import DataSettings
from components.example_gen.sources.preflight import require_source
from pipeline.spans.account import account
from pipeline.spans.labels import check_labels

STARS = 'data.labels={"1"="negative","2"="negative","4"="positive","5"="positive"}'
WORDS = 'data.labels={"bad"="negative","good"="positive"}'


def added(greenlight, name: str, *settings: str) -> dict:
    told = [part for setting in settings for part in ("--set", setting)]
    result = greenlight("data", "add", name, "--json", *told)
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def read(path: str, **settings) -> tuple[int, int, int]:
    """Rows, reviews and positive ones."""
    counted = account([path], DataSettings(**settings))
    return counted.reading.rows, counted.reading.taken, counted.positive


def test_spans_of_two_scales_are_read_with_default_settings(greenlight, tmp_path):
    Path("stars.csv").write_text("text,label\n" + "".join(f"film {n},{n % 5 + 1}\n" for n in range(50)))
    rows = [{"text": f"book {n}", "label": "good" if n % 4 else "bad"} for n in range(20)]
    Path("words.jsonl").write_text("\n".join(map(json.dumps, rows)))
    stars, words = added(greenlight, "stars.csv", STARS), added(greenlight, "words.jsonl", WORDS)

    assert (stars["span"], words["span"]) == (1, 2)
    for settings in ({}, {"labels": {"1": "negative", "0": "positive"}}):
        assert read(stars["file"], **settings) == (40, 40, 20)
        assert read(words["file"], **settings) == (20, 20, 15)
    assert added(greenlight, "stars.csv", STARS)["added"] is False
    require_source(DataSettings(source=f"files:{tmp_path}/workspace/spans/span-{{SPAN}}/*"))


def test_rows_that_the_mapping_leaves_out_are_counted_by_their_label_everywhere(greenlight, tmp_path):
    Path("a.csv").write_text("text,label\n" + "".join(f"film {n},{n % 5 + 1}\n" for n in range(50)))
    told = greenlight("data", "add", "a.csv", "--set", STARS).stdout
    words = "10 label not in data.labels: 10 labeled 3"
    assert f"50 rows read, 40 used, 10 left out ({words})" in told
    record = json.loads((tmp_path / "workspace/spans/span-1/.span.json").read_text())
    assert (record["rows"], record["taken"], record["left_out_labels"]) == (50, 40, {"3": 10})
    assert f"10 ({words})" in greenlight("data", "list").stdout
    (listed,) = json.loads(greenlight("data", "list", "--json").stdout)
    assert (listed["rows"], listed["left_out_labels"]) == (50, {"3": 10})


@pytest.mark.parametrize(
    ("name", "content", "settings"),
    [
        ("a.csv", "text~label\nfine~1\ndull~0\n", ("data.delimiter=~",)),
        ("a.tsv", 'text\tlabel\nsay "fine\t1\ndull"\t0\n', ("data.quoting=none",)),
        ("a.csv", 'text,label\n"\\"fine\\", yes",1\ndull,0\n', ("data.escape=\\",)),
        ("a.csv", "text;label\nfine;5\ndull;1\nso so;3\n", ("data.delimiter=;", STARS)),
    ],
)
def test_a_dialect_of_its_own_is_read_with_default_settings(greenlight, tmp_path, name, content, settings):
    Path(name).write_text(content)
    landed = added(greenlight, name, *settings)
    assert landed["file"].endswith("span-1/a.jsonl")
    assert read(landed["file"]) == (2, 2, 1)
    assert read(landed["file"], delimiter="|", quoting="none") == (2, 2, 1)


def test_what_the_pattern_takes_alone_is_landed_as_it_is(greenlight, tmp_path):
    Path("a.csv").write_text("text~label\nfine~1\ndull~0\n")
    landed = added(greenlight, "a.csv", "data.delimiter=~", "data.source=files:in/span-{SPAN}/*.csv")
    assert Path(landed["file"]).read_bytes() == Path("a.csv").read_bytes()


def test_a_mapping_that_turns_the_names_of_the_classes_around_is_refused(greenlight, tmp_path):
    Path("a.csv").write_text("text,label\nfine,negative\ndull,positive\n")
    turned = 'data.labels={"negative"="positive","positive"="negative"}'
    result = greenlight("data", "add", "a.csv", "--set", turned)
    assert result.exit_code == 2
    assert "data.labels gives the label negative or positive another class" in result.stderr
    assert not (tmp_path / "workspace" / "spans").exists()


def test_the_label_check_reads_older_spans_as_they_were_landed(greenlight, tmp_path, monkeypatch):
    """A 1 of an older span is positive also where the new file's 1 is negative."""
    Path("old.csv").write_text("text,label\nfine,1\ndull,0\n")
    Path("new.csv").write_text("text,label\ngood,5\nbad,1\n")
    seen = []

    def suspects(texts, labels, *, reference):
        seen.append(reference)
        raise StopIteration

    monkeypatch.setattr("components.label_check.suspects.find_suspects", suspects)
    from components.data_check.settings import CheckSettings

    data = DataSettings(labels={"1": "negative", "5": "positive"})
    with pytest.raises(StopIteration):
        check_labels("new.csv", data, CheckSettings(), spans=["old.csv", "new.csv"], data=data)
    assert seen == [(["good", "bad", "fine", "dull"], [1, 0, 1, 0])]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_other_encodings_of_unicode_are_landed(greenlight, tmp_path, encoding):
    Path("a.csv").write_bytes("text;label\ncafé;1\nennui;0\n".encode(encoding))
    assert read(added(greenlight, "a.csv")["file"]) == (2, 2, 1)


SLICED = 'data.slice_columns=["lang"]'


def test_a_delivery_that_is_rewritten_keeps_its_slice_columns(greenlight):
    Path("stars.csv").write_text(
        "text,label,lang\n" + "".join(f"film {n},{n % 5 + 1},{'de' if n % 2 else 'fr'}\n" for n in range(50))
    )
    landed = added(greenlight, "stars.csv", STARS, SLICED)["file"]
    counted = account([landed], DataSettings(source="files:x.csv", slice_columns=("lang",)))
    assert counted.reading.slices == {"lang": {"de": 20, "fr": 20}}


def test_a_delivery_without_the_slice_column_is_refused(greenlight):
    Path("a.csv").write_text("text,label\nfine,1\ndull,0\n")
    result = greenlight("data", "add", "a.csv", "--set", SLICED)
    assert result.exit_code == 2
    assert "a.csv has no column 'lang'" in result.stderr and "data.slice_columns" in result.stderr
