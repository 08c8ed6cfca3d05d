import io
import json
import os
import shutil

import pytest

from pipeline.exit_codes import EXIT_BROKEN_PIPE
from serving.client import ClientError
from serving.status import Code

POSITIVE = {"line": 1, "text": "a good film", "label": "positive", "probability": 0.731059, "version": 1}
NEGATIVE = {"line": 2, "text": "a film", "label": "negative", "probability": 0.268941, "version": 1}


def lines(output: str | bytes) -> list:
    return [json.loads(line) for line in output.splitlines()]


def test_texts_are_answered_as_lines_of_json_in_a_pipe_without_any_noise(greenlight):
    ended = greenlight("predict", "a good film", "a film")
    assert (ended.returncode, ended.stderr) == (0, b"")
    assert lines(ended.stdout) == [POSITIVE, NEGATIVE]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_gets_a_table_and_of_many_rows_the_first_and_the_counts(
    served, predict, tmp_path, monkeypatch
):
    terminal = Terminal()
    monkeypatch.setattr("sys.stdout", terminal)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERM", "dumb")  # no colors
    (tmp_path / "r.txt").write_text("a good film\n" * 60 + "a\tfilm\n" * 60)
    code, out, err = predict("--file", "r.txt", "--url", f"grpc://{served.grpc}")
    assert (code, out, err) == (0, "", "120 rows read, 120 answered\n")
    rows = [" ".join(line.split()) for line in terminal.getvalue().splitlines() if line.strip()]
    assert rows[0] == "label probability version text"
    assert rows[2:102] == ["positive 0.7311 1 a good film"] * 60 + ["negative 0.2689 1 a film"] * 40
    assert " ".join(rows[102:]) == (
        "120 texts: 60 negative, 60 positive. The table has the first 100; a pipe or a file gets all of them."
    )


def test_standard_input_is_a_review_a_line_or_what_the_format_says(served, greenlight):
    asked = ("predict", "--file", "-", "--url", f"grpc://{served.grpc}")
    ended = greenlight(*asked, given=b"a good film\na film\n")
    assert lines(ended.stdout) == [POSITIVE, NEGATIVE]
    ended = greenlight(*asked, "--format", "jsonl", given=b'{"text": "a good film"}\n')
    assert lines(ended.stdout) == [POSITIVE]


@pytest.mark.parametrize("protocol", ["http", "grpc"])
def test_a_server_answers_as_the_model_in_process_does(served, predict, protocol):
    address = served.rest if protocol == "http" else served.grpc
    code, out, err = predict("a good film", "a film", "--url", f"{protocol}://{address}")
    assert (code, err) == (0, "")
    assert lines(out) == [POSITIVE, NEGATIVE]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("r.csv", "id,text\n1,a good film\n2,a film\n"),
        ("r.jsonl", '{"text": "a good film"}\n{"text": "a film"}\n'),
        ("r.txt", "a good film\na film\n"),
    ],
)
def test_files_of_all_kinds_are_read(served, predict, tmp_path, name, content):
    (tmp_path / name).write_text(content)
    code, out, _ = predict("--file", name, "--url", f"grpc://{served.grpc}")
    assert code == 0
    assert [(row["text"], row["label"]) for row in lines(out)] == [
        ("a good film", "positive"),
        ("a film", "negative"),
    ]


def test_a_large_file_comes_in_order(served, predict, tmp_path):
    (tmp_path / "r.txt").write_text("".join(f"{number} good\n" for number in range(1000)))
    code, out, _ = predict("--file", "r.txt", "--url", f"http://{served.rest}")
    assert code == 0
    assert [row["text"] for row in lines(out)] == [f"{number} good" for number in range(1000)]


@pytest.mark.parametrize("protocol", ["http", "grpc"])
def test_a_row_that_the_server_does_not_take_is_left_out_and_named(
    small_workspace, serve_workspace, predict, tmp_path, protocol
):
    running = serve_workspace(small_workspace, max_text_bytes=50)
    (tmp_path / "r.txt").write_text("good\n" * 30 + "long " * 20 + "\n" + "bad\n" * 9)
    address = running.rest if protocol == "http" else running.grpc
    url = ("--url", f"{protocol}://{address}")
    code, out, err = predict("--file", "r.txt", *url, "--set", "data.max_bad_share=0.1")
    assert code == 0
    assert [row["line"] for row in lines(out)] == [*range(1, 31), *range(32, 41)]
    assert err == (
        "left out: r.txt:31: refused by the server (Input text holds a text of 100 bytes; the most is 50 "
        "(serve.max_text_bytes))\n"
        "40 rows read, 39 answered, 1 left out (1 refused by the server)\n"
    )
    code, out, err = predict("--file", "r.txt", *url)
    assert (code, len(lines(out))) == (4, 39)
    assert "1 of 40 rows cannot be used (1 refused by the server)" in err
    code, out, err = predict("long " * 20, *url)
    assert (code, out) == (2, "")
    assert err.startswith("Error: Input text holds a text of 100 bytes; the most is 50")


