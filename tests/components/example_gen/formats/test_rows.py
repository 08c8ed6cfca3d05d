"""Rows of any format: how they are shown, and why a value or a file cannot be used."""

import errno
import functools
import os

import pytest

from components.errors import InputError
from components.example_gen.formats.labels import LabelRule
from components.example_gen.formats.rows import (
    BadRow,
    Columns,
    Reason,
    Record,
    Review,
    as_reviews,
    make_row,
    require_columns,
    shortened,
    shortened_label,
    text_problem,
    unreadable,
)


def test_a_bad_row_is_shown_with_its_place_and_its_value_if_there_is_one():
    assert str(BadRow("r.csv", 3, Reason.NO_TEXT, "")) == "r.csv:3: no text"
    assert str(BadRow("r.csv", 3, Reason.BAD_LABEL, "'x'")) == "r.csv:3: bad label ('x')"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("fine", None),
        (None, (Reason.NO_TEXT, "")),
        (["a"] * 1000, (Reason.LIST, "the text has 1,000 values")),
        (5, (Reason.NO_TEXT, "5 is not text")),
        (" \n", (Reason.EMPTY_TEXT, "")),
        ("fin\udce9", (Reason.NOT_UTF8, "character 4 of the text")),
    ],
)
def test_what_is_not_a_text_is_said(text, problem):
    assert text_problem(text) == problem


def test_a_value_that_is_a_list_or_outside_the_mapping_is_a_bad_row():
    made = functools.partial(make_row, file="r.csv", line=7)
    assert made(text=["a"] * 1000, label=1) == BadRow("r.csv", 7, Reason.LIST, "the text has 1,000 values")
    assert made(text="a", label=[1] * 1000) == BadRow("r.csv", 7, Reason.LIST, "the label has 1,000 values")
    assert made(text="a", label=["pos"]) == BadRow("r.csv", 7, Reason.LIST, "the label has 1 value")
    mapped = LabelRule((("4", "positive"), ("1", "negative")))
    (record,) = as_reviews(
        iter([Record(7, {"t": "a", "l": 4})]), file="r.csv", columns=Columns("t", "l", labels=mapped)
    )
    assert record == Review(7, "a", 1)
    left_out = made(text="a", label=2, labels=mapped)
    assert (left_out.reason, left_out.label) == (Reason.UNMAPPED_LABEL, "2")


def test_values_are_cut_at_forty_characters():
    assert shortened("x" * 38) == "'" + "x" * 38 + "'"
    assert shortened("x" * 39) == "'" + "x" * 36 + "..."
    assert shortened_label("\u00c9" + "x" * 50) == "\\xe9" + "x" * 36
    assert shortened_label([1]) == ""


def test_a_column_that_is_missing_is_named_beside_those_that_are_there():
    names = ["a" * 40, "b" * 41, *map(str, range(8))]
    shown = f"{'a' * 40}, {'b' * 37}..., 0, 1, 2, 3, 4, 5, 6, 7"
    for more, rest in ([], ""), (["8"], ", ..."):
        with pytest.raises(InputError) as caught:
            require_columns(
                Columns("text", "label", remedy="Name it."), present=[*names, *more], file="r.csv"
            )
        assert str(caught.value) == (
            f"r.csv has no column 'label' and no column 'text'; it has: {shown}{rest}. Name it."
        )
    with pytest.raises(InputError, match=r"^r has no column 'text'; it has: none\. "):
        require_columns(Columns("text"), present=[], file="r")
    with pytest.raises(
        InputError, match=r"^r has more than one column 'text'; leave or rename all but one\.$"
    ):
        require_columns(Columns("text"), present=["text", "a", "text"], file="r")
    require_columns(Columns("text", "label", label_needed=False), present=["text", "a", "a"], file="r")


class FromTensorFlow(Exception):
    message = "Connection reset"


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (OSError(errno.EACCES, os.strerror(errno.EACCES)), "Permission denied"),
        (FromTensorFlow("not shown"), "Connection reset"),
        (ValueError("odd"), "odd"),
    ],
)
def test_a_file_that_cannot_be_read_is_named_with_the_reason(error, why):
    found = unreadable("r.csv", error)
    assert type(found) is InputError
    assert str(found) == (
        f"r.csv cannot be read: {why}. See that it is a file that the user of this process may read."
    )


def test_what_the_machine_lacks_is_not_blamed_on_the_file():
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert str(unreadable("r.csv", full)) == "r.csv cannot be read: No space left on device."
