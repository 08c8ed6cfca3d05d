"""`data.classes`: the names of the two classes in labels, mappings, advice and checks."""

import json

import pytest
from label_advice import advice
from pydantic import ValidationError
from tfx.types import standard_artifacts

from components.class_names import DATA_SETTINGS, names_in
from components.data_check.facts import SplitFacts
from components.data_check.findings import findings
from components.data_check.settings import CheckSettings
from components.evaluator.judgment.wording import constant_answer
from components.example_gen.formats.labels import LabelRule
from components.example_gen.settings import DataSettings
from components.reviews import CLASSES

HAM_SPAM = ("ham", "spam")


@pytest.mark.parametrize(
    ("names", "value", "expected"),
    [
        (HAM_SPAM, " Spam", 1),
        (HAM_SPAM, "ham", 0),
        (HAM_SPAM, 1, 1),
        (HAM_SPAM, "0.0", 0),
        (HAM_SPAM, "positive", None),
        (HAM_SPAM, "true", None),
        (("2", "1"), "1.0", 1),
        (("2", "1"), 2, 0),
        (("2", "1"), 0, None),
        (("Ärger", "STRASSE"), "straße", 1),
    ],
)
def test_rows_are_labeled_by_the_names(names, value, expected):
    assert LabelRule(names=names).class_of(value) == expected


def test_messages_name_what_is_expected():
    assert LabelRule(names=HAM_SPAM).expected == "ham or spam, 0 or 1"
    assert LabelRule(names=("2", "1")).expected == "2 or 1"


def test_a_mapping_maps_to_the_names_and_leaves_them_accepted():
    data = DataSettings(classes=HAM_SPAM, labels={"junk": "spam", "ok": "ham"})
    rule = data.columns.labels
    assert [rule.class_of(label) for label in ("ok", "junk", "ham", "spam", "1")] == [0, 1, 0, 1, None]
    assert data.class_names == HAM_SPAM
    assert DataSettings().class_names == CLASSES


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"classes": ["spam"]}, "expected two names or more, not 1"),
        ({"classes": ["ham", "ham"]}, "'ham' and 'ham' are the same label; expected different names"),
        ({"classes": ["1", "1.0"]}, "'1' and '1.0' are the same label; expected different names"),
        ({"classes": ["a", "b", "A"]}, "'a' and 'A' are the same label; expected different names"),
        ({"classes": "ham, spam"}, "classes"),
        ({"classes": ["", "spam"]}, "expected names of printable characters, without spaces around them"),
        ({"classes": ["ham ", "spam"]}, "expected names of printable characters"),
        (
            {"classes": HAM_SPAM, "labels": {"x": "negative", "y": "positive"}},
            "expected at least one label that is ham and one that is spam, and no other class",
        ),
        ({"labels": {"x": "ham", "y": "spam"}}, "one label that is negative and one that is positive"),
    ],
)
def test_names_that_cannot_be_used_are_refused(given, words):
    with pytest.raises(ValidationError) as caught:
        DataSettings(**given)
    assert words in str(caught.value)


def test_two_unknown_words_are_offered_as_names():
    told = advice({}, {"ham": 120, "spam": 80})
    assert told.startswith("The labels are: ham (120), spam (80). If these are the names of your two classes")
    assert 'set data.classes = ["ham", "spam"] in greenlight.toml (under [data]: classes = ...)' in told
    assert told.endswith("or the other way round.")
    assert "data.classes" not in advice({}, {"good": 120, "bad": 80})


def test_examples_carry_the_names_to_the_stages():
    examples = standard_artifacts.Examples()
    assert names_in([examples]) == names_in([]) == names_in(None) == CLASSES
    examples.set_string_custom_property(DATA_SETTINGS, DataSettings(classes=HAM_SPAM).model_dump_json())
    assert names_in([examples]) == HAM_SPAM
    examples.set_string_custom_property(DATA_SETTINGS, json.dumps({"limit": 5}))  # of an older release
    assert names_in([examples]) == CLASSES


def test_the_data_check_and_the_verdict_use_the_names():
    few = SplitFacts(1000, 970, 30, (1.0, *[170.0] * 9, 900.0), 200.0, {}, {})
    (line,) = findings({"train": few}, {}, CheckSettings(), classes=HAM_SPAM)
    assert line == "train: label: 3.0% of the examples are spam, less than the 5.0% of check.min_class_share"
    assert "90.0 % of the examples are ham, so the constant answer ham" in constant_answer("ham", 0.9)
