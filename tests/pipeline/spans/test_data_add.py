"""`greenlight data add` from outside: files, words, exit codes."""

import gzip
import json
import os
from pathlib import Path

import pytest

from components.example_gen.sources.spans import find
from components.reviews import to_example
from pipeline.spans.landing import INCOMING, LAST

GOOD = "text,label\na fine film,1\na dull film,0\n"


@pytest.fixture
def written(tmp_path):
    """Writes a file into the folder that the commands run in."""

    def write(name: str, content: str | bytes = GOOD) -> str:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return name

    return write


@pytest.fixture
def spans(tmp_path) -> Path:
    return tmp_path / "workspace" / "spans"


def test_a_file_becomes_the_next_span_of_the_workspace(greenlight, written, spans):
    result = greenlight("data", "add", written("monday.csv"))
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.splitlines() == [
        "Landed as span 1: examples 2, positive 50.0%, duplicates 0",
        f"  in        {spans}/span-1/monday.csv",
        "  rows      2 rows read, 2 used",
        "  train     greenlight run --source spans",
        "  labels    not judged: 1 distinct text of one label; 50 are needed",
    ]
    assert (spans / "span-1" / "monday.csv").read_text() == GOOD
    greenlight("data", "add", written("tuesday.csv", GOOD + "again,1\n"))
    assert [(span.number, len(span.files)) for span in find(f"{spans}/span-{{SPAN}}/*")] == [(1, 1), (2, 1)]


def test_the_same_content_is_not_added_twice_under_whatever_name(greenlight, written, spans):
    greenlight("data", "add", written("monday.csv"))
    result = greenlight("data", "add", written("copy/of/monday.csv"))
    assert result.exit_code == 0
    first = result.stdout.splitlines()[0]
    assert first == f"Nothing to add: span 1 has the same content, in {spans}/span-1/monday.csv"
    told = json.loads(greenlight("data", "add", "monday.csv", "--json").stdout)
    assert (told["added"], told["span"]) == (False, 1)
    assert [entry.name for entry in spans.iterdir() if not entry.name.startswith(".")] == ["span-1"]


def test_json_tells_what_was_counted(greenlight, written, spans):
    rows = "fine,1\nFine ,0\nfine,1\n,1\ngood,1\n"
    result = greenlight(
        "data", "add", written("a.csv", "text,label\n" + rows), "--json", "--set", "data.max_bad_share=0.2"
    )
    told = json.loads(result.stdout)
    assert len(told.pop("fingerprint")) == 64
    assert told.pop("data") == {
        "rows": 5,
        "used": 4,
        "beyond_limit": 0,
        "duplicates": 2,
        "set_aside": 0,
        **{name: told[name] for name in ("left_out", "left_out_labels", "first_left_out")},
    }
    assert told == {
        "added": True,
        "span": 1,
        "file": f"{spans}/span-1/a.csv",
        "rows": 5,
        "reviews": 4,
        "examples": 4,
        "bad_rows": 1,
        "left_out": {"empty text": 1},
        "left_out_labels": {},
        "first_left_out": ["a.csv:5: empty text"],
        "positive_share": 0.75,
        "classes": {"negative": 1, "positive": 3},
        "duplicates": 2,
        "contradictions": 1,
        "labels_not_judged": "0 distinct texts of one label; 50 are needed",
        "warnings": ["Examples labeled otherwise than the same text further up: 1."],
    }
    assert result.stderr == "Warning: Examples labeled otherwise than the same text further up: 1.\n"


def test_bad_rows_within_the_bound_are_named(greenlight, written):
    result = greenlight(
        "data", "add", written("a.csv", GOOD + "odd,maybe\n"), "--set", "data.max_bad_share=0.5"
    )
    assert result.stdout.splitlines()[2:4] == [
        "  rows      3 rows read, 2 used, 1 left out (1 bad label)",
        "    a.csv:4: bad label ('maybe'; expected 0 or 1, neg or pos, negative or positive, false or true)",
    ]


def test_one_class_alone_is_landed_with_a_warning(greenlight, written):
    result = greenlight("data", "add", written("a.csv", "text,label\nfine,1\n"))
    assert result.exit_code == 0
    assert result.stderr == (
        "Warning: Every example is positive; a run on this span alone stops at the data check.\n"
    )


