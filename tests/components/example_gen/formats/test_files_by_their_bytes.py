"""Files of all kinds under all names: read where that is safe, else said what they are and what to do."""

import bz2
import csv
import gzip
import io
import itertools
import json
import lzma
import os
import zipfile
import zlib

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from components.errors import InputError, machine_fault_of
from components.example_gen.formats.json_lines import json_array_records
from components.example_gen.formats.rows import BadRow, Columns, Reason, Record, Review, unreadable
from components.example_gen.sources.file_lookup import found_paths
from components.example_gen.sources.files import FilePart, file_records, require_tf_records
from components.reviews import to_example

COLUMNS = Columns("text", "label")
TABLE = b"text,label\nfine,1\ndull,0\n"
ROWS = [("fine", 1), ("dull", 0)]


@pytest.fixture
def written(tmp_path):
    def write(name: str, content: bytes) -> str:
        path = tmp_path / name
        path.write_bytes(content)
        return str(path)

    return write


def read(path: str) -> list:
    return list(FilePart(path, COLUMNS).rows())


def taken(path: str) -> list[tuple[str, int]]:
    return [(row.text, row.label) for row in read(path) if isinstance(row, Review)]


def as_parquet(table: pd.DataFrame) -> bytes:
    content = io.BytesIO()
    table.to_parquet(content)
    return content.getvalue()


PARQUET = as_parquet(pd.DataFrame(ROWS, columns=["text", "label"]))


@pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress, lzma.compress])
@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz", "a.csv.bz2", "a.csv.xz"])
def test_packed_or_not_the_bytes_decide_and_not_the_name(written, name, pack):
    assert taken(written(name, pack(TABLE))) == ROWS


def test_two_packed_members_are_one_file(written):
    assert taken(written("a.csv.gz", gzip.compress(TABLE[:15]) + gzip.compress(TABLE[15:]))) == ROWS


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_packed_bytes_that_break_off_are_an_error(written, pack):
    content = pack(TABLE + os.urandom(2_000).hex().encode())
    with pytest.raises(InputError, match=r"a\.csv is damaged \(.*\); write or copy it again"):
        read(written("a.csv", content[:-40]))


PACKERS = [gzip.compress, bz2.compress, lzma.compress]


@pytest.mark.parametrize("pack", PACKERS)
def test_members_are_all_read_or_the_file_is_refused(written, pack):
    """Python's own readers of bz2 and xz take what follows the first member for the end."""
    one, two = pack(TABLE[:15]), pack(TABLE[15:])
    for whole in (one + two, one + bytes(16) + two, one + two + bytes(7)):
        assert taken(written("a.csv", whole)) == ROWS
    for broken in (one + b"x" + two[1:], one + two[:-5], one + two[:3], one + two + b"garbage"):
        with pytest.raises(InputError, match=r"a\.csv is damaged \(.*\); write or copy it again"):
            read(written("a.csv", broken))


def workbook() -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("xl/workbook.xml", "<workbook/>")
    return content.getvalue()


def archive() -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as packed:
        packed.writestr("reviews.csv", TABLE)
    return content.getvalue()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (workbook(), "is an Excel workbook or another document of Microsoft Office; save its sheet as CSV"),
        (archive(), r"is a zip archive; unpack it \(unzip\) and name the file that is in it\."),
        (gzip.compress(workbook()), "is an Excel workbook"),
        (gzip.compress(gzip.compress(TABLE)), "is packed twice; unpack it once"),
        (b"\x28\xb5\x2f\xfd" + bytes(20), r"is packed with zstd; unpack it \(zstd -d\)"),
        (
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(20),
            "is a workbook or document of old Micro",
        ),
        (lzma.compress(TABLE, format=lzma.FORMAT_ALONE), r"is packed with lzma; unpack it \(unlzma\)"),
        (b"%PDF-1.7\n", "is a PDF document"),
        (b"<!DOCTYPE html>\n<html></html>", r"is a web page \(HTML\); download the data itself"),
        (b"<?xml version='1.0'?><rows/>", "is an XML document"),
        (b"SQLite format 3\0" + bytes(90), "is an SQLite database"),
        (b"ARROW1\0\0", "is an Arrow or Feather file"),
        (b"\x80\x04\x95" + bytes(20), "is a Python pickle, which is never opened: it can run any code"),
        (b"version https://git-lfs.github.com/spec/v1\n", "is a pointer of Git LFS"),
        (bytes(257) + b"ustar\x0000", "is a tar archive"),
        (b"\x89PNG\r\n\x1a\n" + bytes(9), "is a PNG image"),
    ],
)
@pytest.mark.parametrize("name", ["a.csv", "a.tsv.gz", "a.json"])
def test_what_holds_no_rows_is_said_with_the_one_thing_to_do(written, name, content, words):
    with pytest.raises(InputError, match=rf"{name} {words}"):
        read(written(name, content))


