import errno
import gzip
import json
import os
import shutil
import sys
from unittest import mock

import pytest
import tensorflow as tf

from components.errors import InputError
from components.example_gen.formats.file_format import format_of
from components.example_gen.formats.rows import BadRow, Columns, Reason, Review
from components.example_gen.settings import DataSettings
from components.example_gen.sources import file_bytes
from components.example_gen.sources.file_fingerprints import content_fingerprint
from components.example_gen.sources.file_lookup import found_paths, matching_paths
from components.example_gen.sources.files import FilePart
from components.example_gen.sources.parts import fingerprint, parts
from components.example_gen.sources.preflight import require_source
from components.reviews import to_example

ROWS = [("fine", 1), ("dull", 0)]
EXPECTED = [("fine", 1), ("dull", 0)]


def read(path):
    return list(FilePart(str(path), Columns("text", "label")).rows())


def taken(path):
    return [(row.text, row.label) for row in read(path)]


def files(pattern) -> DataSettings:
    return DataSettings(source=f"files:{pattern}")


@pytest.fixture
def write_records(tmp_path):
    def write(name: str, records, *, options: str = ""):
        path = tmp_path / name
        with tf.io.TFRecordWriter(str(path), options) as writer:
            for record in records:
                writer.write(record)
        return path

    return write


def test_csv_json_lines_and_tf_records_hold_the_same_reviews(tmp_path, write_csv, write_records):
    table = write_csv("a.csv", ROWS)
    lines = tmp_path / "b.jsonl"
    lines.write_text("".join(json.dumps({"text": text, "label": label}) + "\n" for text, label in ROWS))
    records = [to_example(text, label).SerializeToString() for text, label in ROWS]
    plain = write_records("c.tfrecord", records)
    packed = write_records("data_tfrecord-00000-of-00001.gz", records, options="GZIP")
    for path in (table, lines, plain, packed):
        assert taken(path) == EXPECTED


def test_text_files_may_be_packed(tmp_path, write_csv):
    packed = tmp_path / "a.csv.gz"
    packed.write_bytes(gzip.compress(write_csv("a.csv", ROWS).read_bytes()))
    assert taken(packed) == EXPECTED


def test_a_byte_order_mark_is_no_part_of_the_first_column(tmp_path, write_csv):
    marked = tmp_path / "marked.csv"
    marked.write_bytes(b"\xef\xbb\xbf" + write_csv("a.csv", ROWS).read_bytes())
    assert taken(marked) == EXPECTED


def test_labels_of_tf_records_may_be_words(write_records):
    example = tf.train.Example()
    example.features.feature["text"].bytes_list.value.append(b"fine")
    example.features.feature["label"].bytes_list.value.append(b"positive")
    assert taken(write_records("a.tfrecord", [example.SerializeToString()])) == [("fine", 1)]


def test_records_that_cannot_be_used_are_named_by_number(write_records):
    good = to_example("fine", 1).SerializeToString()
    no_text = tf.train.Example()
    no_text.features.feature["label"].int64_list.value.append(1)
    path = write_records("a.tfrecord", [good, b"\xff nonsense", no_text.SerializeToString()])
    assert read(path) == [
        Review(1, "fine", 1),
        BadRow(str(path), 2, Reason.NOT_EXAMPLE, "10 bytes that are not a record"),
        BadRow(str(path), 3, Reason.NO_TEXT, ""),
    ]


def test_tf_records_without_the_feature_name_those_they_have(write_records):
    example = tf.train.Example()
    example.features.feature["review"].bytes_list.value.append(b"fine")
    path = write_records("a.tfrecord", [example.SerializeToString()])
    with pytest.raises(InputError, match="no column 'label' and no column 'text'; it has: review"):
        read(path)


def test_a_damaged_tf_record_file_is_an_error(write_records):
    path = write_records("a.tfrecord", [to_example("fine", 1).SerializeToString()] * 3)
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(InputError, match=r"a\.tfrecord is damaged after record 2; write or copy it again"):
        read(path)


