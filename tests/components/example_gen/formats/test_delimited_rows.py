import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.errors import InputError
from components.example_gen.formats.delimited import LONGEST_FIELD, delimited_records
from components.example_gen.formats.rows import BadRow, Reason, Review, as_reviews


def read(text: str, *, delimiter: str = ","):
    lines = io.StringIO(text, newline="")
    records = delimited_records(lines, file="r.csv", needed={"text", "label"}, delimiter=delimiter)
    return list(as_reviews(records, file="r.csv", text_column="text", label_column="label"))


cells = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1)


@given(st.lists(st.tuples(cells, st.sampled_from([0, 1]))))
def test_whatever_csv_writes_is_read_back(rows):
    written = io.StringIO(newline="")
    csv.writer(written).writerows([("label", "text"), *((label, text) for text, label in rows)])
    assert [(row.text, row.label) for row in read(written.getvalue())] == rows


def test_rows_are_named_by_the_line_they_start_on():
    rows = read('text,label\n"one\ntwo\nthree",1\nfour,0\n\n"five\n",1\n')
    assert rows == [Review(2, "one\ntwo\nthree", 1), Review(5, "four", 0), Review(7, "five\n", 1)]


def test_other_columns_and_their_order_do_not_matter():
    assert read("id,label,stars, text \n7,pos,5,fine\n") == [Review(2, "fine", 1)]


def test_tabs_part_the_columns_of_tsv():
    assert read("text\tlabel\nfine, really\t1\n", delimiter="\t") == [Review(2, "fine, really", 1)]


@pytest.mark.parametrize(
    ("line", "reason", "detail"),
    [
        ("fine", Reason.COLUMNS, "1 instead of 2"),
        ("fine,1,more", Reason.COLUMNS, "3 instead of 2"),
        ("fine,", Reason.NO_LABEL, ""),
        ("fine,maybe", Reason.BAD_LABEL, "'maybe'; expected 0 or 1, neg or pos, negative or positive"),
        ("fine,2", Reason.BAD_LABEL, "'2'; expected 0 or 1"),
        ('"a "good" film",1', Reason.QUOTING, 'a quote inside a quoted field is not doubled ("")'),
    ],
)
def test_a_row_that_cannot_be_used_is_named_with_the_reason(line, reason, detail):
    first, bad, last = read(f"text,label\nbefore,0\n{line}\nafter,1\n")
    assert (first, last) == (Review(2, "before", 0), Review(4, "after", 1))
    assert (bad.file, bad.line, bad.reason) == ("r.csv", 3, reason)
    assert bad.detail.startswith(detail)


def test_a_quote_that_is_never_closed_costs_one_row():
    rows = read('text,label\nbefore,0\n"never closed,1\nafter,1\nlast,0\n')
    assert rows == [
        Review(2, "before", 0),
        BadRow("r.csv", 3, Reason.QUOTING, "a quote is opened and never closed"),
        Review(4, "after", 1),
        Review(5, "last", 0),
    ]


def test_a_quote_that_a_later_row_closes_costs_one_row():
    rows = read('text,label\n"never closed,1\nplain,1\n"quoted, too",0\nlast,0\n')
    assert [(type(row), row.line) for row in rows] == [(BadRow, 2), (Review, 3), (Review, 4), (Review, 5)]


def test_the_tail_of_a_broken_row_is_not_taken_for_a_row():
    rows = read('text,label\n"two lines\nand a "stray" quote",1\nlast,0\n')
    assert rows[:2] == [
        BadRow("r.csv", 2, Reason.QUOTING, 'a quote inside a quoted field is not doubled ("")'),
        BadRow("r.csv", 3, Reason.QUOTING, "rest of a row that broke above"),
    ]
    assert rows[2:] == [Review(4, "last", 0)]


def test_an_endless_field_is_noticed_before_it_fills_the_memory():
    plain = "plain,1\n" * (LONGEST_FIELD // 8 + 2)
    rows = read(f'text,label\n"never closed,1\n{plain}')
    assert rows[0].reason == Reason.QUOTING
    assert "longer than 1,048,576 characters; is a quote never closed?" in rows[0].detail
    assert sum(isinstance(row, Review) for row in rows) == LONGEST_FIELD // 8 + 2


def test_a_missing_column_is_an_error_that_names_those_there_are():
    with pytest.raises(InputError, match=r"r\.csv has no column 'text'; it has: review, label\. Name the"):
        read("review,label\nfine,1\n")


def test_both_columns_may_be_missing():
    with pytest.raises(InputError, match=r"no column 'label' and no column 'text'; it has: id"):
        read("id\n1\n")


def test_blank_lines_before_the_header_count_and_are_passed_over():
    assert read("\n  \ntext,label\nfine,1\n") == [Review(4, "fine", 1)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "r.csv is empty; its first line has to name the columns."),
        ("\n \r\n\n", "r.csv is empty; its first line has to name the columns."),
        ("\udc89PNG,\0\r\n", "r.csv is not UTF-8 text; save it as UTF-8, or name another file."),
        ('"\udcff"x\n', "r.csv is not UTF-8 text; save it as UTF-8, or name another file."),
        ('"a"b\n', "r.csv: the header line cannot be read: "),
        (
            "text,label,text\na,1,b\n",
            "r.csv has more than one column 'text'; leave or rename all but one.",
        ),
    ],
)
def test_a_header_that_cannot_be_used_is_refused_with_the_reason(text, message):
    with pytest.raises(InputError) as caught:
        read(text)
    assert str(caught.value).startswith(message)


def test_other_columns_may_be_there_twice_or_be_no_utf8():
    assert read("text,x,label,x,caf\udce9\nfine,1,0,2,3\n") == [Review(2, "fine", 0)]