@pytest.mark.parametrize("name", ["a.parquet", "a.pq", "a.csv"])
def test_parquet_is_read_under_any_name(written, name):
    assert taken(written(name, PARQUET)) == ROWS


def test_columns_of_parquet_may_be_of_many_types(written):
    table = pd.DataFrame(
        {
            "label": pd.Categorical(["pos", "neg", None, "pos"]),
            "text": ["fine", b"caf\xe9".decode("latin-1"), "so so", None],
            "other": [[1], [2], [3], [4]],
        }
    )
    first, second, third, fourth = read(written("a.parquet", as_parquet(table)))
    assert (first, second) == (Review(1, "fine", 1), Review(2, "caf\u00e9", 0))
    assert (third.reason, fourth.reason) == (Reason.NO_LABEL, Reason.NO_TEXT)
    floats = pd.DataFrame({"text": ["fine", "dull", "so so"], "label": [1.0, 0.0, float("nan")]})
    assert taken(written("b.parquet", as_parquet(floats))) == ROWS


def test_bytes_in_parquet_are_text(written, tmp_path):
    table = pa.table({"text": pa.array([b"fine", b"caf\xe9"]), "label": [1, 0]})
    pq.write_table(table, tmp_path / "a.parquet")
    assert read(str(tmp_path / "a.parquet")) == [Review(1, "fine", 1), Review(2, "caf\udce9", 0)]


def test_parquet_without_the_column_names_those_it_has(written):
    path = written("a.parquet", as_parquet(pd.DataFrame({"review": ["x"], "label": [1]})))
    with pytest.raises(InputError, match="no column 'text'; it has: review, label"):
        read(path)


@pytest.mark.parametrize("cut", [20, len(PARQUET) // 2, len(PARQUET) - 6])
def test_damaged_parquet_is_an_error(written, cut):
    with pytest.raises(InputError, match=r"a\.parquet is damaged"):
        read(written("a.parquet", PARQUET[:cut]))


def test_parquet_with_a_page_that_ends_too_early_is_an_error(written):
    """The byte changed is the number of values of the first page; pyarrow ends the column there."""
    content = bytearray(as_parquet(pd.DataFrame({"text": ["a", "b", "c"], "label": [1, 0, 1]})))
    column = pq.ParquetFile(io.BytesIO(content)).metadata.row_group(0).column(0)
    page = content.index(b"\x15\x06", column.data_page_offset)  # a zigzag 3
    for values in (0, 2, 4):
        content[page + 1] = values
        with pytest.raises(InputError, match=r"a\.parquet is damaged"):
            read(written("a.parquet", bytes(content)))


def test_parquet_with_two_columns_of_the_text_is_refused_and_of_others_the_first_counts(tmp_path):
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table([["fine"], ["other"], [1]], names=["text", "text", "label"]), path)
    with pytest.raises(InputError, match="more than one column 'text'; leave or rename all but one"):
        read(str(path))
    pq.write_table(pa.table([["a"], ["fine"], ["b"], [1]], names=["id", "text", "id", "label"]), path)
    assert taken(str(path)) == [("fine", 1)]
    (record,) = file_records(str(path), columns=COLUMNS, whole=True)
    assert record.fields == {"id": "a", "text": "fine", "label": 1}


@pytest.mark.parametrize("form", ["{}\n", "[{}]"])
def test_an_object_with_two_texts_is_named_and_other_repeated_keys_do_not_matter(written, form):
    twice = '{"text": "fine", "label": 1, "text": "dull"}'
    (row,) = read(written("a.json", form.format(twice).encode()))
    assert (row.reason, row.detail) == (Reason.REPEATED_KEY, "'text' stands more than once")
    other = '{"id": 1, "text": "fine", "label": 1, "id": 2}'
    assert taken(written("b.json", form.format(other).encode())) == [("fine", 1)]


def test_packed_parquet_has_to_be_unpacked(written):
    for name in ("a.parquet", "a.csv.gz"):
        with pytest.raises(InputError, match=r"packed with gzip; unpack it and name the file that is in it"):
            read(written(name, gzip.compress(PARQUET)))


def test_a_name_that_promises_parquet_is_held_to_it(written):
    with pytest.raises(InputError, match=r"a\.parquet is not a Parquet file; give it the name of the format"):
        read(written("a.parquet", TABLE))


OBJECTS = [{"text": text, "label": label} for text, label in ROWS]


@pytest.mark.parametrize("name", ["a.json", "a.jsonl"])
@pytest.mark.parametrize(
    "content",
    [
        json.dumps(OBJECTS),
        json.dumps(OBJECTS, indent=2),
        " \n" + json.dumps(OBJECTS) + "\n\n",
        "\ufeff" + json.dumps(OBJECTS),
        "".join(json.dumps(one) + "\n" for one in OBJECTS),
        "".join(json.dumps(one) + "\r" for one in OBJECTS),
        pd.DataFrame(OBJECTS).to_json(orient="records", lines=True),
        pd.DataFrame(OBJECTS).to_json(orient="records"),
    ],
)
def test_an_array_of_objects_and_an_object_a_line_are_the_same_rows(written, name, content):
    assert taken(written(name, content.encode())) == ROWS


def test_elements_of_an_array_are_named_by_their_line(written):
    content = '[\n {"text": "fine",\n  "label": 1},\n\n 7,\n {"text": "caf\udce9", "label": 0}\n]'
    assert read(written("a.json", content.encode(errors="surrogateescape")))[:2] == [
        Review(2, "fine", 1),
        BadRow(written("a.json", b"")[:], 5, Reason.NOT_JSON, "7"),
    ]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ('[{"text": "fine", "label": 1}, {"text": "du', "broken or cut off at the element on line 1"),
        ('[{"text": "fine", "label": 1}', "broken or cut off after the element on line 1"),
        ('[{"text": "fine", "label": 1} {}]', "broken or cut off after the element on line 1"),
        ('[{"text": "fine", "label": 1}] {}', "something follows the JSON array"),
        ('[]\n[{"text": "fine", "label": 1}]', "something follows the JSON array"),
        ('[{"text": "fine", "label": 1},]', "broken or cut off at the element on line 1"),
        ("[" * 100_000, "nested too deeply"),
        (
            '{\n "text": ["fine"]\n}',
            "is one JSON object, not one a row; write an object a line, or",
        ),
        ('{"text": {"0": "fine"}, "label": {"0": 1}}', "is one JSON object, not one a row"),  # as pandas does
        ('{"data": [{"text": "fine", "label": 1}]}', "is one JSON object, not one a row"),
    ],
)
def test_broken_json_is_an_error_and_never_the_end_of_the_rows(written, content, words):
    with pytest.raises(InputError, match=words):
        read(written("a.json", content.encode()))


