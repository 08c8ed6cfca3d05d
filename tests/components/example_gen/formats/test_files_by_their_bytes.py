"""Files of all kinds under all names: read where that is safe, else an error says what they are."""

import csv
import gzip
import io
import lzma
import os
import zipfile

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from read_files import TABLE, read, taken

from components.errors import InputError
from components.example_gen.formats.rows import BadRow, Review
from components.example_gen.sources.file_lookup import found_paths, require_known_format


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


def test_a_packed_tar_archive_is_one_whatever_its_name(written):
    content = gzip.compress(bytes(257) + b"ustar\x0000")
    with pytest.raises(InputError, match="is a tar archive; unpack it and name the file that is in it"):
        require_known_format(written("reviews.tar.gz", content))


@pytest.mark.parametrize(
    "content", [TABLE, TABLE.replace(b",", b"\t"), b"\xff\xfe" + TABLE.decode().encode("utf-16-le")]
)
def test_a_table_called_json_is_said_to_be_one(written, content):
    with pytest.raises(InputError, match=r"a\.jsonl is delimited text, not JSON; give it the ending \.csv"):
        read(written("a.jsonl", content))


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
