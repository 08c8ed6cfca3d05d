import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.errors import InputError
from components.example_gen.formats.delimited import LONGEST_FIELD, delimited_records
from components.example_gen.formats.dialect import Dialect
from components.example_gen.formats.labels import LabelRule
from components.example_gen.formats.rows import BadRow, Columns, Reason, Record, Review, as_reviews

COLUMNS = Columns("text", "label")


def read(text: str, *, promised: str = ",", columns: Columns = COLUMNS, **dialect):
    lines = io.StringIO(text, newline="")
    records = delimited_records(
        lines, file="r.csv", columns=columns, promised=promised, dialect=Dialect(**dialect)
    )
    return list(as_reviews(records, file="r.csv", columns=columns))


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
    assert read("text\tlabel\nfine, really\t1\n", promised="\t") == [Review(2, "fine, really", 1)]


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
        BadRow("r.csv", 3, Reason.QUOTING, "the rest of a broken row above"),
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


FIVE = ["a fine film,1", "a dull film,0", "plain,1", "plainer,0", "last,1"]


def texts(rows):
    return [row.text for row in rows if isinstance(row, Review)]


def bad_lines(rows):
    return [row.line for row in rows if isinstance(row, BadRow)]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("promised", [",", "\t"])
def test_the_header_tells_what_parts_the_columns(delimiter, promised):
    table = "\n".join(["id,text,label", "1,fine,1", "2,dull,0"]).replace(",", delimiter)
    assert read(table, promised=promised) == [Review(2, "fine", 1), Review(3, "dull", 0)]


def test_the_line_of_excel_that_names_the_delimiter_is_no_header():
    assert read("sep=;\r\ntext;label\r\nfine, really;1\r\n") == [Review(3, "fine, really", 1)]
    assert read('"sep=^"\ntext^label\nfine^1\n') == [Review(3, "fine", 1)]


def test_a_delimiter_that_was_set_is_not_questioned():
    assert read("text:label\nfine:1\n", delimiter=":") == [Review(2, "fine", 1)]
    with pytest.raises(InputError, match="no column 'label' and no column 'text'; it has: text,label"):
        read("text,label\nfine,1\n", delimiter=":")


def test_other_names_are_shown_as_the_right_delimiter_parts_them():
    with pytest.raises(InputError, match="it has: review, sentiment"):
        read("review;sentiment\nfine;1\n")


REVIEW = "One of the other reviewers has mentioned that after watching just one episode you'll be hooked"


@pytest.mark.parametrize(
    ("line", "header"),
    [
        (f'"{REVIEW}",1', "text,label"),
        (f"{REVIEW};0", "text;label"),
        ("fine film,positive", "text,label"),
        (f"7\t1\t{REVIEW}", "column1<tab>label<tab>text"),
        (f'pos|9|"{REVIEW}"', "label|column2|text"),
        (f"{REVIEW}|5 stars", "text,label"),
    ],
)
def test_a_file_without_a_header_is_told_so_with_one_and_no_review_is_printed(line, header):
    with pytest.raises(InputError) as caught:
        read(f"{line}\n{line}\n")
    assert str(caught.value) == (
        "r.csv has no header: its first line is a row, not the names of the columns. Put a line that names "
        f"them above it, such as: {header}"
    )


def test_a_name_of_any_length_is_cut():
    with pytest.raises(InputError) as caught:
        read(f"{'x' * 5_000},y\n1,2\n")
    assert len(str(caught.value)) < 300


def test_quotes_may_be_plain_characters():
    table = 'text\tlabel\n"warm plot\t1\ndull "plot"\t0\nfine ending"\t1\n'
    assert read(table, promised="\t", quoting="none") == [
        Review(2, '"warm plot', 1),
        Review(3, 'dull "plot"', 0),
        Review(4, 'fine ending"', 1),
    ]


def test_quotes_may_be_escaped_as_in_kaggles_file():
    table = 'id\tlabel\ttext\n"1_8"\t1\t"\\"Moon\\" is good"\n"2_3"\t0\t"dull \\\\ end"\n'
    assert read(table, promised="\t", escape="\\") == [
        Review(2, '"Moon" is good', 1),
        Review(3, "dull \\ end", 0),
    ]


