import json

import pytest


def test_a_file_is_predicted_and_told_of_in_a_line(greenlight, tmp_path):
    (tmp_path / "r.csv").write_text("text,id\na good film,1\n,2\na film,3\n")
    ended = greenlight("batch-predict", "r.csv", "out.jsonl", "--set", "data.max_bad_share=0.5")
    assert ended.returncode == 0
    assert ended.stderr.decode() == (
        f"left out: {tmp_path / 'r.csv'}:3: empty text\n3 rows read, 2 answered, 1 left out (1 empty text)\n"
    )
    assert ended.stdout.decode().startswith("2 rows predicted by version 1 in ")
    rows = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert [(row["id"], row["predicted_label"]) for row in rows] == [("1", "positive"), ("3", "negative")]


def test_json_tells_what_was_done(predict, tmp_path):
    (tmp_path / "r.txt").write_text("a good film\n")
    code, out, _ = predict("r.txt", "out/", "--format", "csv", "--json", command="batch-predict")
    told = json.loads(out)
    assert code == 0
    assert told["seconds"] > 0
    del told["seconds"]
    assert told.pop("data") == {
        "rows": 1,
        "used": 1,
        "beyond_limit": 0,
        "duplicates": 0,
        "set_aside": 0,
        "left_out": {},
        "left_out_labels": {},
        "first_left_out": [],
    }
    assert told == {"output": "out/", "version": 1, "predicted": 1, "left_out": {}}
    assert [file.name for file in (tmp_path / "out").iterdir()] == ["predictions-00000-of-00001.csv"]


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["r.txt", "out"], "out: cannot tell the format from the name; give a file that ends in .jsonl"),
        (["r.txt", "gs://b/out/"], "OUTPUT: gs://b/out/ is an address; expected a file or folder on this"),
        (["r.txt", "out.csv", "--format", "csv"], "--format is for an output folder, which ends in /"),
        (["r.txt", "r.jsonl"], "r.jsonl already exists. Name another, or give --overwrite."),
        (["none.txt", "out.csv"], "No file matches "),
        (["r.txt", "out.csv", "--version", "9"], "Version 9 is not published in "),
    ],
)
def test_a_mistake_is_answered_in_one_message(predict, tmp_path, arguments, text):
    (tmp_path / "r.txt").write_text("fine\n")
    (tmp_path / "r.jsonl").touch()
    code, out, err = predict(*arguments, command="batch-predict")
    assert (code, out) == (2, "")
    assert text in err
    assert err.count("\n") == 1


def test_a_version_that_was_changed_is_refused_before_anything_is_read(predict, small_workspace, tmp_path):
    (small_workspace / "serving" / "imdb_sentiment" / "1" / "fingerprint.pb").write_bytes(b"changed")
    (tmp_path / "r.txt").write_text("fine\n")
    code, _, err = predict("r.txt", "out.csv", command="batch-predict")
    assert code == 1
    assert "Version 1 does not match its manifest and was not loaded" in err
    assert not (tmp_path / "out.csv").exists()
