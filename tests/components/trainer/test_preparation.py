import numpy as np
import pytest

from components.errors import GreenlightError
from components.trainer import data, preparation, progress
from components.trainer.preparation import prepare
from components.trainer.settings import TrainerSettings
from components.trainer.train import fit_prepared

SETTINGS = TrainerSettings(epochs=2, batch_size=64, hidden_units=(4,), ngram_order=2)


@pytest.fixture
def prepared_with(embedding_settings, cache_dir, train_files, eval_files):
    def make(**changes):
        settings = SETTINGS.model_copy(update=changes)
        splits = {"train_files": train_files, "eval_files": eval_files}
        return prepare(settings, embedding_settings, cache_dir=cache_dir, **splits), settings

    return make


def test_small_splits_are_encoded_in_memory(prepared_with):
    prepared, _ = prepared_with()
    assert prepared.encoded and isinstance(prepared.train, data.ReviewsInMemory)
    assert (len(prepared.train), len(prepared.evaluation)) == (400, 200)


def test_large_splits_are_streamed_and_train_as_well(prepared_with):
    lines = []
    with progress.listening(lines.append):
        prepared, settings = prepared_with(memory_reviews=300)
    assert lines[-1] == "400 and 200 reviews are streamed in every epoch"
    assert not prepared.encoded and isinstance(prepared.train, data.StreamedReviews)
    _, record = fit_prepared(prepared, settings)
    assert record.examples == {"train": 400, "eval": 200}
    assert record.epochs[1]["loss"] < record.epochs[0]["loss"]


def test_streamed_splits_learn_from_a_share(prepared_with, monkeypatch):
    monkeypatch.setattr(preparation, "_SAMPLE_AT_LEAST", 100)
    everything, _ = prepared_with()
    share, _ = prepared_with(memory_reviews=200)
    assert 0 < len(share.vocabulary) < len(everything.vocabulary)
    assert (
        prepared_with(memory_reviews=599)[0].vocabulary.keys.tolist() == everything.vocabulary.keys.tolist()
    )


def test_no_memory_for_reviews_still_learns_from_a_fair_sample(prepared_with):
    everything, _ = prepared_with()
    assert prepared_with(memory_reviews=0)[0].vocabulary.keys.tolist() == everything.vocabulary.keys.tolist()


def test_n_grams_can_be_left_out(prepared_with):
    assert prepared_with(ngram_order=0)[0].vocabulary is None
    assert prepared_with(ngram_order=0, memory_reviews=0)[0].vocabulary is None


def test_both_ways_learn_and_score_alike(prepared_with):
    """One epoch in one batch, where the order of the reviews does not matter."""
    figures = []
    for memory_reviews in (1000, 599):
        prepared, settings = prepared_with(
            memory_reviews=memory_reviews, epochs=1, batch_size=400, dropout=0.0
        )
        classifier, record = fit_prepared(prepared, settings)
        figures.append([record.epochs[0][name] for name in ("loss", "val_loss")])
        figures[-1].append(float(np.abs(classifier.ngrams.weight).sum()))
    assert figures[0] == pytest.approx(figures[1], rel=1e-4)


def test_an_empty_split_is_named(embedding_settings, cache_dir, train_files, tmp_path):
    with pytest.raises(GreenlightError, match=r"The eval split has no reviews"):
        prepare(
            SETTINGS,
            embedding_settings,
            cache_dir=cache_dir,
            train_files=train_files,
            eval_files=[f"{tmp_path}/none*"],
        )
