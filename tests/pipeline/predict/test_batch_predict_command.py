import functools
import json
import signal
import subprocess

import processes
import pytest
import waiting


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
    assert told == {"output": "out/", "version": 1, "predicted": 1, "taken_over": 0, "left_out": {}}
    assert [file.name for file in (tmp_path / "out").iterdir()] == ["predictions-00000-of-00001.csv"]


@pytest.mark.proof
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_a_prediction_that_is_ended_goes_on_with_what_is_left(small_workspace, tmp_path, number):
    files, rows = 40, 1000
    for file in range(files):
        lines = "".join(f"film {file} {row}\n" for row in range(rows))
        (tmp_path / f"in-{file:02}.txt").write_text(lines)
    command = (*processes.GREENLIGHT, "batch-predict", "in-*.txt", "out.jsonl", "--json")
    command += ("--workspace", str(small_workspace), "--set", f"cache_dir={tmp_path / 'cache'}")
    run = functools.partial(subprocess.Popen, command, cwd=tmp_path, env=processes.environment(), text=True)
    unfinished = tmp_path / ".out.jsonl.unfinished"
    with run(stderr=subprocess.PIPE, start_new_session=True) as first:
        waiting.until(lambda: list(unfinished.glob("*/*.json")))
        first.send_signal(number)
        _, said = first.communicate(timeout=600)
    assert first.returncode == (130 if number == signal.SIGINT else -number), said
    finished = len(list(unfinished.glob("*/*.json")))
    assert 0 < finished < files
    assert not (tmp_path / "out.jsonl").exists()
    if number == signal.SIGINT:
        assert f"{finished * rows:,} rows are predicted; the same command goes on from there." in said

    with run(stdout=subprocess.PIPE) as second:
        told, _ = second.communicate(timeout=600)
    assert (second.returncode, json.loads(told)["taken_over"]) == (0, finished * rows)
    predicted = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert [row["text"] for row in predicted] == [f"film {f} {r}" for f in range(files) for r in range(rows)]
    assert not unfinished.exists()


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
