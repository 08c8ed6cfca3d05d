"""Kept fits of searches: what they come to, and that none is made twice or taken for another."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from example_files import write_examples
from sklearn.metrics import accuracy_score, log_loss

from components.embeddings.settings import EmbeddingSettings
from components.trainer.classifier import data
from components.trainer.settings import TrainerSettings
from components.trainer.train import train
from components.tuner.fit_cache import FitCache

EMBEDDING = EmbeddingSettings(vocabulary_size=2000)
SETTINGS = TrainerSettings(epochs=1, batch_size=64, hidden_units=(4,), ngram_order=2)


@pytest.fixture(scope="module")
def files(packaged_reviews, tmp_path_factory) -> dict[str, list[str]]:
    folder = tmp_path_factory.mktemp("splits")
    for split, rows in (("train", packaged_reviews[:400]), ("eval", packaged_reviews[400:600])):
        write_examples(folder / split, rows)
    return {"train_files": [f"{folder}/train"], "eval_files": [f"{folder}/eval"]}


@pytest.fixture(scope="module")
def cache_dir(embedding_cache) -> Path:
    return embedding_cache


@pytest.fixture
def fits(tmp_path, files, cache_dir) -> FitCache:
    return FitCache(tmp_path / "fits", **files, cache_dir=cache_dir)


@pytest.mark.proof
def test_a_fit_is_measured_as_others_would_measure_the_trainer_s_model(fits, files, cache_dir):
    found = fits.of(SETTINGS, EMBEDDING)
    classifier, record = train(settings=SETTINGS, embedding_settings=EMBEDDING, cache_dir=cache_dir, **files)
    rows = data.read(files["eval_files"], split="eval")
    probability, label = classifier.probability(rows.features).numpy(), rows.labels.numpy()
    assert found.accuracy == pytest.approx(accuracy_score(label, probability >= 0.5), abs=0.011)
    assert found.log_loss == pytest.approx(log_loss(label, probability.astype(np.float64)), abs=1e-4)
    assert found.epochs == len(record.epochs) == 1


def test_no_fit_is_made_twice(fits, files, cache_dir, fits_made, tmp_path):
    first = fits.of(SETTINGS, EMBEDDING)
    again = FitCache(tmp_path / "fits", **files, cache_dir=cache_dir).of(SETTINGS, EMBEDDING)
    assert again == first and len(fits_made) == 1


@pytest.mark.proof
def test_other_settings_or_another_embedding_is_another_fit(fits, fits_made):
    fits.of(SETTINGS, EMBEDDING)
    fits.of(SETTINGS.model_copy(update={"seed": 2}), EMBEDDING)
    fits.of(SETTINGS, EMBEDDING.model_copy(update={"trainable": False}))
    assert len(fits_made) == 3


@pytest.mark.proof
def test_other_reviews_are_another_fit(fits, files, cache_dir, fits_made, tmp_path):
    fits.of(SETTINGS, EMBEDDING)
    swapped = {"train_files": files["eval_files"], "eval_files": files["train_files"]}
    FitCache(tmp_path / "fits", **swapped, cache_dir=cache_dir).of(SETTINGS, EMBEDDING)
    assert len(fits_made) == 2


@pytest.mark.proof
def test_a_result_that_cannot_be_read_is_made_again(fits, fits_made, tmp_path):
    found = fits.of(SETTINGS, EMBEDDING)
    (path,) = (tmp_path / "fits").iterdir()
    for content in ("", '{"accuracy": 1}'):
        path.write_text(content)
        again = fits.of(SETTINGS, EMBEDDING)
        assert dataclasses.replace(again, seconds=0) == dataclasses.replace(found, seconds=0)
        assert path.read_text() != content
    assert len(fits_made) == 3
