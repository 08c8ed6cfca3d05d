"""The checklist of negations: its cases, and what is made of a model's answers."""

from collections import Counter

import numpy as np
import pytest

from benchmarks.accuracy import negation


def test_the_cases_are_many_distinct_and_of_both_labels():
    found = negation.cases()
    assert len({case.text for case in found}) == len(found)
    tricky = Counter(case.positive for case in found if case.kind != "plain")
    assert sum(tricky.values()) >= 200 and abs(tricky[True] - tricky[False]) <= 60


def test_the_words_of_the_lists_are_in_no_case_of_the_other_label_by_mistake():
    plain = {case.text: case.positive for case in negation.cases() if case.kind == "plain"}
    assert plain["The film is good."] and not plain["The film is bad."]
    labels = {case.text: case.positive for case in negation.cases()}
    assert labels["It is not bad at all."] and labels["I was never bored."]
    assert not labels["The film isn't good."] and not labels["It could have been great."]


def test_a_model_that_counts_words_is_wrong_where_it_matters():
    def counts(texts):
        return np.array([0.9 if any(word in text for word in negation.GOOD) else 0.1 for text in texts])

    found = negation.ask(counts)
    accuracies = found.accuracies()
    assert accuracies["plain"] == (1.0, 32)
    assert accuracies["negated praise"] == (0.0, 64)
    assert accuracies["all but plain"][1] == len(found.cases) - 32


def test_wrong_answers_come_with_the_surest_first():
    cases = [negation.Case("plain", text, True) for text in ("a", "b", "c")]
    found = negation.Answers(cases, np.array([0.4, 0.01, 0.5]))
    assert [(case.text, value) for case, value in found.wrong()] == [("b", 0.01), ("a", 0.4)]
    assert found.accuracies() == {"plain": (pytest.approx(1 / 3), 3)}