def test_a_cut_off_gzip_file_is_an_error(tmp_path):
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress(b"text,label\n" + os.urandom(2000).hex().encode())[:-200])
    with pytest.raises(InputError, match=r"a\.csv\.gz is damaged .*; write or copy it again"):
        read(path)


A_FOLDER = r"reviews{} is a folder, not a file; name a file in it\."


@pytest.mark.parametrize("suffix", [".csv", ".csv.gz", ".jsonl", ".tfrecord", ".tfrecord.gz"])
def test_a_folder_is_an_error_with_the_remedy(tmp_path, suffix):
    path = tmp_path / f"reviews{suffix}"
    path.mkdir()
    with pytest.raises(InputError, match=A_FOLDER.format(suffix)):
        read(path)


def test_the_fingerprint_of_a_folder_is_the_same_error(tmp_path):
    (tmp_path / "reviews.csv").mkdir()
    with pytest.raises(InputError, match=A_FOLDER.format(".csv")):
        content_fingerprint([str(tmp_path / "reviews.csv")])


@pytest.mark.parametrize("pattern", ["*", "*.csv", "[ab].csv"])
def test_a_folder_that_is_called_like_a_file_is_not_passed_over(tmp_path, pattern):
    (tmp_path / "a.csv").write_text("text,label\nfine,1\n")
    (tmp_path / "more").mkdir()
    assert found_paths(f"{tmp_path}/{pattern}") == [str(tmp_path / "a.csv")]
    (tmp_path / "b.csv").mkdir()
    with pytest.raises(InputError, match=r"b\.csv is a folder; name the files in it \(.*b\.csv/\*\), or"):
        require_source(files(f"{tmp_path}/{pattern}"))
    (tmp_path / "b.csv" / "part-0.csv").write_text("text,label\ndull,0\n")
    for deep in ("**.csv", "**/*.csv"):
        require_source(files(f"{tmp_path}/{deep}"))


@pytest.mark.parametrize(
    ("name", "lines"),
    [("a.csv", b"text,label\nfine,1\n"), ("a.jsonl", b'{"text": "fine", "label": 1}\n' * 2)],
)
def test_gigabytes_without_a_line_are_refused_and_not_read_into_memory(tmp_path, name, lines):
    """As a crash leaves a file: its end, or all of it, is zeros."""
    path = tmp_path / name
    with path.open("wb") as file:
        file.write(lines)
        file.truncate(2**40)
    with pytest.raises(InputError, match=rf"{name}:3: the line begins with zeros, so this is not"):
        read(path)


def test_a_missing_permission_is_said_in_the_systems_words(write_csv, monkeypatch):
    path = write_csv("a.csv", ROWS)
    refusal = PermissionError(errno.EACCES, "Permission denied", str(path))  # root may read everything
    monkeypatch.setattr(file_bytes, "raw_bytes", mock.Mock(side_effect=refusal))
    for ask in (read, lambda path: fingerprint(files(path))):
        with pytest.raises(InputError, match=r"a\.csv cannot be read: Permission denied\. See that"):
            ask(path)


def test_an_unknown_file_system_is_an_input_error():
    with pytest.raises(
        InputError, match=r"data\.source: tape://reel/a\.csv cannot be looked up: Unable to get"
    ):
        matching_paths("tape://reel/a.csv")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_text_of_another_unicode_encoding_is_read(tmp_path, encoding):
    path = tmp_path / "a.csv"
    path.write_text("text,label\ncaf\u00e9,1\n", encoding=encoding)
    assert read(path) == [Review(2, "caf\u00e9", 1)]