def test_one_object_with_a_list_beside_the_text_is_a_row(written):
    content = b'{"text": "fine", "label": 1, "tags": ["a"]}'
    assert taken(written("a.json", content)) == [("fine", 1)]


def test_a_number_of_thousands_of_digits_costs_its_row_and_not_the_array(written):
    content = '[{"text": "a", "label": %s},\n{"text": "b", "label": 1}]' % ("9" * 5_000)
    bad, good = read(written("a.json", content.encode()))
    assert (bad.reason, good) == (Reason.BAD_LABEL, Review(2, "b", 1))


@pytest.mark.parametrize(
    "content", [b'[{"text": "fine"', b'{"text": "fine"', b'\xef\xbb\xbf[\n  {\n  "text"']
)
def test_json_under_the_name_of_delimited_text_is_told(written, content):
    with pytest.raises(InputError, match=r"a\.csv is JSON, not delimited text; give it the ending \.json\."):
        read(written("a.csv", content + b": 1}]\n"))


@given(
    st.lists(st.dictionaries(st.sampled_from(["text", "label"]), st.text() | st.integers() | st.none())),
    st.sampled_from([None, 1]),
)
def test_whatever_array_json_writes_is_read_back(values, indent):
    records = json_array_records(
        io.StringIO(json.dumps(values, indent=indent)), file="a.json", columns=Columns("text", "text")
    )
    found = []
    try:
        for record in records:
            found.append(record)
    except InputError as error:  # after the last one: none had a text
        assert "no column 'text'" in str(error)
    assert [dict(record.fields) for record in found if isinstance(record, Record)] == values


def test_an_element_longer_than_what_is_read_at_once_is_whole(written):
    long = [{"text": "x" * 300_000, "label": 1}, {"text": "y" * 200_000, "label": 0}]
    assert [len(text) for text, _ in taken(written("a.json", json.dumps(long).encode()))] == [
        300_000,
        200_000,
    ]


@pytest.mark.parametrize("pack", [None, "GZIP"])
@pytest.mark.parametrize("name", ["a.tfrecord", "a.tfrecord.gz"])
def test_tf_records_are_unpacked_by_their_bytes(tmp_path, name, pack):
    path = str(tmp_path / name)
    with tf.io.TFRecordWriter(path, pack) as writer:
        for text, label in ROWS:
            writer.write(to_example(text, label).SerializeToString())
    assert taken(path) == ROWS


