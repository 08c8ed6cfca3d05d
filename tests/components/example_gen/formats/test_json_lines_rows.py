import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.errors import InputError
from components.example_gen.formats.json_lines import is_array, json_line_records
from components.example_gen.formats.rows import BadRow, Columns, Reason, Review, as_reviews

COLUMNS = Columns("text", "label")


def read(*lines: bytes):
    text = [line.decode(errors="surrogateescape") for line in lines]
    records = json_line_records(text, file="r.jsonl", columns=COLUMNS)
    return list(as_reviews(records, file="r.jsonl", columns=COLUMNS))


@given(st.lists(st.tuples(st.text(), st.sampled_from([0, 1, True, False]))))
def test_whatever_json_writes_is_read_back(rows):
    lines = [json.dumps({"text": text, "label": label}).encode() for text, label in rows]
    assert read(*lines) == [
        Review(line, text, int(label)) for line, (text, label) in enumerate(rows, start=1)
    ]


@pytest.mark.parametrize("label", ["pos", "Positive", "TRUE", "1", 1, True])
def test_labels_have_many_spellings(label):
    assert read(json.dumps({"text": "fine", "label": label}).encode())[0].label == 1


@pytest.mark.parametrize(
    ("line", "reason", "detail"),
    [
        (b'{"text": "a", "label": 1', Reason.NOT_JSON, "Expecting ',' delimiter"),
        (b'["a", 1]', Reason.NOT_JSON, "['a', 1]"),
        (b'{"label": 1}', Reason.NO_TEXT, ""),
        (b'{"text": null, "label": 1}', Reason.NO_TEXT, ""),
        (b'{"text": 5, "label": 1}', Reason.NO_TEXT, "5 is not text"),
        (b'{"text": "a"}', Reason.NO_LABEL, ""),
        (b'{"text": "a", "label": 0.5}', Reason.BAD_LABEL, "0.5; expected 0 or 1"),
        (b'{"text": "\xff", "label": 1}', Reason.NOT_UTF8, "character 11 of the line"),
        (b"[" * 100_000, Reason.NOT_JSON, "nested too deeply"),
        (b'{"text": "a", "label": ' + b"1" * 5_000 + b"}", Reason.BAD_LABEL, "inf; expected 0 or 1"),
        (b'{"text": "a", "label": 1e999}', Reason.BAD_LABEL, "inf; expected 0 or 1"),
    ],
)
def test_a_line_that_cannot_be_used_is_named_with_the_reason(line, reason, detail):
    good = b'{"text": "fine", "label": 1}'
    first, bad, last = read(good, line, good)
    assert (first.line, last.line) == (1, 3)
    assert isinstance(bad, BadRow)
    assert (bad.file, bad.line, bad.reason) == ("r.jsonl", 2, reason)
    assert bad.detail.startswith(detail)


def test_empty_lines_are_passed_over():
    assert [row.line for row in read(b"\n", b'{"text": "a", "label": 0}\n', b"  \n")] == [2]


def test_a_key_that_no_object_has_is_an_error_that_names_those_there_are():
    with pytest.raises(InputError, match=r"r\.jsonl has no column 'text'; it has: review, label"):
        read(b'{"review": "fine", "label": 1}')


def test_a_key_that_is_given_twice_is_a_bad_row():
    assert read(b'{"text": "a", "text": "b", "label": 1}', b'{"text": "a", "label": 1, "c": 1, "c": 2}') == [
        BadRow("r.jsonl", 1, Reason.REPEATED_KEY, "'text' stands more than once"),
        Review(2, "a", 1),
    ]


@pytest.mark.parametrize(
    ("head", "found"),
    [
        (b"[", True),
        (b"\xef\xbb\xbf \r\n\t[1", True),
        ("[1".encode("utf-16"), True),
        (b'{"text": "a"}\n', False),
        (b"text,label\n[", False),
        (b"", False),
    ],
)
def test_an_array_begins_with_a_bracket_behind_marks_and_space(head, found):
    assert is_array(head) is found


def test_one_object_on_several_lines_is_not_rows():
    for head in (b'{\n "text": [', b"  { \r\n", "{\n".encode("utf-16")):
        with pytest.raises(ValueError, match=r"^one JSON object, not one a row; write an object a line, or "):
            is_array(head)
