import io

import pytest

from components.batch_prediction.unlabeled import (
    Unlabeled,
    Wanted,
    format_named,
    read_stream,
    require_good_rows,
)
from components.errors import DataStopped, InputError
from components.example_gen.formats.rows import BadRow, Reason
from components.example_gen.reading import Reading


def read(content: bytes, known: str, text_column: str = "text") -> list:
    stream = io.BufferedReader(io.BytesIO(content))
    return list(read_stream(stream, file="r", known=known, wanted=Wanted(text_column)))


def test_text_files_have_a_review_a_line_and_empty_lines_count_but_are_none():
    rows = read(b"\xef\xbb\xbffine\r\n\n  so so \nlast", "text")
    assert [(row.line, row.text) for row in rows] == [(1, "fine"), (3, "  so so "), (4, "last")]


def test_rows_of_tables_keep_their_fields_and_need_no_label():
    (row,) = read(b'id,stars,body\n7,5,"fine,\nreally"\n', "CSV", "body")
    assert row == Unlabeled(2, "fine,\nreally", {"id": "7", "stars": "5", "body": "fine,\nreally"})
    (row,) = read(b'{"text": "fine", "tags": ["a", 1], "id": null}\n', "JSONL")
    assert row.fields == {"text": "fine", "tags": ["a", 1], "id": None}
    (row,) = read(b"text\tid\nfine\t1\n", "TSV")
    assert row.fields == {"text": "fine", "id": "1"}


@pytest.mark.parametrize(
    ("content", "known", "reason"),
    [
        (b"   \n", "text", Reason.EMPTY_TEXT),
        (b"caf\xe9\n", "text", Reason.NOT_UTF8),
        (b"text,id\n,1\n", "CSV", Reason.EMPTY_TEXT),
        (b"text,id\nfine\n", "CSV", Reason.COLUMNS),
        (b'text,id\n"open,1\n', "CSV", Reason.QUOTING),
        (b'{"text": 5}\n', "JSONL", Reason.NO_TEXT),
        (b'{"text": "\\ud800"}\n', "JSONL", Reason.NOT_UTF8),
        (b'{"id": 1}\n{"text": "fine"}\n', "JSONL", Reason.NO_TEXT),
        (b"[1]\n", "JSONL", Reason.NOT_JSON),
    ],
)
def test_rows_that_cannot_be_predicted_are_named(content, known, reason):
    bad = read(content, known)[0]
    assert isinstance(bad, BadRow)
    assert bad.reason is reason


def test_a_missing_column_is_named_with_the_option_that_mends_it():
    with pytest.raises(InputError) as caught:
        read(b"id,body\n1,fine\n", "CSV")
    assert str(caught.value) == (
        "r has no column 'text'; it has: id, body. Name the right one with --text-column."
    )


@pytest.mark.parametrize(
    ("path", "known"),
    [
        ("a.txt", "text"),
        ("a.TXT.gz", "text"),
        ("a.csv.gz", "CSV"),
        ("a.tsv", "TSV"),
        ("a.ndjson", "JSONL"),
        ("data_tfrecord-00000-of-00001.gz", "TFRecord"),
    ],
)
def test_the_format_is_in_the_name(path, known):
    assert format_named(path) == known


def test_a_name_that_tells_no_format_is_refused_with_the_ways_out():
    with pytest.raises(InputError, match=r"\.parquet or \.tfrecord, each .* format with --input-format\."):
        format_named("a.xlsx")
    with pytest.raises(InputError, match=r"\.jsonl or \.parquet, each also .* with --format\."):
        format_named("a.xlsx", tf_records=False)


def test_an_empty_source_and_too_many_bad_rows_are_refused():
    with pytest.raises(InputError, match="a: it contains no texts"):
        require_good_rows(Reading(), source="a", max_bad_share=0.5)
    reading = Reading(taken=1)
    reading.add_bad(BadRow("a", 2, Reason.NO_TEXT, ""))
    require_good_rows(reading, source="a", max_bad_share=0.5)
    with pytest.raises(DataStopped, match="1 of 2 rows cannot be used"):
        require_good_rows(reading, source="a", max_bad_share=0.4)
