"""Files that cannot be read: every command says so in the same words, before it loads anything heavy."""

import gzip
import json
import os
import socket
import sys
from contextlib import nullcontext
from pathlib import Path

import pytest

from components.errors import DataStopped, InputError
from components.example_gen.settings import DataSettings
from components.example_gen.sources.preflight import FIRST_ROWS, require_source

GOOD = "text,label\na fine film,1\na dull film,0\n"
COMMANDS = {
    "run": ["run", "--source", "files:{}"],
    "run of spans": ["run", "--source", "files:span-{{SPAN}}/*"],
    "tune": ["tune", "--source", "files:{}"],
    "data add": ["data", "add", "{}"],
    "predict": ["predict", "--file", "{}"],
    "batch-predict": ["batch-predict", "{}", "out.jsonl"],
}
LABELED = [name for name in COMMANDS if "predict" not in name]


@pytest.fixture
def without_heavy_packages(monkeypatch):
    for name in ("tensorflow", "tfx", "apache_beam", "tensorflow_model_analysis"):
        monkeypatch.setitem(sys.modules, name, None)


@pytest.fixture
def call(greenlight, without_heavy_packages):
    """Calls one of COMMANDS with a file, in a span's folder where the command takes spans."""

    def call(command: str, make, name: str = "reviews.csv", *options: str):
        folder = Path("span-1" if "spans" in command else ".")
        folder.mkdir(exist_ok=True)
        make(folder / name)
        return greenlight(*(part.format(folder / name) for part in COMMANDS[command]), *options)

    return call


def bound_socket(path: Path) -> None:
    socket.socket(socket.AF_UNIX).bind(str(path))


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    ("make", "words"),
    [
        (os.mkfifo, "is a pipe, not a file; save what it gives as a file and name that."),
        (bound_socket, "is a socket, not a file; "),
        (lambda path: path.symlink_to("/dev/zero"), "is a device, not a file; "),
        (lambda path: path.write_bytes(b""), "is empty; its first line has to name the columns."),
        (lambda path: path.write_text("body,stars\nfine,1\n"), "has no column "),
        (lambda path: path.write_bytes(b"PK\x03\x04" + bytes(30)), "is a zip archive; unpack it (unzip) "),
        (lambda path: path.write_bytes(gzip.compress(b"%PDF-1.4")), "is a PDF document; "),
        (lambda path: path.write_bytes(b"\x93\x00\xff," * 99), "is not UTF-8 text; save it as UTF-8"),
    ],
)
def test_what_is_no_file_of_reviews_is_refused_at_once(call, command, make, words):
    result = call(command, make)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "reviews.csv " + words in result.stderr and result.stderr.count("\n") == 1
    assert not Path("workspace/runs").exists()


@pytest.mark.parametrize("array", [False, True])
@pytest.mark.parametrize("command", ["run", "run of spans", "data add"])
def test_json_of_other_keys_is_told_with_its_keys_at_once(call, command, array):
    rows = [json.dumps({"review": "fine", "stars": 1})] * (FIRST_ROWS + 50)
    content = f"[{', '.join(rows)}]" if array else "\n".join(rows)
    result = call(command, lambda path: path.write_text(content), "r.json")
    assert result.exit_code == 2
    assert "r.json has no column 'label' and no column 'text'; it has: review, stars." in result.stderr


def test_what_is_no_object_a_row_is_told_what_to_write(call):
    content = json.dumps([["fine", 1]] * 250)
    result = call("data add", lambda path: path.write_text(content), "r.json")
    assert result.exit_code == 4
    assert 'Write an object a row, {"text": ..., "label": ...}; a file of another format' in result.stderr


@pytest.mark.parametrize("command", ["data add", "tune"])
def test_a_scale_is_refused_at_once_and_no_share_of_bad_rows_lets_it_pass(call, command):
    rows = "".join(f"film {number},{number % 3}\n" for number in range(300))
    result = call(
        command,
        lambda path: path.write_text("text,label\n" + rows),
        "r.csv",
        "--set",
        "data.max_bad_share=0.9",
    )
    assert result.exit_code == 4
    assert "These look like a scale: 0 (" in result.stderr
    assert 'data.labels = {"0" = "negative", "2" = "positive"}' in result.stderr
    assert "max_bad_share" not in result.stderr