def test_a_file_of_few_distinct_texts_is_landed_with_a_warning(greenlight, written):
    result = greenlight("data", "add", written("a.csv", GOOD + "a fine film,1\na dull film,0\n" * 299))
    assert result.stderr == ("Warning: Only 2 of 600 texts are distinct, the others are copies.\n")
    tenth = "text,label\n" + "fine,1\n" * 10 + "dull,0\n" * 10
    assert greenlight("data", "add", written("b.csv", tenth)).stderr == ""


def test_texts_that_an_older_span_has_are_landed_with_a_warning(greenlight, written):
    greenlight("data", "add", written("a.csv", GOOD + "more,1\n"))
    greenlight("data", "add", written("b.csv", "text,label\na fine film,1\nanother,0\n"))
    told = "Warning: All texts are in span 1 already; a run on both keeps one copy of each.\n"
    assert greenlight("data", "add", written("c.csv", GOOD + "MORE,0\n")).stderr == told
    stars = 'data.labels={"1"="negative","5"="positive"}'
    again = greenlight("data", "add", written("d.csv", "text;label\na fine film;5\nmore;1\n"), "--set", stars)
    assert again.stderr == told.replace("span 1", "span 3")
    assert greenlight("data", "add", written("e.csv", GOOD + "new,0\n")).stderr == ""


@pytest.mark.parametrize(
    ("name", "content", "code", "words"),
    [
        ("a.csv", "", 2, "a.csv is empty; its first line has to name the columns."),
        ("a.csv", "text,label\n", 2, "Error: a.csv: it contains no rows."),
        ("a.jsonl", "\n\n", 2, "Error: a.jsonl: it contains no rows."),
        ("a.csv", "text,label\nonly,x\n", 4, "1 of 1 rows cannot be used (1 bad label)"),
        ("a.csv", "text,label\ncaf\xe9,1\n".encode("latin-1"), 4, "a.csv:2: not UTF-8"),
        ("a.csv.gz", gzip.compress(GOOD.encode(), mtime=0)[:-9], 2, "a.csv.gz is damaged"),
        ("a.txt", GOOD, 2, "a.txt: cannot tell the format from the name"),
        ("a.csv", "body,label\nfine,1\n", 2, "a.csv has no column 'text'; it has: body, label."),
    ],
)
def test_what_a_run_would_not_take_is_refused_and_leaves_nothing(
    greenlight, written, spans, name, content, code, words
):
    result = greenlight("data", "add", written(name, content))
    assert result.exit_code == code
    assert words in result.stderr
    assert "Traceback" not in result.stderr
    assert not spans.exists()


def test_what_is_no_file_is_refused(greenlight, tmp_path):
    assert greenlight("data", "add", "a.csv").stderr == (
        "Error: a.csv cannot be read: No such file or directory. See that it is a file that the user of this "
        "process may read.\n"
    )
    assert "is not a file. Name one file of labeled texts." in greenlight("data", "add", str(tmp_path)).stderr
    os.mkfifo(tmp_path / "pipe.csv")
    assert "pipe.csv is a pipe, not a file; " in greenlight("data", "add", "pipe.csv").stderr


def test_all_formats_are_landed_as_they_are(greenlight, written, spans):
    import tensorflow as tf

    with tf.io.TFRecordWriter("a.tfrecord") as writer:
        for text, label in (("fine", 1), ("dull", 0)):
            writer.write(to_example(text, label).SerializeToString())
    for name in (
        written("a.jsonl", '{"text": "fine", "label": "pos"}\n{"text": "dull", "label": false}\n'),
        written("a.tsv.gz", gzip.compress(GOOD.replace(",", "\t").encode())),
        "a.tfrecord",
        written(".hidden.csv"),
    ):
        assert greenlight("data", "add", name).exit_code == 0
    (last,) = (spans / "span-4").glob("*.csv")
    assert last.name == "hidden.csv"
    assert (spans / "span-2" / "a.tsv.gz").read_bytes() == Path("a.tsv.gz").read_bytes()


def test_other_columns_are_landed_under_the_names_of_the_settings(greenlight, written, spans):
    rows = [{"body": 'fine, "really"', "stars": "pos"}, {"body": "dull", "stars": 0}]
    name = written("stars.jsonl", "\n".join(map(json.dumps, rows)))
    result = greenlight("data", "add", name, "--text-column", "body", "--label-column", "stars")
    assert result.exit_code == 0, result.stderr
    assert (spans / "span-1" / "stars.csv").read_text() == 'text,label\n"fine, ""really""",1\ndull,0\n'
    same = greenlight("data", "add", name, "--text-column", "body", "--label-column", "stars")
    assert same.stdout.startswith("Nothing to add: span 1 has the same content")
    both = greenlight("data", "add", name, "--label-column", "text")
    assert (both.exit_code, both.stderr) == (
        2,
        "Error: The columns of text and label are both 'text'; name two.\n",
    )


