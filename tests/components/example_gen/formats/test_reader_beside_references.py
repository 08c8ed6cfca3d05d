"""Hostile bytes, read by the reader and by others: each row of theirs is read alike, or named."""

import bz2
import csv
import gzip
import io
import json
import lzma

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.errors import InputError
from components.example_gen.formats.dialect import TOLD_BY_THE_FILE, Dialect
from components.example_gen.formats.rows import BadRow, Columns, Record
from components.example_gen.sources.files import file_records

COLUMNS = Columns("text", "label")
BOM, LINE_SEPARATOR = "\ufeff".encode(), "\u2028".encode()
PIECES = st.sampled_from(
    [
        *(b"fine", b"1", b"0", b" ", b"\\", b'"', b'""', b",", b";", b"\t", b"\n", b"\r", b"\r\n", b"\0"),
        *(BOM, LINE_SEPARATOR, b"\xc3", b"\xff", b"\x85", b"\x0b", b"\x1a", b"fine,1\n", b'"a\nb",0\n'),
    ]
)
BODIES = st.lists(PIECES, max_size=25).map(b"".join)
DIALECTS = st.builds(
    Dialect,
    delimiter=st.sampled_from(",;\t"),
    quoting=st.sampled_from(["minimal", "none"]),
    escape=st.sampled_from([None, "\\"]),
)


def found(path, dialect: Dialect = TOLD_BY_THE_FILE) -> list:
    return list(file_records(str(path), columns=COLUMNS, dialect=dialect))


def as_lines(content: bytes) -> list[str]:
    stream = io.TextIOWrapper(io.BytesIO(content), "utf-8-sig", errors="surrogateescape", newline="")
    return list(stream)


@given(BODIES, DIALECTS)
def test_every_line_of_a_table_is_in_a_row_of_pythons_reader_or_in_a_named_one(
    tmp_path_factory, body, dialect
):
    path = tmp_path_factory.getbasetemp() / "any.csv"
    content = f"text{dialect.delimiter}label\n".encode() + body
    path.write_bytes(content)
    rows, lines = found(path, dialect), as_lines(content)
    assert [row.line for row in rows] == sorted({row.line for row in rows})
    until = 2  # the first line that no row has accounted for
    for row in rows:
        assert _blank(lines[until - 1 : row.line - 1]), "no line is passed over"
        reader = dialect.reader(iter(lines[row.line - 1 :]), dialect.delimiter)
        try:
            fields = next(reader)
        except csv.Error:
            fields = None
        if isinstance(row, Record):
            assert [row.fields["text"], row.fields["label"]] == fields
        # What follows the first line of a broken row may have been read again, as rows of their own.
        again = isinstance(row, BadRow) and any(other.line == row.line + 1 for other in rows)
        until = row.line + (1 if again or fields is None else reader.line_num)
    assert _blank(lines[until - 1 :])


def _blank(lines: list[str]) -> bool:
    return not "".join(lines).strip("\r\n")


@given(BODIES, DIALECTS)
def test_a_table_without_a_bad_row_is_what_pandas_reads(tmp_path_factory, body, dialect):
    path = tmp_path_factory.getbasetemp() / "any.csv"
    path.write_bytes(f"text{dialect.delimiter}label\n".encode() + body)
    rows = found(path, dialect)
    # Two readers of C that end a text at a zero, or a line at one of its own.
    if not rows or b"\0" in body or any(isinstance(row, BadRow) for row in rows):
        return
    table = pd.read_csv(
        path,
        sep=dialect.delimiter,
        quoting=csv.QUOTE_NONE if dialect.quoting == "none" else csv.QUOTE_MINIMAL,
        escapechar=dialect.escape,
        dtype=str,
        keep_default_na=False,
        index_col=False,
        skip_blank_lines=True,
        encoding="utf-8-sig",
        encoding_errors="surrogateescape",
        engine="python",
    )
    assert [tuple(row) for row in table.itertuples(index=False)] == [
        (row.fields["text"], row.fields["label"]) for row in rows
    ]


JSON_PIECES = st.sampled_from(
    [
        *(
            b'{"text": "fine", "label": 1}',
            b'{"text": "a\\nb", "label": 0}',
            b"[",
            b"]",
            b"{",
            b"}",
            b",",
            b"\n",
        ),
        *(b"\r", b'"', b" ", b"\0", BOM, LINE_SEPARATOR, b"\xc3", b'{"label": 1}', b"null", b"NaN", b"1"),
        *(b'{"text": "' + LINE_SEPARATOR + b'", "label": 1}', b'{"text": "\xff", "label": 1}'),
    ]
)