@pytest.mark.parametrize("pack", [None, "GZIP"])
def test_records_that_break_off_anywhere_but_between_two_are_an_error(tmp_path, pack):
    """TensorFlow's own reader takes many such places for the end of the file."""
    path = tmp_path / "a.tfrecord"
    lengths = []
    with tf.io.TFRecordWriter(str(path), pack) as writer:
        for number in range(9):
            record = to_example(os.urandom(9).hex(), number % 2).SerializeToString()
            writer.write(record)
            lengths.append(16 + len(record))
    whole = path.read_bytes()
    between = {0, *itertools.accumulate(lengths)} if pack is None else {0, len(whole)}
    for size in range(1, len(whole), 5):
        path.write_bytes(whole[:size])
        if size in between:
            read(str(path))
        else:
            with pytest.raises(InputError, match=r"is damaged|is not a file of TFRecords"):
                read(str(path))


def test_a_feature_of_two_values_is_said_to_have_two(tmp_path):
    example = tf.train.Example()
    example.features.feature["text"].bytes_list.value.append(b"fine")
    example.features.feature["label"].int64_list.value.extend([1, 0])
    path = str(tmp_path / "a.tfrecord")
    with tf.io.TFRecordWriter(path) as writer:
        writer.write(example.SerializeToString())
    assert read(path) == [BadRow(path, 1, Reason.BAD_LABEL, "2 values; expected one")]


def test_records_that_the_machine_has_no_memory_for_are_not_the_inputs_fault(tmp_path):
    exhausted = unreadable("a.tfrecord", tf.errors.ResourceExhaustedError(None, None, "OOM"))
    exhausted.__cause__ = tf.errors.ResourceExhaustedError(None, None, "OOM")
    fault = machine_fault_of(exhausted)
    assert fault is not None and fault.exit_code == 1
    assert str(fault) == (
        "a.tfrecord cannot be read: OOM. The disk is full, has no inodes left, or the memory is used up. "
        "Free some."
    )


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (TABLE, "is not a file of TFRecords; name it for the format that it has"),
        (gzip.compress(TABLE), "is not a file of TFRecords"),
        (zlib.compress(TABLE), "is packed with zlib; write its records with GZIP, or unpacked"),
        (bz2.compress(TABLE), "is packed with bzip2; unpack it, or pack its records with gzip"),
        (gzip.compress(gzip.compress(TABLE)), "is packed twice"),
    ],
)
def test_what_is_no_file_of_records_is_said_without_tensorflow(written, content, words):
    with pytest.raises(InputError, match=rf"a\.tfrecord {words}"):
        require_tf_records(written("a.tfrecord", content))
    with pytest.raises(InputError, match=rf"a\.tfrecord {words}"):
        read(written("a.tfrecord", content))


def test_one_file_under_several_names_is_found_once(tmp_path, written):
    path = written("b.csv", TABLE)
    os.symlink(path, tmp_path / "c.csv")
    os.link(path, tmp_path / "a.csv")
    other = written("d.csv", TABLE)
    assert found_paths(f"{tmp_path}/*.csv") == [str(tmp_path / "a.csv"), other]
    assert found_paths(f"{tmp_path}/**.csv") == [str(tmp_path / "a.csv"), other]


headers = st.sampled_from(
    [b"", b"text,label\n", b"sep=;\ntext;label\n", b"\xff\xfe", b"[", b"\x1f\x8b", b"BZh9"]
)


@given(headers, st.binary(max_size=120), st.sampled_from(["csv", "tsv", "json", "parquet"]))
def test_no_bytes_do_more_than_be_read_named_or_refused(tmp_path_factory, header, body, suffix):
    """For any bytes: rows, bad rows with a line of the file, or one error for a person."""
    path = tmp_path_factory.getbasetemp() / f"any.{suffix}"
    path.write_bytes(header + body)
    try:
        rows = read(str(path))
    except InputError as error:
        assert "Traceback" not in str(error)
        return
    assert all(isinstance(row, Review | BadRow) and row.line >= 1 for row in rows)
    lines = [row.line for row in rows]
    assert lines == sorted(set(lines))


@given(
    st.lists(
        st.tuples(st.text(min_size=1).filter(str.strip), st.sampled_from([0, 1])), min_size=1, max_size=5
    )
)
def test_pandas_pyarrow_and_csv_agree_with_the_reader(tmp_path_factory, rows):
    rows = [(text.encode(errors="replace").decode(), label) for text, label in rows]
    folder = tmp_path_factory.getbasetemp()
    table = pd.DataFrame(rows, columns=["text", "label"])
    table.to_parquet(folder / "same.parquet")
    table.to_json(folder / "same.json", orient="records")
    with (folder / "same.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("text", "label"), *rows])
    for suffix in ("parquet", "json"):
        assert taken(str(folder / f"same.{suffix}")) == rows
    # A row of several lines may look like several rows: then it is named, and counts.
    found = read(str(folder / "same.csv"))
    assert [(row.text, row.label) for row in found if isinstance(row, Review)] == rows or any(
        isinstance(row, BadRow) for row in found
    )