def test_utf16_that_breaks_off_is_an_error(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes("text,label\nfine,1\n".encode("utf-16")[:-1])
    with pytest.raises(InputError, match=r"a\.csv is not UTF-16-LE to its end \(truncated data\); save"):
        read(path)


def test_an_unknown_ending_names_the_known_ones():
    with pytest.raises(
        InputError,
        match=r"reviews\.xlsx: .* files end in \.csv, \.tsv, \.json, \.jsonl, \.parquet or \.tfrecord",
    ):
        format_of("folder/reviews.xlsx")


def test_a_pattern_matches_files_in_order(tmp_path, write_csv):
    paths = [write_csv(name, ROWS) for name in ("b.csv", "a.csv", "deep/er/c.csv")]
    assert matching_paths(str(tmp_path / "*.csv")) == [str(paths[1]), str(paths[0])]
    assert matching_paths(str(tmp_path / "**" / "c.csv")) == [str(paths[2])]


def test_a_path_with_brackets_is_found(write_csv):
    path = write_csv("reviews[1].csv", ROWS)
    assert matching_paths(str(path)) == [str(path)]


def test_relative_paths_become_absolute(tmp_path, write_csv, monkeypatch):
    path = write_csv("a.csv", ROWS)
    monkeypatch.chdir(tmp_path)
    assert matching_paths("*.csv") == [str(path)]


def test_a_pattern_may_go_through_folders_and_match_hidden_files(tmp_path, write_csv):
    deep, hidden = (write_csv(name, ROWS) for name in ("deep/er/c.csv", ".d.csv"))
    assert matching_paths(str(tmp_path / "dee**.csv")) == [str(deep)]
    assert matching_paths(str(tmp_path / "*d.csv")) == [str(hidden)]


@pytest.mark.parametrize("pattern", ["deep?c.csv", "deep[!x]c.csv", "deep[.-0]c.csv"])
def test_one_character_of_a_pattern_may_be_the_one_between_folders_as_in_beam(tmp_path, write_csv, pattern):
    deep = write_csv("deep/c.csv", ROWS)
    assert matching_paths(str(tmp_path / pattern)) == [str(deep)]


def test_a_pattern_without_files_is_answered_without_beam(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "apache_beam", None)
    monkeypatch.setitem(sys.modules, "apache_beam.io.filesystems", None)
    with pytest.raises(InputError, match="no file matches"):
        matching_paths(str(tmp_path / "none-*.csv"))


def test_a_pattern_without_files_is_an_error(tmp_path):
    with pytest.raises(InputError, match=r"no file matches .*/\*\.csv; give a path or a pattern that does"):
        parts(files(tmp_path / "*.csv"))


def test_a_folder_is_an_error_with_the_pattern_to_use(tmp_path):
    with pytest.raises(InputError, match=r"is a folder; say which of its files: files:.*/\*\.csv"):
        parts(files(tmp_path))


def test_content_elsewhere_or_touched_has_the_same_fingerprint(tmp_path, write_csv):
    path = write_csv("a/one.csv", ROWS)
    before = fingerprint(files(path))
    os.utime(path, (1, 1))
    moved = tmp_path / "b" / "two.csv"
    moved.parent.mkdir()
    shutil.move(path, moved)
    assert fingerprint(files(moved)) == before


def test_one_byte_changes_the_fingerprint(write_csv):
    path = write_csv("one.csv", ROWS)
    before = fingerprint(files(path))
    path.write_bytes(path.read_bytes().replace(b"fine", b"Fine"))
    assert fingerprint(files(path)) != before


def test_the_fingerprint_covers_each_file_and_its_format(tmp_path, write_csv):
    first, second = write_csv("a.csv", ROWS), write_csv("b.csv", [("else", 0)])
    both = fingerprint(files(tmp_path / "*.csv"))
    assert both not in (fingerprint(files(first)), fingerprint(files(second)))
    renamed = tmp_path / "c.tsv"
    shutil.copy(first, renamed)
    assert fingerprint(files(renamed)) != fingerprint(files(first))


def test_the_packaged_fingerprint_is_the_pinned_one():
    assert fingerprint(DataSettings()).startswith("packaged:d4acac55fe7f38d0")
