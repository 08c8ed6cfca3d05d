"""The record of the reviews that a model has seen."""

import numpy as np
import pytest

from components.evaluator.exposure import training_reviews
from components.evaluator.exposure.data_settings import differences
from components.evaluator.exposure.production import training_of
from components.evaluator.exposure.training_reviews import TrainingReviews, UnusableRecord, hashes
from components.reviews import canonical
from serving.store.manifest import MANIFEST_NAME, REVIEWS_NAME, Facts
from serving.versions import VersionStore


def record(**texts: list[str]) -> TrainingReviews:
    return TrainingReviews({use: np.unique(hashes(found)) for use, found in texts.items()})


def test_texts_are_one_review_exactly_where_their_normal_forms_are_one():
    written = ["A fine  film.", "a FINE film.", "A fine<br />film.", "\ufb01ne film", "fine film", "another"]
    forms, found = [canonical(text) for text in written], hashes(written)
    assert found.dtype == np.uint64
    for one in range(len(written)):
        for other in range(len(written)):
            assert (found[one] == found[other]) == (forms[one] == forms[other])


def test_a_record_is_read_back_as_it_was():
    kept = TrainingReviews.from_bytes(record(train=["a", "b"], eval=["c"]).to_bytes())
    assert kept.seen(hashes(["a", "b", "c", "d"])).tolist() == [True, True, True, False]
    assert {use: len(known) for use, known in kept.by_use.items()} == {"train": 2, "eval": 1}
    assert kept.without("eval").seen(hashes(["c"])).tolist() == [False]


def test_a_record_is_the_same_in_every_run_and_small():
    texts = [str(number) for number in range(20_000)]
    content = record(train=texts).to_bytes()
    assert content == record(train=texts[::-1]).to_bytes()
    assert len(content) < 12 * len(texts)


def test_a_record_of_another_normal_form_is_not_compared(monkeypatch):
    content = record(train=["a"]).to_bytes()
    monkeypatch.setattr(training_reviews, "canonical", str.upper)
    training_reviews.normal_form.cache_clear()
    try:
        with pytest.raises(UnusableRecord, match="tells reviews apart in another way"):
            TrainingReviews.from_bytes(content)
    finally:
        training_reviews.normal_form.cache_clear()


@pytest.mark.parametrize("content", [b"", b"PAR1 torn"])
def test_a_damaged_record_is_called_that(content):
    with pytest.raises(UnusableRecord, match="its record of training reviews cannot be read"):
        TrainingReviews.from_bytes(content)


@pytest.fixture
def version(tmp_path):
    """The folder of a published version with a record."""
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "saved_model.pb").write_text("a model")
    (tmp_path / "record").write_bytes(record(train=["a"]).to_bytes())
    store = VersionStore(tmp_path / "store")
    facts = Facts(data={"settings": {"split_salt": "1"}})
    store.push(tmp_path / "model", facts, records={REVIEWS_NAME: str(tmp_path / "record")})
    return tmp_path / "store" / "1"


def test_a_version_tells_its_reviews_and_its_data(version):
    found = training_of(str(version))
    assert found.reviews.seen(hashes(["a", "b"])).tolist() == [True, False]
    assert (found.problem, found.data) == (None, {"settings": {"split_salt": "1"}})


@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        (lambda version: (version / REVIEWS_NAME).unlink(), "is missing"),
        (lambda version: (version / REVIEWS_NAME).write_bytes(record().to_bytes()), "was changed since the"),
        (lambda version: (version / MANIFEST_NAME).unlink(), "it has no manifest"),
        (lambda version: (version / MANIFEST_NAME).write_text("{"), "its manifest is not valid JSON"),
    ],
)
def test_a_version_whose_record_cannot_be_used_says_why(version, damage, problem):
    damage(version)
    found = training_of(str(version))
    assert found.reviews is None and problem in found.problem


def test_every_setting_that_differs_is_named_and_the_window_too():
    before = {
        "settings": {"split_salt": "6767", "label_column": "label", "limit": None},
        "spans": [1, 2, 3, 5],
    }
    now = {"settings": {"split_salt": "6767", "label_column": "stars", "limit": 10}, "spans": [2, 3, 4]}
    assert list(differences(before, now)) == [
        'data.label_column changed from "label" to "stars"',
        "data.limit changed from unset to 10",
        "the spans changed: 1 to 3, 5 before, 2 to 4 now",
    ]
    assert list(differences(before, before)) == []
    assert list(differences({}, now)) == []