def test_a_run_of_a_scale_is_stopped_at_once_with_a_result_and_a_report(call):
    rows = "".join(f"film {number},{number % 5 + 1}\n" for number in range(300))
    result = call("run", lambda path: path.write_text("text,label\n" + rows), "r.csv", "--json")
    told = json.loads(result.stdout)
    assert (result.exit_code, told["verdict"], told["stages"]) == (4, "stopped", [])
    assert told["reasons"][0].startswith(
        "The labels of the first 200 rows are not those of two classes. These look like a scale: 1 (40), 2 "
        "(40), 3 (40), 4 (40), 5 (40)."
    )
    assert json.loads(Path("workspace/runs", told["run"], "result.json").read_text()) == told


def data(pattern: object, **given) -> DataSettings:
    return DataSettings(source=f"files:{pattern}", **given)


@pytest.mark.parametrize(("slips", "is_a_scale"), [(9, False), (10, True)])
def test_a_few_slips_among_the_first_rows_are_for_the_whole_file_to_judge(tmp_path, slips, is_a_scale):
    labels = [7] * slips + [number % 2 for number in range(20_000)]
    rows = "".join(f"film {number},{label}\n" for number, label in enumerate(labels))
    (tmp_path / "r.csv").write_text("text,label\n" + rows)
    with pytest.raises(DataStopped, match="look like a scale") if is_a_scale else nullcontext():
        require_source(data(tmp_path / "r.csv"))


def test_good_files_pass_without_anything_heavy(tmp_path, without_heavy_packages):
    (tmp_path / "a.csv").write_text(GOOD)
    (tmp_path / "b.jsonl").write_text("")
    (tmp_path / "c.tfrecord").write_bytes(bytes(20))
    require_source(data(tmp_path / "*"))


@pytest.mark.parametrize("name", ["z.csv", "a.csv"])
def test_each_file_of_a_pattern_is_looked_at(tmp_path, name):
    (tmp_path / "m.csv").write_text(GOOD)
    (tmp_path / name).write_text("body\nfine\n")
    with pytest.raises(InputError, match=rf"{name} has no column"):
        require_source(data(tmp_path / "*.csv"))


def test_bad_rows_at_the_beginning_stop_a_run_only_where_that_is_certain(tmp_path):
    bad, good = "odd,maybe\n" * FIRST_ROWS, "fine,1\n" * 300
    path = tmp_path / "a.csv"
    path.write_text("text,label\n" + bad + good)
    with pytest.raises(DataStopped, match=r"^200 of the first 200 rows cannot be used"):
        require_source(data(path))
    require_source(data(path, max_bad_share=0.6))
    path.write_text("text,label\n" + bad[10:] + good)
    require_source(data(path))


def test_a_missing_permission_is_said_in_the_systems_words(tmp_path, monkeypatch):
    path = tmp_path / "a.csv"
    path.write_text(GOOD)
    monkeypatch.setattr(
        os, "open", lambda *_: (_ for _ in ()).throw(PermissionError(13, "Permission denied"))
    )
    with pytest.raises(InputError, match=r"a\.csv cannot be read: Permission denied\. See that"):
        require_source(data(path))


def test_files_elsewhere_are_left_to_the_run(without_heavy_packages):
    assert require_source(data("gs://bucket/*.csv")) is None


def test_files_on_s3_need_the_package_that_beam_reads_them_with(monkeypatch):
    monkeypatch.setitem(sys.modules, "boto3", None)
    with pytest.raises(InputError, match=r"Beam reads s3:// with the package boto3, which is not installed"):
        require_source(data("s3://bucket/*.csv"))


def test_a_run_that_stops_for_its_rows_says_what_became_of_them(greenlight, tmp_path):
    (tmp_path / "r.csv").write_text("text,label\nfine,1\nodd,maybe\nodd,maybe\n")
    result = greenlight("run", "--source", "files:r.csv", "--json")
    told = json.loads(result.stdout)
    assert (result.exit_code, told["verdict"], told["error_kind"]) == (4, "stopped", "DataStopped")
    assert told["data"]["left_out"] == {"bad label": 2}
    assert told["data"]["first_left_out"][0].startswith(f"{tmp_path}/r.csv:3: bad label ('maybe'; ")
    assert "2 of 3 rows (66.7%) were left out" in told["notes"][0]
