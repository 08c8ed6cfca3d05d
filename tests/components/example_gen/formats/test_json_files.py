"""JSON files: an array of objects or an object a line, broken ones, and one object for all rows."""

import io
import json

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from read_files import ROWS, read, taken

from components.errors import InputError
from components.example_gen.formats.json_lines import json_array_records
from components.example_gen.formats.rows import BadRow, Columns, Reason, Record, Review


@pytest.mark.parametrize("form", ["{}\n", "[{}]"])
def test_an_object_with_two_texts_is_named_and_other_repeated_keys_do_not_matter(written, form):
    twice = '{"text": "fine", "label": 1, "text": "dull"}'
    (row,) = read(written("a.json", form.format(twice).encode()))
    assert (row.reason, row.detail) == (Reason.REPEATED_KEY, "'text' stands more than once")
    other = '{"id": 1, "text": "fine", "label": 1, "id": 2}'
    assert taken(written("b.json", form.format(other).encode())) == [("fine", 1)]


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


def test_elements_of_an_array_are_named_by_their_number(written):
    content = '[\n {"text": "fine",\n  "label": 1},\n\n 7,\n {"text": "caf\udce9", "label": 0}\n]'
    assert read(written("a.json", content.encode(errors="surrogateescape")))[:2] == [
        Review(1, "fine", 1),
        BadRow(written("a.json", b"")[:], 2, Reason.NOT_JSON, "7"),
    ]


def test_elements_of_an_array_on_one_line_are_named_by_their_number(written):
    content = b'[{"text": "fine", "label": 1}, 7, {"text": "dull", "label": 0}]'
    assert read(written("a.json", content)) == [
        Review(1, "fine", 1),
        BadRow(written("a.json", content), 2, Reason.NOT_JSON, "7"),
        Review(3, "dull", 0),
    ]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ('[{"text": "fine", "label": 1}, {"text": "du', "broken or cut off at element 2 on line 1"),
        ('[{"text": "fine", "label": 1}', "broken or cut off after element 1 on line 1"),
        ('[{"text": "fine", "label": 1} {}]', "broken or cut off after element 1 on line 1"),
        ('[{"text": "fine", "label": 1}] {}', "something follows the JSON array"),
        ('[]\n[{"text": "fine", "label": 1}]', "something follows the JSON array"),
        ('[{"text": "fine", "label": 1},]', "broken or cut off at element 2 on line 1"),
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
