"""`data.classes` of more than two names: labels, mappings, advice, and names learned from the files."""

import csv
import re

import pytest
from label_advice import advice
from pydantic import ValidationError

from components.errors import DataStopped, InputError
from components.example_gen.formats.labels import LabelRule, in_order
from components.example_gen.formats.rows import BadRow, Reason
from components.example_gen.reading import Reading, usable
from components.example_gen.reading_limits import require_no_scale
from components.example_gen.settings import DataSettings
from components.example_gen.sources.label_census import census, learned_classes
from components.example_gen.sources.preflight import require_source

NEWS = ("World", "Sports", "Business", "Sci/Tech")


def write(path, labels):
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "label"])
        writer.writerows([f"the text of row {number}", label] for number, label in enumerate(labels))
    return f"files:{path}"


@pytest.mark.parametrize(
    ("names", "value", "expected"),
    [
        (NEWS, "sci/tech", 3),
        (NEWS, " World", 0),
        (NEWS, 2, 2),
        (NEWS, "4", None),
        (NEWS, "positive", None),
        (("1", "2", "3"), 1, 0),
        (("1", "2", "3"), "3.0", 2),
        (("1", "2", "3"), 0, None),
    ],
)
def test_the_label_of_a_row_is_the_index_of_its_name(names, value, expected):
    assert LabelRule(names=names).class_of(value) == expected


def test_messages_name_what_is_expected():
    assert LabelRule(names=NEWS).expected == "World or Sports or Business or Sci/Tech, 0 to 3"
    assert LabelRule(names=("1", "2", "3")).expected == "1 or 2 or 3"


def test_several_labels_may_mean_one_class():
    data = DataSettings(
        classes=("bad", "fair", "good"),
        labels={"1": "bad", "2": "bad", "3": "fair", "4": "good", "5": "good"},
    )
    assert [data.columns.labels.class_of(stars) for stars in (1, 2, 3, 4, 5, 6)] == [0, 0, 1, 2, 2, None]


def test_numbers_may_be_names():
    assert DataSettings(source="files:a.csv", classes=[1, 2, 3]).class_names == ("1", "2", "3")


def test_the_ends_of_a_scale_are_two_classes():
    data = DataSettings(negative=[1, 2], positive=["4", "5"])
    rule = data.columns.labels
    assert [rule.class_of(stars) for stars in (1, 2, 3, 4, 5)] == [0, 0, None, 1, 1]
    assert DataSettings.model_validate(data.model_dump(mode="json")) == data
    assert DataSettings(classes=("ham", "spam"), negative=["ok"], positive=["junk"]).mapping == {
        "ok": "ham",
        "junk": "spam",
    }


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"positive": ["4"]}, "positive alone is set; name the labels of both classes"),
        ({"negative": ["4.0"], "positive": ["4"]}, "the label '4' is both negative and positive"),
        (
            {"negative": ["1"], "positive": ["4"], "labels": {"1": "negative", "4": "positive"}},
            "labels says the same as negative and positive; give one of them",
        ),
        (
            {"source": "files:a.csv", "classes": NEWS, "negative": ["1"], "positive": ["4"]},
            "negative and positive are of two classes; use labels for more",
        ),
        (
            {"source": "files:a.csv", "classes": "auto", "labels": {"a": "b"}},
            'which data.classes = "auto" learns',
        ),
        (
            {"source": "files:a.csv", "classes": NEWS, "labels": {"1": "World"}},
            "expected at least one label that is World and one that is Sports and one that is Business",
        ),
    ],
)
def test_what_does_not_fit_together_is_refused(given, words):
    with pytest.raises(ValidationError) as caught:
        DataSettings(**given)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "packaged has two classes, and data.classes names 4. Name your own files with data.source"),
        (
            {"source": "files:{SPAN}/*.csv", "with_base": True},
            "data.with_base = true: the packaged reviews have two classes, and data.classes names 4",
        ),
    ],
)
def test_the_reviews_of_two_classes_are_not_a_source_of_more(given, words):
    with pytest.raises(InputError, match=re.escape(words)):
        require_source(DataSettings(classes=NEWS, **given))


def test_the_account_counts_the_rows_of_each_class(tmp_path):
    from components.example_gen.sources.files import FilePart

    path = tmp_path / "news.csv"
    write(path, ["World", "Sports", "Sports", "Sci/Tech"])
    data, reading = DataSettings(source=f"files:{path}", classes=NEWS), Reading()
    part = FilePart(str(path), data.columns, data.dialect)
    assert len(list(usable(part.rows(), name="news.csv", reading=reading, names=NEWS))) == 4
    assert reading.classes == {"World": 1, "Sports": 2, "Sci/Tech": 1}


def test_the_advice_names_all_labels_of_the_files_though_the_first_rows_have_one(tmp_path):
    source = write(tmp_path / "news.csv", [name for name in NEWS for _ in range(300)])
    with pytest.raises(DataStopped) as caught:
        require_source(DataSettings(source=source))
    line = 'set data.classes = ["Business", "Sci/Tech", "Sports", "World"] in greenlight.toml'
    assert line in str(caught.value)
    assert "data.classes" in str(caught.value) and "--set" not in str(caught.value)
    require_source(DataSettings(source=source, classes=NEWS))