@given(st.lists(JSON_PIECES, max_size=12).map(b"".join))
def test_every_line_of_json_is_a_row_or_named(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "any.jsonl"
    path.write_bytes(content)
    rows = []
    try:
        for row in file_records(str(path), columns=COLUMNS):
            rows.append(row)
    except InputError as error:
        assert str(path) in str(error)
        return
    if content.lstrip(BOM + b" \t\r\n\0").startswith(b"["):
        values = json.loads(content.decode("utf-8-sig", errors="surrogateescape"))
        assert len(rows) == len(values)
        assert [row.fields for row in rows if isinstance(row, Record)] == [
            value for row, value in zip(rows, values, strict=True) if isinstance(row, Record)
        ]
        return
    lines = as_lines(content)
    assert [row.line for row in rows] == [number for number, line in enumerate(lines, 1) if line.strip()]
    for row in rows:
        line = lines[row.line - 1].removeprefix("\ufeff")
        try:
            value = json.loads(line.encode("utf-8", "surrogateescape"))
        except ValueError:
            value = None
        assert isinstance(row, BadRow) if not isinstance(value, dict) else row.fields == value


@given(BODIES, st.sampled_from([gzip.compress, bz2.compress, lzma.compress]), st.data())
def test_packed_bytes_that_were_damaged_are_refused_or_give_all_rows(tmp_path_factory, body, pack, data):
    folder = tmp_path_factory.getbasetemp()
    plain, packed = folder / "plain.csv", folder / "packed.csv"
    plain.write_bytes(b"text,label\n" + body)
    first = pack(b"text,label\n")
    whole = first + pack(body)
    # Between two members nothing tells that a third is missing.
    cut = data.draw(st.integers(1, len(whole)).filter(lambda cut: cut != len(first)))
    damaged = data.draw(
        st.sampled_from([whole, whole[:cut], whole + b"garbage", whole[:cut] + b"\xff" + whole[cut + 1 :]])
    )
    packed.write_bytes(damaged)
    try:
        rows = found(packed)
    except InputError as error:
        assert damaged != whole and str(packed) in str(error)
        return
    assert [row._replace(file="") if isinstance(row, BadRow) else row for row in rows] == [
        row._replace(file="") if isinstance(row, BadRow) else row for row in found(plain)
    ]


TEXTS = st.one_of(st.none(), st.text(), st.sampled_from(["a\0b", "\ufefffine", "\u2028", '"', "\r"]))
COLUMN_TYPES = st.sampled_from(
    [
        pa.bool_(),
        pa.int8(),
        pa.float64(),
        pa.string(),
        pa.large_string(),
        pa.dictionary(pa.int8(), pa.string()),
    ]
)


@given(st.lists(st.tuples(TEXTS, st.sampled_from([0, 1, None])), max_size=8), COLUMN_TYPES)
def test_every_row_of_parquet_is_what_pyarrow_reads(tmp_path_factory, rows, kind):
    path = tmp_path_factory.getbasetemp() / "any.parquet"
    plain = kind.value_type if pa.types.is_dictionary(kind) else kind
    spelled = pa.array([label for _, label in rows], pa.int64()).cast(plain)
    if pa.types.is_dictionary(kind):
        spelled = spelled.dictionary_encode()
    texts = [text and text.encode(errors="replace").decode() for text, _ in rows]
    pq.write_table(pa.table({"label": spelled, "text": pa.array(texts, pa.string())}), path)
    table = pq.read_table(path).to_pylist()
    assert [(row.line, row.fields) for row in found(path)] == list(enumerate(table, start=1))
    assert [row["text"] for row in table] == texts


PARQUET = io.BytesIO()
pq.write_table(pa.table({"text": ["fine", "dull", None], "label": [1, 0, 1]}), PARQUET)


@given(st.integers(0, len(PARQUET.getvalue()) - 5), st.sampled_from([b"", b"PAR1", bytes(90)]))
def test_parquet_that_breaks_off_is_refused(tmp_path_factory, size, more):
    """No byte in the middle is changed: of some, pyarrow ends the process."""
    path = tmp_path_factory.getbasetemp() / "any.parquet"
    path.write_bytes(PARQUET.getvalue()[:size] + more)
    with pytest.raises(InputError, match=r"any\.parquet"):
        found(path)
