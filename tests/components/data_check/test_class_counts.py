"""The data check with more than two classes: the counts of each class, rare classes."""

from example_files import write_examples

from components.data_check.facts import SplitFacts
from components.data_check.findings import findings, only_too_few, warnings
from components.data_check.sample import count_labels
from components.data_check.settings import CheckSettings

NAMES = ("business", "science", "sports", "world")


def facts(*counts: int) -> SplitFacts:
    total = sum(counts)
    return SplitFacts(total, counts[0], total - counts[0], (1.0, *[20.0] * 9, 90.0), 20.0, {}, {}, counts)


def test_classes_with_enough_reviews_are_no_finding():
    split = {"train": facts(300, 200, 100, 26)}
    assert findings(split, {}, CheckSettings(), classes=NAMES) == []
    assert list(warnings(split, NAMES)) == []


def test_a_rare_class_is_measured_by_an_equal_share():
    found = findings({"train": facts(500, 300, 180, 20)}, {}, CheckSettings(), classes=NAMES)
    assert found == [
        "train: label: 2.0% of the examples (20 of 1,000) are world, less than the 2.5% of "
        "check.min_class_share for 4 classes"
    ]


def test_each_class_has_to_be_in_every_split():
    split = {"train": facts(300, 300, 300, 100), "eval": facts(40, 40, 20, 0)}
    found = findings(split, {}, CheckSettings(min_class_share=0.0), classes=NAMES)
    assert found == ["eval: label: no example is world; each class needs some in every split"]


def test_few_reviews_of_a_class_are_a_warning():
    split = {"train": facts(300, 300, 300, 100), "test": facts(40, 40, 12, 7)}
    assert list(warnings(split, NAMES)) == [
        "test: fewer than 20 examples of sports (12) and world (7): what is measured of such a class is "
        "uncertain"
    ]


def test_many_rare_and_absent_classes_are_a_line_each_of_a_split():
    names = tuple(f"c{number}" for number in range(100))
    split = {"eval": facts(*[500] * 70, *[1] * 15, *[0] * 15)}
    absent, rare = findings(split, {}, CheckSettings(), classes=names)
    assert absent.startswith("eval: label: no example is c85, c86, c87, c88, c89, c90, ")
    assert absent.endswith(", c94 or 5 more; each class needs some in every split")
    assert rare.startswith("eval: label: 0.0% of the examples (1 of 35,015) are c70, 0.0% of the ")
    assert rare.endswith(" and 5 more, less than the 0.1% of check.min_class_share for 100 classes")
    (warned,) = warnings(split, names)
    assert warned.endswith("c79 (1) and 5 more: what is measured of such a class is uncertain")


def test_findings_of_small_splits_alone_are_too_few_reviews():
    split = {"train": facts(300, 300, 300, 100), "eval": facts(4, 2, 1, 0)}
    assert only_too_few(split, {}, CheckSettings(), classes=NAMES)
    assert not only_too_few({**split, "train": facts(999, 1, 0, 0)}, {}, CheckSettings(), classes=NAMES)


def test_the_json_has_the_reviews_of_each_class_by_name():
    known = facts(3, 0, 2, 1).to_json(NAMES)
    assert known["classes"] == {"business": 3, "science": 0, "sports": 2, "world": 1}
    assert known["positive_share"] is known["negative"] is known["positive"] is None
    of_two = SplitFacts(4, 3, 1, (), 0.0, {}, {}).to_json(("ham", "spam"))
    assert (of_two["classes"], of_two["positive_share"]) == ({"ham": 3, "spam": 1}, 0.25)
    assert "class_counts" not in known


def test_labels_are_counted_from_the_examples(tmp_path):
    rows = [(f"text {number}", label) for number, label in enumerate([0, 2, 2, 3, 3, 3])]
    write_examples(tmp_path / "data.gz", rows)
    assert count_labels(str(tmp_path), 4) == (1, 0, 2, 3)