def test_the_advice_has_as_many_names_as_there_may_be_classes():
    labels = {f"topic {number}": 9 for number in range(50)}
    assert '"topic 0", "topic 1"' in advice({}, labels)
    assert "data.classes" not in advice({}, labels | {"one more": 9})


def test_a_scale_is_offered_as_two_classes_or_as_one_a_step():
    told = advice({"positive": 9}, {"2": 9, "3": 9})
    assert 'data.labels = {"1" = "negative", "3" = "positive"}' in told
    assert 'If each is a class of its own instead, set data.classes = ["1", "2", "3"]' in told


def test_labels_beyond_the_names_are_a_scale_as_well():
    reading = Reading(taken=100)
    reading.classes.update({"1": 50, "2": 30, "3": 20})
    reading.bad_labels.update({"4": 20})
    with pytest.raises(DataStopped, match=r"not those of the 3 classes\. The labels are: 1 "):
        require_no_scale(reading, names=("1", "2", "3"))


def test_an_accent_of_its_own_is_the_same_label():
    rule = LabelRule(names=("caf\u00e9", "bar", "na\u00efve"))
    assert [rule.class_of(label) for label in ("cafe\u0301", "NAI\u0308VE", "Bar ")] == [0, 2, 1]


def test_a_missing_class_is_named_in_the_advice():
    told = advice({"World": 9}, {"weather": 4}, NEWS)
    assert "The classes are World, Sports, Business and Sci/Tech (data.classes)." in told


def test_names_are_learned_in_order_as_the_files_write_them(tmp_path):
    source = write(tmp_path / "news.csv", ["World", "world", "World", "Sports", "", "Sports", "business"])
    data = DataSettings(source=source, classes="auto")
    learned = learned_classes(data)
    assert learned.names == ("business", "Sports", "World")
    assert learned.rows == (1, 2, 3)
    assert data.learns_classes and not data.model_copy(update={"classes": learned.names}).learns_classes


def test_numbers_are_learned_by_their_value(tmp_path):
    source = write(tmp_path / "stars.csv", ["10", "9.0", "2", "2"])
    assert learned_classes(DataSettings(source=source, classes="auto")).names == ("2", "9", "10")
    assert in_order(["4 stars", "10 stars", "b", "A"]) == ["4 stars", "10 stars", "A", "b"]


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        (["spam"] * 3, "the only label is 'spam' in files:"),
        ([""] * 3, "there is no label in files:"),
        ([f"id-{number}" for number in range(60)], "has more than 50 different values, such as 'id-0'"),
    ],
)
def test_labels_that_cannot_be_classes_are_not_learned(tmp_path, labels, words):
    source = write(tmp_path / "rows.csv", labels)
    with pytest.raises(InputError) as caught:
        learned_classes(DataSettings(source=source, classes="auto"))
    assert words in str(caught.value)


def test_a_census_leaves_out_files_that_cannot_be_read(tmp_path):
    write(tmp_path / "news.csv", ["World", "weather", "Weather"])
    data = DataSettings(source="files:x", classes=NEWS)
    counts = census([str(tmp_path / "news.csv"), str(tmp_path / "gone.csv")], data)
    assert (counts.classes, counts.others) == ({"World": 1}, {"weather": 2})
    assert counts.written == {"weather": "weather"}


def test_unknown_labels_are_told_before_the_rows_and_the_remedy_after_them(tmp_path):
    source = write(tmp_path / "news.csv", [name for name in NEWS for _ in range(30)])
    with pytest.raises(DataStopped) as caught:
        require_source(DataSettings(source=source))
    what, *rows, mend = str(caught.value).splitlines()
    assert what == (
        "120 of 120 rows cannot be used (120 bad label); data.max_bad_share allows 1.00%. The labels are: "
        "business (30), sci/tech (30), sports (30), world (30). The first ones:"
    )
    assert len(rows) == 10 and all(": bad label (" in row for row in rows)
    assert mend.startswith('If each is a class of its own, set data.classes = ["Business", "Sci/Tech", ')


def test_the_labels_of_a_scale_are_told_before_the_rows_as_well():
    reading = Reading(taken=100)
    reading.classes.update({"1": 50, "2": 50})
    for line in range(2, 22):
        reading.add_bad(BadRow("news.csv", line, Reason.BAD_LABEL, "'4'", "4"))
    with pytest.raises(DataStopped) as caught:
        require_no_scale(reading, names=("1", "2", "3"))
    what, *rows, mend = str(caught.value).splitlines()
    assert what.endswith("The labels are: 1 (50), 2 (50), 4 (20). The first rows of another label:")
    assert rows[0] == "  news.csv:2: bad label ('4')"
    assert mend.startswith("The classes are 1, 2 and 3 (data.classes). Add what is missing there")
