import numpy as np
import pytest
import tensorflow as tf

from components.errors import GreenlightError
from components.trainer import preparation, progress
from components.trainer.classifier import data
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
    assert isinstance(prepared.train, data.ReviewsInMemory)
    assert (len(prepared.train), len(prepared.evaluation)) == (400, 200)


@pytest.mark.proof
def test_large_splits_are_streamed_and_train_as_well(prepared_with):
    lines = []
    with progress.reporting_to(lines.append):
        prepared, settings = prepared_with(memory_examples=300)
    assert lines[-1] == "400 and 200 examples are streamed in every epoch"
    assert isinstance(prepared.train, data.StreamedReviews)
    _, record = fit_prepared(prepared, settings)
    assert record.examples == {"train": 400, "eval": 200}
    assert record.epochs[1]["loss"] < record.epochs[0]["loss"]


def test_streamed_splits_learn_from_a_share(prepared_with, monkeypatch):
    streamed, _ = prepared_with(memory_examples=0)
    monkeypatch.setattr(preparation, "_SAMPLE", 200)
    share, _ = prepared_with(memory_examples=0)
    assert 0 < len(share.vocabulary) < len(streamed.vocabulary)


def test_a_share_that_is_all_of_them_teaches_the_same(prepared_with):
    in_memory, streamed = (prepared_with(memory_examples=most)[0].vocabulary for most in (1000, 0))
    np.testing.assert_array_equal(streamed.keys, in_memory.keys)
    np.testing.assert_array_equal(streamed.values, in_memory.values)


def test_n_grams_can_be_left_out(prepared_with):
    assert prepared_with(ngram_order=0)[0].vocabulary is None
    assert prepared_with(ngram_order=0, memory_examples=0)[0].vocabulary is None


@pytest.fixture
def trained_both_ways(prepared_with, packaged_reviews):
    """Validation losses and probabilities of some reviews, after training in memory and streamed."""

    def train(**changes):
        texts = tf.constant([text for text, _ in packaged_reviews[600:]])
        for memory_examples in (1000, 0):
            prepared, settings = prepared_with(
                memory_examples=memory_examples, dropout=0.0, scale_with_examples=False, **changes
            )
            classifier, record = fit_prepared(prepared, settings)
            yield [epoch["val_loss"] for epoch in record.epochs], classifier.probability(texts).numpy()

    return train


@pytest.mark.proof
def test_streamed_and_in_memory_training_make_the_same_model(trained_both_ways):
    """Three steps, each on all reviews: their order, which the ways differ in, does not matter then."""
    (losses, probabilities), (streamed_losses, streamed) = trained_both_ways(epochs=3, batch_size=400)
    assert streamed_losses == pytest.approx(losses, rel=1e-4)
    np.testing.assert_allclose(streamed, probabilities, atol=1e-3)


@pytest.mark.proof
def test_in_batches_they_make_models_that_agree(trained_both_ways):
    """In another order, as with another seed: the same verdict on nearly every review."""
    (_, probabilities), (_, streamed) = trained_both_ways(epochs=6, batch_size=64, learning_rate=0.01)
    assert probabilities.std() > 0.15, "the models have learned something to agree on"
    assert ((streamed >= 0.5) == (probabilities >= 0.5)).mean() > 0.95


def test_an_empty_split_is_named(embedding_settings, cache_dir, train_files, tmp_path):
    with pytest.raises(GreenlightError, match=r"The eval split has no examples"):
        prepare(
            SETTINGS,
            embedding_settings,
            cache_dir=cache_dir,
            train_files=train_files,
            eval_files=[f"{tmp_path}/none*"],
        )
