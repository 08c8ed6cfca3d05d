"""The sentences with a negation or a contrast, and what is made of a model's answers."""

from collections import Counter

import numpy as np

from components.evaluator.checklist.answers import Answers, records
from components.evaluator.checklist.negation import GOOD, Case, cases


def counted(*, threshold: float = 0.5) -> Answers:
    """The answers of a model that looks for words of praise."""
    praise = [any(word in case.text for word in GOOD) for case in cases()]
    return Answers(cases(), np.where(praise, 0.9, 0.1).astype("float32"), threshold)


def test_the_cases_are_many_distinct_and_of_both_labels():
    found = cases()
    assert len({case.text for case in found}) == len(found)
    tricky = Counter(case.positive for case in found if case.kind != "plain")
    assert sum(tricky.values()) >= 200 and abs(tricky[True] - tricky[False]) <= 60


def test_the_label_is_that_of_the_whole_sentence():
    labels = {case.text: case.positive for case in cases()}
    assert labels["The film is good."] and not labels["The film is bad."]
    assert labels["Not bad at all."] and labels["I was never bored."]
    assert labels["Not the worst way to spend an evening."]
    assert not labels["The film isn't good."] and not labels["It could have been great."]


def test_a_model_that_counts_words_is_wrong_where_it_matters():
    accuracies = counted().accuracies()
    assert accuracies["plain"] == (1.0, 32)
    assert accuracies["negated praise"] == (0.0, 64)
    assert accuracies["all but plain"][1] == len(cases()) - 32


def test_the_labels_are_those_at_the_models_threshold():
    assert counted(threshold=0.95).accuracies()["plain"] == (0.5, 32)
    at_the_threshold = Answers([Case("plain", "a", True)], np.array([0.7], "float32"), 0.7)
    assert at_the_threshold.right.all()


def test_wrong_answers_come_with_the_surest_first():
    asked = [Case(kind, kind, True) for kind in ("plain", "contrast", "understatement")]
    found = Answers(asked, np.array([0.4, 0.01, 0.5]))
    assert [(case.text, value) for case, value in found.wrong()] == [("contrast", 0.01), ("plain", 0.4)]
    assert found.accuracies()["all but plain"] == (0.5, 2)
    assert Answers(asked[:1], np.array([0.6])).accuracies() == {"plain": (1.0, 1)}


def test_the_records_have_each_kind_with_its_shortest_case_and_last_all_but_plain():
    found = records(counted())
    assert found[0] == {
        "kind": "plain",
        "example": "The film is bad.",
        "label": "negative",
        "example_count": 32,
        "accuracy": 1.0,
        "baseline": None,
    }
    assert [each["kind"] for each in found[-2:]] == ["understatement", "all but plain"]
    assert found[-1]["example"] == found[-1]["label"] == ""


def test_the_records_have_the_model_in_production_beside_the_candidate():
    found = {each["kind"]: each for each in records(counted(), counted(threshold=0.95))}
    assert (found["plain"]["accuracy"], found["plain"]["baseline"]) == (1.0, 0.5)
    assert records(None, counted()) == ()
