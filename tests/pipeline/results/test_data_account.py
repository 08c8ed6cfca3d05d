"""The account of the rows of a run, wherever it is shown."""

from collections import Counter

from components.example_gen.formats.rows import BadRow, Reason
from components.example_gen.reading import Reading
from pipeline.results.data_account import in_words, notes
from pipeline.results.outcome import RunResult
from pipeline.results.summary import summarize

READING = Reading(
    taken=282,
    set_aside=4,
    duplicates=3,
    bad=Counter({Reason.BAD_LABEL: 310, Reason.QUOTING: 8}),
    first_bad=[BadRow("a.csv", line, Reason.BAD_LABEL, "'maybe'") for line in range(3, 12)],
    unmapped=Counter({"3": 20, "neutral": 5}),
    first_unmapped=[BadRow("a.csv", 2, Reason.UNMAPPED_LABEL, "'3'", "3")],
)
LEFT_OUT = "310 bad label, 8 broken quoting, 25 label not in data.labels: 20 labeled 3 and 5 labeled neutral"


def test_every_row_is_in_the_account():
    account = READING.account()
    assert (
        account["rows"] == account["used"] + account["set_aside"] + sum(account["left_out"].values()) == 629
    )
    assert account["first_left_out"][:2] == [
        "a.csv:2: label not in data.labels ('3')",
        "a.csv:3: bad label ('maybe')",
    ]
    assert in_words(account) == (
        "629 rows read, 282 used (3 of them duplicates), 4 excluded as copies of the base, a newer span or "
        f"a fixed split, 343 left out ({LEFT_OUT})"
    )


def test_rows_beyond_a_limit_are_not_said_to_be_used():
    account = Reading(taken=100, limit=30).account()
    assert in_words(account) == "100 rows read, 30 used, 70 beyond data.limit"


def test_the_account_survives_the_file_beside_the_examples():
    again = Reading.from_json(READING.to_json())
    assert again.account() == READING.account()


def test_the_end_of_a_run_says_what_became_of_the_rows():
    account = READING.account()
    result = RunResult(verdict="promoted", data=account, notes=tuple(notes(account)))
    text = summarize(result).as_text()
    assert f"  {in_words(account)}\n" in text
    assert (
        f"  note: 343 of 629 rows (54.5%) were left out: {LEFT_OUT}. The first: a.csv:2: label not in" in text
    )
    assert result.to_json()["data"] == account


def test_nothing_is_noted_where_every_row_is_used():
    assert list(notes(Reading(taken=5).account())) == list(notes(None)) == []
