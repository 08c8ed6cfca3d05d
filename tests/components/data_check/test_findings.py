import pytest
from tensorflow_metadata.proto.v0 import anomalies_pb2

from components.data_check.facts import SplitFacts
from components.data_check.findings import findings, only_too_few
from components.data_check.settings import CheckSettings


def facts(*, negative: int = 500, positive: int = 500, median: float = 170.0) -> SplitFacts:
    return SplitFacts(
        examples=negative + positive,
        negative=negative,
        positive=positive,
        words=(1.0, *[median] * 9, 900.0),
        mean_words=200.0,
        lengths={},
        missing={},
    )


def test_good_data_has_no_findings():
    assert findings({"train": facts(), "eval": facts()}, {}, CheckSettings()) == []


@pytest.mark.parametrize(
    ("split", "key", "count"), [("train", "min_train_examples", 100), ("test", "min_eval_examples", 10)]
)
def test_a_split_has_a_least_size(split, key, count):
    half = count // 2
    assert findings({split: facts(negative=half, positive=count - half)}, {}, CheckSettings()) == []
    assert findings({split: facts(negative=half, positive=count - half - 1)}, {}, CheckSettings()) == [
        f"{split}: {count - 1} examples, fewer than the {count} of check.{key}"
    ]


@pytest.mark.parametrize(("negative", "positive", "name"), [(49, 951, "negative"), (951, 49, "positive")])
def test_each_class_has_a_least_share(negative, positive, name):
    assert findings({"eval": facts(negative=50, positive=950)}, {}, CheckSettings()) == []
    assert findings({"eval": facts(negative=negative, positive=positive)}, {}, CheckSettings()) == [
        f"eval: label: 4.9% of the examples are {name}, less than the 5.0% of check.min_class_share"
    ]


@pytest.mark.parametrize(("negative", "positive"), [(1, 3), (3, 1)])
def test_exactly_the_least_share_is_enough(negative, positive):
    """A quarter has no rounding."""
    settings = CheckSettings(min_class_share=0.25, min_eval_examples=4)
    assert findings({"eval": facts(negative=negative, positive=positive)}, {}, settings) == []


def test_reviews_have_a_least_median_length():
    settings = CheckSettings(min_median_words=20)
    assert findings({"train": facts(median=20.0)}, {}, settings) == []
    assert findings({"train": facts(median=19.0)}, {}, settings) == [
        "train: words: half of the examples have at most 19 words, fewer than the 20 of "
        "check.min_median_words"
    ]


def test_an_empty_split_is_told_once():
    assert findings({"eval": facts(negative=0, positive=0)}, {}, CheckSettings()) == [
        "eval: 0 examples, fewer than the 10 of check.min_eval_examples"
    ]


def test_each_anomaly_is_one_line_with_split_and_feature():
    found = anomalies_pb2.Anomalies()
    found.anomaly_info["label"].short_description = "Out-of-range values"
    found.anomaly_info["label"].description = "Unexpectedly high value: 2."
    found.anomaly_info["stars"].short_description = "New column"
    found.anomaly_info["stars"].description = "New column (column in data but not in schema)"
    found.anomaly_info["text"].short_description = "Column dropped"
    assert findings({}, {"train": found}, CheckSettings()) == [
        "train: label: Out-of-range values: Unexpectedly high value: 2",
        "train: stars: New column (column in data but not in schema)",
        "train: text: Column dropped",
    ]


def test_too_few_reviews_alone_are_told_from_other_findings():
    few, one_class = facts(negative=5, positive=4), facts(negative=0, positive=1000)
    anomalies = {"train": anomalies_pb2.Anomalies(anomaly_info={"text": anomalies_pb2.AnomalyInfo()})}
    settings = CheckSettings()
    assert not only_too_few({"train": facts()}, {}, settings)
    assert only_too_few({"train": few, "eval": facts()}, {}, settings)
    assert only_too_few({"train": few}, anomalies, settings)  # of so few reviews anything may look odd
    assert not only_too_few({"train": few, "eval": one_class}, {}, settings)
    assert not only_too_few({"train": facts(), "eval": few}, anomalies, settings)
    assert not only_too_few({"train": one_class}, {}, settings)
    enough = facts(negative=settings.min_train_examples - 50, positive=50)
    assert not only_too_few({"train": enough, "eval": few}, anomalies, settings)