def test_a_server_that_takes_no_row_for_another_reason_is_an_error(served, predict, tmp_path, monkeypatch):
    asked = []

    def refuse(self, texts, version):
        asked.append(texts)
        raise ClientError(Code.INVALID_ARGUMENT, "Signature input not found")

    monkeypatch.setattr("serving.transports.rest.RestTransport.predict", refuse)
    (tmp_path / "r.txt").write_text("good\n" * 30)
    code, out, err = predict("--file", "r.txt", "--url", f"http://{served.rest}")
    assert (code, out, err) == (2, "", "Error: Signature input not found\n")
    assert [len(texts) for texts in asked] == [30, 1]


@pytest.mark.parametrize(("name", "header"), [("r.csv", "text\n"), ("r.txt", ""), ("r.jsonl", None)])
def test_nobody_who_reads_the_output_ends_it_quietly(served, greenlight, tmp_path, name, header):
    row = '{"text": "a good film"}\n' if header is None else "a good film\n"
    (tmp_path / name).write_text((header or "") + row * 3000)
    reader, writer = os.pipe()
    os.close(reader)
    ended = greenlight("predict", "--file", name, "--url", f"grpc://{served.grpc}", stdout=writer)
    os.close(writer)
    assert (ended.returncode, ended.stderr) == (EXIT_BROKEN_PIPE, b"")


def test_a_full_disk_under_the_output_is_not_blamed_on_the_input(served, greenlight, tmp_path):
    (tmp_path / "r.csv").write_text("text\n" + "a good film\n" * 3000)
    with open("/dev/full", "wb") as full:
        ended = greenlight("predict", "--file", "r.csv", "--url", f"grpc://{served.grpc}", stdout=full)
    assert ended.returncode == 1
    assert ended.stderr == (
        b"Error: Standard output cannot be written: No space left on device. The disk is full, or has no "
        b"inodes left. Free space there, or choose a folder on another disk.\n"
    )


def test_bad_rows_are_left_out_and_named_and_too_many_are_an_error(served, predict, tmp_path):
    (tmp_path / "r.csv").write_text("text,id\nfine,1\n,2\n")
    url = ("--url", f"http://{served.rest}")
    code, out, err = predict("--file", "r.csv", *url, "--set", "data.max_bad_share=0.5")
    account = "2 rows read, 1 answered, 1 left out (1 empty text)\n"
    assert (code, err) == (0, f"left out: r.csv:3: empty text\n{account}")
    assert [row["line"] for row in lines(out)] == [2]
    code, out, err = predict("--file", "r.csv", *url)
    assert (code, out) == (4, "")
    assert "1 of 2 rows cannot be used (1 empty text); data.max_bad_share allows 1.00%" in err


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        ([], 2, 'Error: Give a text in quotes, as in `greenlight predict "Some text."`, or'),
        (["x", "--file", "r.csv"], 2, "Error: Give either texts or --file, not both."),
        ([" "], 2, "Error: TEXT 1: empty text. Give a text in quotes."),
        (["--file", "none.csv"], 2, "Error: none.csv cannot be read: No such file or directory."),
        (["--file", "r.xlsx"], 2, "Error: r.xlsx: cannot tell the format from the name; files end in .txt"),
        (
            ["--file", "r.tfrecord"],
            2,
            "Error: r.tfrecord: TFRecord files are for `greenlight batch-predict`.",
        ),
        (
            ["x", "--url", "localhost"],
            2,
            "Error: 'localhost' is not the address of a model server; expected http://",
        ),
        (["x", "--url", "grpc://127.0.0.1:1"], 1, "Error: 127.0.0.1:1 cannot be reached: "),
        (
            ["x", "--url", "http://h/v1/models/foo"],
            2,
            "Error: 'http://h/v1/models/foo' is not the address of a",
        ),
        (["x", "--authority", "a.pem"], 2, "Error: --authority is for a server; give its --url, too."),
        (["x", "--version", "7"], 2, "Error: Version 7 is not published in "),
    ],
)
def test_a_mistake_is_answered_in_one_message(predict, monkeypatch, arguments, code, text):
    monkeypatch.setattr("serving.transports.calls._FIRST_PAUSE", 0.0)
    found, out, err = predict(*arguments)
    assert (found, out) == (code, "")
    assert err.startswith(text)
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("", "Error: r.csv is empty; its first line has to name the columns."),
        ("text\n", "Error: r.csv: it contains no rows."),
        ("body\nfine\n", "Error: r.csv has no column 'text'; it has: body. Name the right one with"),
    ],
)
def test_a_file_that_cannot_be_used_is_said_to_be_so(served, predict, tmp_path, content, text):
    (tmp_path / "r.csv").write_text(content)
    code, out, err = predict("--file", "r.csv", "--url", f"http://{served.rest}")
    assert (code, out) == (2, "")
    assert err.startswith(text)


def test_a_version_that_was_changed_is_not_loaded(predict, small_workspace):
    folder = small_workspace / "serving" / "imdb_sentiment" / "1"
    (folder / "fingerprint.pb").write_bytes(b"changed")
    code, out, err = predict("fine")
    assert (code, out) == (1, "")
    assert "Version 1 does not match its manifest and was not loaded: version 1: fingerprint.pb" in err


def test_an_empty_workspace_is_said_to_have_no_version_and_stays_as_it_is(predict, small_workspace):
    shutil.rmtree(small_workspace)
    code, _, err = predict("fine")
    assert code == 2
    assert "There is no version in " in err
    assert not small_workspace.exists()