@pytest.mark.parametrize("quoting", ["minimal", "none"])
def test_an_escape_character_at_the_end_of_a_line_is_named_as_such(quoting):
    ways = {"promised": "\t", "escape": "\\", "quoting": quoting}
    rows = read("label\ttext\n1\tfine\\\n0\tdull\n1\tlast\\", **ways)
    told = "an escape character at the end of the line, which joins it with the next one"
    assert rows[0] == BadRow("r.csv", 2, Reason.QUOTING, told)
    assert rows[1] == Review(3, "dull", 0)
    assert rows[2:] == [BadRow("r.csv", 4, Reason.QUOTING, told)]


@pytest.mark.parametrize("opened", range(3))
@pytest.mark.parametrize("closed", range(1, 5))
@pytest.mark.parametrize("header", ["text,label", "label,text", "id,text,label"])
def test_rows_between_two_stray_quotes_are_not_swallowed(opened, closed, header):
    """Every row is either read or named: none disappears, none holds the text of another."""
    if closed <= opened:
        pytest.skip("the quotes close in the other order")
    rows = [line.split(",") for line in FIVE]
    rows[opened][0] = f'"{rows[opened][0]}'
    rows[closed][0] = f'{rows[closed][0]}"'
    fields = [{"id": str(number), "text": text, "label": label} for number, (text, label) in enumerate(rows)]
    lines = [",".join(row[name] for name in header.split(",")) for row in fields]
    found = read("\n".join([header, *lines]) + "\n")
    assert bad_lines(found) == [opened + 2, closed + 2]
    assert texts(found) == [
        line.split(",")[0] for number, line in enumerate(FIVE) if number not in (opened, closed)
    ]
    assert {row.reason for row in found if isinstance(row, BadRow)} == {Reason.QUOTING}


def test_rows_of_a_scale_are_not_swallowed_either():
    lines = ['"one,5', "two,3", 'three",4', "four,1"]
    rows = read("text,label\n" + "\n".join(lines) + "\n")
    assert bad_lines(rows) == [2, 3, 4]  # one for its quotes, the others for what their labels are
    assert rows[0].reason == rows[2].reason == Reason.QUOTING


@pytest.mark.parametrize("mark", ["^", "~", ":", "\x01", "\x1f", "::", "||"])
def test_a_rare_delimiter_is_taken_from_a_header_with_the_needed_names(mark):
    rows = [("text", "label"), ("a fine film", "1"), ("dull, really", "0")]
    assert texts(read("\n".join(mark.join(row) for row in rows))) == ["a fine film", "dull, really"]


def test_one_name_that_may_be_several_is_said_with_the_setting():
    with pytest.raises(InputError, match=r"it has: body\^stars\. If '\^' separates .* data\.delimiter"):
        read("body^stars\nfine^1\n")


@pytest.mark.parametrize("above", ["# exported\n", "Reviews of May,\n,\n", "@relation r\n@data\n\n"])
def test_a_header_below_other_lines_is_named_by_its_line(above):
    line = above.count("\n") + 1
    with pytest.raises(InputError, match=f"the names of the columns are on line {line}, not on the first"):
        read(above + "text,label\nfine,1\n")


def swallowed_lines(rows: list[str], *, header: str = "text\tlabel", **rule) -> list[int]:
    """The lines of the bad quotes in a file of these rows, where none but those may be missing."""
    columns = Columns("text", "label", labels=LabelRule(**rule))
    found = read("\n".join([header, *rows]) + "\n", promised="\t", columns=columns)
    assert [row.line for row in found] == list(range(2, len(rows) + 2))
    return [row.line for row in found if isinstance(row, BadRow) and row.reason is Reason.QUOTING]


WORDS = (("bad", "negative"), ("good", "positive"))


@pytest.mark.parametrize(
    "rows",
    [
        ['"warm plot\tmeh', "dull plot\tmeh", 'fine ending"\tgood'],
        ['"warm plot\tmeh', 'fine ending"\tgood'],
        ['"warm plot\tgood', "dull plot\tmeh", 'fine ending"\tmeh'],
        ['"warm plot\t', "dull plot\t", 'fine ending"\tgood'],
    ],
)
def test_rows_of_labels_that_a_mapping_leaves_out_are_not_swallowed(rows):
    assert swallowed_lines(rows, given=WORDS) == [2, len(rows) + 1]


