"""Parquet files under any name: columns of many types, damaged files, repeated columns."""

import gzip
import io

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from read_files import COLUMNS, ROWS, TABLE, read, taken

from components.errors import InputError
from components.example_gen.formats.rows import Reason, Review
from components.example_gen.sources.files import file_records


def as_parquet(table: pd.DataFrame) -> bytes:
    content = io.BytesIO()
    table.to_parquet(content)
    return content.getvalue()


PARQUET = as_parquet(pd.DataFrame(ROWS, columns=["text", "label"]))


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


def test_packed_parquet_has_to_be_unpacked(written):
    for name in ("a.parquet", "a.csv.gz"):
        with pytest.raises(InputError, match=r"packed with gzip; unpack it and name the file that is in it"):
            read(written(name, gzip.compress(PARQUET)))


def test_a_name_that_promises_parquet_is_held_to_it(written):
    with pytest.raises(InputError, match=r"a\.parquet is not a Parquet file; give it the name of the format"):
        read(written("a.parquet", TABLE))
