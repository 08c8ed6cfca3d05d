import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.errors import InputError
from components.example_gen.formats import json_lines
from components.example_gen.formats.json_lines import is_array, json_array_records, json_line_records
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


@pytest.fixture(params=[1, 7, 10_000])
def array(request, monkeypatch):
    """Reads an array in blocks of so many characters."""
    monkeypatch.setattr(json_lines, "_BLOCK", request.param)

    def array(text: str) -> list:
        records = json_array_records(io.StringIO(text), file="r.json", columns=COLUMNS)
        return list(as_reviews(records, file="r.json", columns=COLUMNS))

    return array


def test_the_elements_of_an_array_are_numbered(array):
    text = (
        '[\n{"text": "a\\nb", "label": 1},\n\n {"text": "c",\n"label": 0}\n'
        ', {"text": "d", "label": 1}, 12345,\n[]]\n'
    )
    assert array(text) == [
        Review(1, "a\nb", 1),
        Review(2, "c", 0),
        Review(3, "d", 1),
        BadRow("r.json", 4, Reason.NOT_JSON, "12345"),
        BadRow("r.json", 5, Reason.NOT_JSON, "[]"),
    ]
    assert array(" [ ] \n") == []


def test_an_element_that_is_not_utf_8_is_a_bad_row(array):
    assert array('[{"text": "a\udcff", "label": 1}]') == [
        BadRow("r.json", 1, Reason.NOT_UTF8, "character 2 of 'text'")
    ]


BROKEN = "r.json: the JSON array is broken or cut off "


@pytest.mark.parametrize(
    ("end", "said"),
    [
        (", x]", f"{BROKEN}at element 2 on line 2 (Expecting value); write or copy it again."),
        (", [", f"{BROKEN}at element 2 on line 2 (Expecting value); write or copy it again."),
        (
            f", {'[' * 100_000}",
            f"{BROKEN}at element 2 on line 2 (nested too deeply); write or copy it again.",
        ),
        ("", f"{BROKEN}after element 1 on line 2; write or copy it again."),
        (" 1]", f"{BROKEN}after element 1 on line 2; write or copy it again."),
        ("] [1]", "r.json: something follows the JSON array; leave one array in the file."),
    ],
    ids=["not JSON", "cut off", "nested", "no end", "no comma", "two arrays"],
)
def test_a_broken_array_is_named_with_element_and_line(array, end, said):
    with pytest.raises(InputError) as caught:
        array(f'[\n{{"text": "a", "label": 1}}{end}')
    assert str(caught.value) == said
    with pytest.raises(InputError, match=r"^r\.json: something follows the JSON array; leave one array"):
        array("[] 1")


@pytest.mark.parametrize("value", [{"text": ["a", "b"], "label": [1, 0]}, {"rows": [{"text": "a"}]}])
def test_one_object_that_holds_the_rows_is_refused(value):
    with pytest.raises(
        InputError, match=r"^r\.jsonl is one JSON object, not one a row; write an object a line"
    ):
        read(json.dumps(value).encode())


def test_one_row_may_have_a_list_beside_its_text():
    assert read(b'{"text": "a", "label": 1, "tags": []}') == [Review(1, "a", 1)]
