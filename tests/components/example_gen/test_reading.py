from collections import Counter

import pytest

from components.errors import DataStopped, InputError
from components.example_gen.formats.rows import BadRow, Reason
from components.example_gen.reading import CHANGED, Reading, merged
from components.example_gen.reading_limits import require_usable


def reading(*, taken: int, bad: int, file: str = "r.csv") -> Reading:
    result = Reading(taken=taken)
    for line in range(2, 2 + bad):
        result.add_bad(BadRow(file, line, Reason.EMPTY_TEXT, ""))
    return result


def test_a_share_at_the_bound_is_tolerated_and_one_row_more_is_not():
    require_usable(reading(taken=99, bad=1), max_bad_share=0.01)
    with pytest.raises(DataStopped):
        require_usable(reading(taken=98, bad=2), max_bad_share=0.01)


def test_the_message_counts_all_and_names_the_first():
    found = reading(taken=980, bad=19)
    found.add_bad(BadRow("r.csv", 30, Reason.BAD_LABEL, "'x'"))
    with pytest.raises(DataStopped) as stopped:
        require_usable(found, max_bad_share=0.01)
    lines = str(stopped.value).splitlines()
    assert lines[0] == (
        "20 of 1,000 rows cannot be used (19 empty text, 1 bad label); data.max_bad_share allows 1.00%. "
        "The first ones:"
    )
    assert lines[1:3] == ["  r.csv:2: empty text", "  r.csv:3: empty text"]
    assert len(lines) == 12
    assert lines[-1] == "Fix them, or raise data.max_bad_share to leave them out."


@pytest.mark.parametrize(
    ("reason", "remedy"),
    [
        (Reason.COLUMNS, "Write double quotes around each text that contains the delimiter"),
        (Reason.NOT_UTF8, "Save the file as UTF-8, from the encoding that it has: iconv "),
        (Reason.QUOTING, "Where quotes in the file are plain characters, set data.quoting"),
    ],
)
def test_the_remedy_is_that_of_the_most_frequent_reason(reason, remedy):
    found = reading(taken=980, bad=1)
    for line in range(3, 22):
        found.add_bad(BadRow("r.csv", line, reason, ""))
    with pytest.raises(DataStopped, match=rf"\n{remedy}"):
        require_usable(found, max_bad_share=0.01)


@pytest.mark.parametrize(
    "classes", [{"positive": 9}, {"positive": 9, "negative": 0}, {"positive": 5, "negative": 4}]
)
def test_rows_without_a_label_may_mean_the_class_that_is_absent(classes):
    found = Reading(taken=9, classes=Counter(classes))
    for line in range(11, 20):
        found.add_bad(BadRow("r.csv", line, Reason.NO_LABEL, ""))
    with pytest.raises(DataStopped) as stopped:
        require_usable(found, max_bad_share=0.01)
    absent = "where no label means the other class, write that one (negative)"
    assert (absent in str(stopped.value)) == (not classes.get("negative"))
    assert ("max_bad_share to leave them out" in str(stopped.value)) == bool(classes.get("negative"))


def test_nothing_but_bad_rows_stops_whatever_the_bound():
    with pytest.raises(DataStopped):
        require_usable(reading(taken=0, bad=3), max_bad_share=1.0)


def test_a_source_without_a_row_is_an_input_error():
    with pytest.raises(InputError, match="contains no rows"):
        require_usable(Reading(), max_bad_share=1.0)


def test_failures_come_before_bad_rows():
    found = Reading(taken=1, failures=["a.csv has no column 'text'"])
    with pytest.raises(InputError, match=r"a\.csv has no column 'text'"):
        require_usable(found, max_bad_share=0.0)


def test_many_failures_are_cut():
    with pytest.raises(InputError, match=r"\.\.\. and 15 more files"):
        require_usable(Reading(failures=[f"{n}.csv is damaged" for n in range(25)]), max_bad_share=0.0)


def test_merging_keeps_counts_and_the_first_bad_rows_whatever_the_order():
    first, second = reading(taken=5, bad=8, file="a.csv"), reading(taken=7, bad=30, file="b.csv")
    one, other = merged([first, second]), merged([second, first])
    assert one == other
    assert (one.taken, one.bad_rows, one.rows) == (12, 38, 50)
    assert [str(row) for row in one.first_bad[7:9]] == ["a.csv:9: empty text", "b.csv:2: empty text"]
    assert len(one.first_bad) == 10


def test_an_account_survives_its_file():
    found = reading(taken=5, bad=2)
    assert Reading.from_json(found.to_json()) == found


@pytest.mark.parametrize("fingerprints", [("a", "a", "b"), ("b", "a", "b"), ("a", "b", "a")])
def test_a_file_of_two_fingerprints_changed_while_it_was_read(fingerprints):
    found = merged(Reading(contents={"r.csv": each, "s.csv": "c"}) for each in fingerprints)
    assert found.contents == {"r.csv": CHANGED, "s.csv": "c"}
