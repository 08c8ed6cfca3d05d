"""The fast feeds against the plain one: the same numbers."""

import numpy as np
import pytest

from components.trainer import fitting
from components.trainer.classifier import data, model, ngrams
from components.trainer.preparation import prepare
from components.trainer.settings import TrainerSettings

SETTINGS = TrainerSettings(epochs=3, batch_size=64, dropout=0.2)


@pytest.fixture(scope="module")
def vocabulary(embedding_settings, cache_dir, train_files, eval_files) -> ngrams.Vocabulary:
    settings = SETTINGS.model_copy(update={"ngram_order": 2})
    files = {"train_files": train_files, "eval_files": eval_files}
    return prepare(settings, embedding_settings, cache_dir=cache_dir, **files).vocabulary


@pytest.fixture
def fitted(train_files, eval_files):
    def fit(embedding, vocabulary, make_feed) -> tuple[fitting.FitRecord, model.Classifier]:
        classifier = model.build(embedding, vocabulary, SETTINGS)
        feed = make_feed(classifier)
        train = data.read(train_files, split="train", encode=feed.encode)
        evaluation = data.read(eval_files, split="eval", encode=feed.encode)
        return fitting.fit(
            classifier, feed, train=train, evaluation=evaluation, settings=SETTINGS
        ), classifier

    return fit


def assert_alike(one, two) -> None:
    """The same figures in every epoch, the same weights in the end."""
    (record, classifier), (other_record, other_classifier) = one, two
    for epoch, other in zip(record.epochs, other_record.epochs, strict=True):
        for name in ("loss", "accuracy", "val_loss", "val_accuracy"):
            assert epoch[name] == pytest.approx(other[name], abs=1e-5)
    for weight, other in zip(classifier.weights, other_classifier.weights, strict=True):
        np.testing.assert_allclose(weight, other, atol=1e-4)


@pytest.mark.proof
def test_training_on_ids_equals_training_on_text(embedding, reload, vocabulary, fitted):
    start = embedding.weights[0].numpy()
    plain = fitted(embedding, vocabulary, model.text_feed)
    fast = fitted(reload(embedding), vocabulary, model.encoded_feed)
    assert_alike(fast, plain)
    assert not np.allclose(fast[1].embedding.weights[0], start, atol=1e-3)
    assert np.abs(fast[1].ngrams.weight).max() > 1e-3


def test_training_on_frozen_vectors_equals_training_on_text(frozen_embedding, fitted):
    start = frozen_embedding.weights[0].numpy()
    plain = fitted(frozen_embedding, None, model.text_feed)
    fast = fitted(frozen_embedding, None, model.encoded_feed)
    assert_alike(fast, plain)
    np.testing.assert_array_equal(frozen_embedding.weights[0], start)


def test_a_trained_module_without_token_ids_is_fed_text(trainable_hub_module, fitted):
    start = trainable_hub_module.trainable_weights[0].numpy()
    fitted(trainable_hub_module, None, model.encoded_feed)
    assert not np.array_equal(trainable_hub_module.trainable_weights[0], start)