@pytest.mark.parametrize("header", ["text,label", "text;label", "text|label"])
def test_a_label_of_another_row_shows_a_row_with_any_delimiter(header):
    mark = header[4]
    rows = [f"odd{mark}so so", f'"warm{mark}so so', f"dull{mark}so so", f'fine"{mark}good']
    assert swallowed_lines(rows, header=header, given=WORDS) == [3, 5]


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
def test_lines_of_prose_are_no_rows_although_they_have_a_delimiter(mark):
    text = f"Well{mark} it begins{mark}\nfine{mark} and\nends"
    rows = read(f'text{mark}label\nodd{mark}meh\n"{text}"{mark}1\n')
    assert rows[-1] == Review(3, text, 1)


def test_rows_without_labels_are_told_by_the_numbers_beside_them():
    columns = Columns("text", "label", label_needed=False)
    lines = io.StringIO(
        'id,text\n1,"one\n2,two\n3,three"\n4,"four,\n4 lines, 2 of them\nof text"\n', newline=""
    )
    records = list(delimited_records(lines, file="r.csv", columns=columns, promised=","))
    assert [(type(record), record.line) for record in records] == [
        (BadRow, 2), (Record, 3), (BadRow, 4), (Record, 5),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "two\nlines",
        "three, really\nlines of it, I say\nand 1 more",
        "one\n\ntwo",
        "9 of 10,\nnot 1",
        "a\r\nb",
    ],
)
@pytest.mark.parametrize("order", [("text", "label"), ("label", "text"), ("id", "text", "label")])
def test_a_review_of_several_lines_stays_one(text, order):
    written = io.StringIO(newline="")
    writer = csv.DictWriter(written, order, extrasaction="ignore")
    writer.writeheader()
    writer.writerows({"id": 7, "text": text, "label": label} for label in (1, 0))
    lines = io.StringIO(written.getvalue(), newline="")
    records = delimited_records(lines, file="r.csv", columns=COLUMNS, promised=",")
    assert [record.fields["text"] for record in records] == [text, text]


def test_carriage_returns_alone_end_lines_too():
    assert read("text,label\rfine,1\rdull,0\r") == [Review(2, "fine", 1), Review(3, "dull", 0)]


def test_zeros_in_a_row_are_characters_and_a_tail_of_zeros_is_named():
    rows = read("text,label\nfi\0ne,1\n" + "\0" * 4096)
    assert rows[0] == Review(2, "fi\0ne", 1)
    assert bad_lines(rows) == [3]


# The dialects' characters, so that quotes and delimiters meet often.
soup = st.text(st.sampled_from('a1,0;"\t\n\r\\ |'), max_size=60)


@given(soup, st.sampled_from([",", "\t"]))
def test_whatever_a_csv_reader_makes_of_a_table_is_read_or_named(body, delimiter):
    """Each row of Python's own reader is a row here, or a line of it is named."""
    table = f"text{delimiter}label\n{body}"
    lines = io.StringIO(table, newline="")
    found = {}
    for row in delimited_records(lines, file="r.csv", columns=COLUMNS, promised=delimiter):
        assert row.line not in found
        found[row.line] = row
    reference = csv.reader(io.StringIO(table, newline=""), delimiter=delimiter, strict=True)
    next(reader := reference)
    while True:
        first = reader.line_num + 1
        try:
            fields = next(reader)
        except StopIteration:
            break
        except csv.Error:
            assert any(
                first <= line <= reader.line_num and isinstance(row, BadRow) for line, row in found.items()
            )
            break  # after it the two go on at different lines
        if not fields:
            continue
        row = found.get(first)
        assert row is not None
        if isinstance(row, Record):
            assert [row.fields["text"], row.fields["label"]] == fields


@given(st.lists(st.tuples(cells, st.sampled_from(["0", "1"])), max_size=6), st.sampled_from(";\t|"))
def test_whatever_is_written_without_quotes_is_read_back(rows, delimiter):
    rows = [(" ".join(text.replace(delimiter, "").split()) or "x", label) for text, label in rows]
    table = "".join(f"{text}{delimiter}{label}\n" for text, label in [("text", "label"), *rows])
    assert [(row.text, str(row.label)) for row in read(table, quoting="none")] == rows