def test_a_number_is_never_given_twice(greenlight, written, spans):
    greenlight("data", "add", written("a.csv"))
    greenlight("data", "add", written("b.csv", GOOD + "b,1\n"))
    for path in (spans / "span-2").iterdir():
        path.unlink()
    (spans / "span-2").rmdir()
    (spans / "span-5").mkdir()
    assert greenlight("data", "add", "b.csv").stdout.startswith("Landed as span 6:")
    assert (spans / LAST).read_text() == "6\n"


def test_it_lands_where_the_settings_or_to_say(greenlight, written, tmp_path):
    name = written("a.csv")
    source = "data.source=files:in/span-{SPAN:3}/v{VERSION}/*.csv"
    assert "in/span-001/v1/a.csv" in greenlight("data", "add", name, "--set", source).stdout
    result = greenlight("data", "add", name, "--to", "elsewhere")
    assert f"in        {tmp_path}/elsewhere/span-1/a.csv" in result.stdout
    assert "train     greenlight run --source 'files:elsewhere/span-{SPAN}/*'" in result.stdout
    other = greenlight("data", "add", name, "--workspace", "other place")
    assert "train     greenlight run --source spans --workspace 'other place'" in other.stdout


@pytest.mark.parametrize(
    ("to", "words"),
    [
        ("gs://bucket/in", "gs://bucket/in/span-{SPAN}/* is not on this machine: copy the file there"),
        ("in/{YYYY}-{MM}-{DD}/*", "spans that are dates are named by who delivers them; use {SPAN}."),
        ("in/span-{SPAN}.csv", "a span is landed as a folder, so {SPAN} has to stand in the name of one"),
        ("in/*/span-{SPAN}/*", "which folder is *? A file can be landed where none is a wildcard."),
        ("in/{VERSION}/span-{SPAN}/*", "a version is one of a span, so {VERSION} has to stand after {SPAN}."),
        ("in/span-{SPAN}/*.jsonl", "/*.jsonl would not find a.csv. Rename the file, or use --to DIR."),
        ("in/{SPAN}/{SPAN}/*", "{SPAN} stands in it 2 times, not once"),
        ("a.csv", "Nothing can be landed in"),
    ],
)
def test_a_place_where_nothing_can_be_landed_is_answered(greenlight, written, to, words):
    result = greenlight("data", "add", written("a.csv"), "--to", to)
    assert result.exit_code == 2
    assert words in result.stderr
    assert not Path("in").exists()


def test_a_width_without_room_is_answered(greenlight, written):
    name, to = written("a.csv"), "in/span-{SPAN:1}/*"
    written("in/span-9/b.csv", GOOD + "b,1\n")
    result = greenlight("data", "add", name, "--to", to)
    assert result.exit_code == 2
    assert "leaves no room for one more span: 10 has more digits than {SPAN:1}" in result.stderr
    assert not [name for name in os.listdir("in") if name.startswith(INCOMING)]


def test_what_a_dead_process_left_is_removed(greenlight, written, spans):
    left = spans / f"{INCOMING}0123"
    left.mkdir(parents=True)
    (left / "a.csv").write_text("text,lab")
    assert greenlight("data", "add", written("a.csv")).exit_code == 0
    assert sorted(os.listdir(spans)) == [".landing.lock", LAST, "span-1"]


def test_the_mapping_that_is_proposed_names_the_labels_as_the_file_has_them(greenlight, written):
    rows = "".join(f"text {number},{label}\n" for number, label in enumerate(["0", "junk", "1", "junk"] * 20))
    result = greenlight("data", "add", written("a.csv", f"text,label\n{rows}"))
    assert result.exit_code == 4
    assert "The labels are: 0 (20), 1 (20), junk (40). " in result.stderr
    mapping = 'data.labels = {"0" = "negative", "1" = "positive"}'
    assert mapping in result.stderr
    done = greenlight("data", "add", "a.csv", "--set", mapping.replace(" = {", "={", 1))
    assert done.exit_code == 0, done.stderr
    assert "80 rows read, 40 used, 40 left out" in done.stdout
