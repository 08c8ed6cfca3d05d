"""The refit: a second fit on train and eval, which the gate judges on a split that neither fit has seen."""

import dataclasses
import functools
import json
import threading

import numpy as np
import pytest
import tensorflow as tf
from pydantic import ValidationError

from components import fitted_splits
from components.trainer import fitting, progress
from components.trainer.classifier import calibration, data, model, ngrams
from components.trainer.classifier.callbacks import Diverged
from components.trainer.job import Job
from components.trainer.preparation import prepare
from components.trainer.refit.second_fit import fit_twice
from components.trainer.settings import TrainerSettings
from components.trainer.train import HISTORY, carry_out, fit_prepared

SETTINGS = TrainerSettings(
    epochs=2,
    batch_size=64,
    hidden_units=(4,),
    learning_rate=0.01,
    scale_with_examples=False,  # as with many examples: few are cross-fitted
)
TEXTS = tf.constant(["A wonderful film, full of life.", "Dull, slow and far too long.", ""])


@pytest.fixture(scope="module")
def trained(train_as_the_stage):
    """Trains with changed settings."""
    return lambda **changes: train_as_the_stage(SETTINGS.model_copy(update=changes))


@pytest.fixture(scope="module")
def prepared_for(embedding_settings, cache_dir, train_files, eval_files):
    """The examples for a split to judge on, prepared once: no fit changes them."""

    @functools.cache
    def make(judged_split):
        return prepare(
            SETTINGS,
            embedding_settings,
            cache_dir=cache_dir,
            train_files=train_files,
            eval_files=eval_files,
            judged_split=judged_split,
        )

    return make


@pytest.fixture(scope="module")
def refit(trained):
    """A refit model, its record, and the lines of progress."""
    lines = []
    with progress.reporting_to(lines.append):
        classifier, record = trained()
    return classifier, record, lines


@pytest.mark.parametrize(
    ("changes", "judged_split", "streamed", "expected"),
    [
        ({}, "test", False, None),
        ({"refit": True}, "test", True, None),
        ({"early_stopping": False}, "test", False, None),
        ({}, "eval", False, "the gate judges on eval, which has to stay unseen"),
        ({"refit": True}, "eval", False, "the gate judges on eval, which has to stay unseen"),
        ({"refit": False}, "test", False, "trainer.refit is false"),
        (
            {"warm_start": "live"},
            "test",
            False,
            "the live model that the fit starts from may have been fitted on eval (trainer.warm_start)",
        ),
        (
            {},
            "test",
            True,
            "the examples are streamed, which makes a second fit long, and a larger share adds little",
        ),
    ],
)
def test_a_refit_is_made_where_it_is_fair_and_pays(changes, judged_split, streamed, expected):
    settings = TrainerSettings(**changes)
    assert settings.why_not_refit(judged_split=judged_split, streamed=streamed) == expected


def test_a_refit_does_not_go_with_a_warm_start():
    with pytest.raises(ValidationError, match=r"trainer.refit = true does not go with trainer.warm_start"):
        TrainerSettings(refit=True, warm_start="live")


def test_the_record_says_on_how_many_reviews_and_for_how_many_epochs(refit):
    _, record, lines = refit
    assert record.refit.reviews == 600 and record.not_refit is None
    assert record.refit.epochs == record.restored_epoch <= len(record.epochs)
    assert set(record.refit.last) == {"epoch", "loss", "accuracy", "seconds"}
    assert record.examples == {"train": 400, "eval": 200}
    assert record.fitted_on == ("train", "eval")
    said = "fitting a second model on 600 examples of train and eval"
    assert f"{said} (trainer.refit): the gate judges on a split that neither fit has seen" in lines
    epochs = [line for line in lines if line.startswith("epoch of the second fit ")]
    assert len(epochs) == record.refit.epochs and epochs[0].startswith("epoch of the second fit 1  loss ")
    assert "val_loss" not in epochs[0]


def test_the_log_and_the_progress_say_why_there_is_no_refit(trained, caplog):
    lines = []
    with caplog.at_level("INFO", logger="components.trainer.progress"), progress.reporting_to(lines.append):
        trained(refit=False, epochs=1)
    said = "not fitted once more on train and eval (trainer.refit): trainer.refit is false"
    assert lines[-1] == said
    assert said in caplog.messages


def test_a_refit_is_reproducible_and_another_model(trained, refit):
    first, _ = trained(refit=False)
    again, record = trained()
    weights = [weight.numpy() for weight in refit[0].weights]
    assert all(np.array_equal(a, b) for a, b in zip(weights, again.weights, strict=True))
    assert not np.allclose(again.probability(TEXTS), first.probability(TEXTS), atol=1e-4)
    assert record.refit.last["loss"] == refit[1].refit.last["loss"]


def test_the_first_fit_calibrates_the_refit_model(trained, refit):
    """Its predictions of eval are those of a model that has not seen it."""
    plain, uncalibrated = trained(calibrate=False)
    found = refit[1].calibration
    assert uncalibrated.calibration is None and found.scale > 0

    def logit(classifier):
        probability = classifier.probability(TEXTS).numpy().astype(np.float64)
        return np.log(probability / (1 - probability))

    expected = found.scale * logit(plain) + found.offset
    np.testing.assert_allclose(logit(refit[0]), expected, rtol=1e-2, atol=1e-3)


def test_the_refit_learns_from_the_words_of_eval(prepared_for):
    """The first fit does not: an n-gram that train has too rarely has no value in it."""
    prepared, plain = prepared_for("test"), prepared_for("eval")
    of_train, of_both = prepared.vocabulary, prepared.vocabulary_of_both
    np.testing.assert_array_equal(of_train.keys, of_both.keys)
    known = np.isin(of_train.keys, plain.vocabulary.keys)
    assert 0 < known.sum() == len(plain.vocabulary) < len(of_train)
    np.testing.assert_array_equal(of_train.values[known], plain.vocabulary.values)
    assert not of_train.values[~known].any() and of_both.values[~known].any()
    assert plain.vocabulary_of_both is None


@pytest.mark.proof
def test_the_first_fit_is_that_without_a_refit(prepared_for):
    """Whatever eval adds to the n-grams: early stopping and calibration stay fair."""
    prepared, plain = prepared_for("test"), prepared_for("eval")
    (_, record), (_, expected) = (fit_prepared(one, SETTINGS) for one in (prepared, plain))
    for epoch, other in zip(record.epochs, expected.epochs, strict=True):
        assert epoch["val_loss"] == pytest.approx(other["val_loss"], rel=1e-4)
    assert record.calibration.scale == pytest.approx(expected.calibration.scale, rel=1e-3)


def test_the_second_fit_takes_the_encoded_reviews_of_both_splits(prepared_for):
    prepared = prepared_for("test")
    together = prepared.together()
    assert len(together) == 600
    words, grams, root = together.features
    np.testing.assert_array_equal(words[400:].flat_values, prepared.evaluation.features[0].flat_values)
    np.testing.assert_array_equal(grams[:400].flat_values, prepared.train.features[1].flat_values)
    squares = [(prepared.vocabulary_of_both.values[ids] ** 2).sum() for ids in grams.to_list()]
    np.testing.assert_allclose(root[:, 0], np.sqrt(squares), rtol=1e-4, atol=1e-4)


@pytest.mark.proof
def test_the_fits_side_by_side_are_those_one_after_the_other(prepared_for):
    """With early stopping, whose last epochs the second fit must not take."""
    prepared = prepared_for("test")
    settings = SETTINGS.model_copy(update={"epochs": 12, "patience": 2, "learning_rate": 0.05})
    (first, record), (second, _) = fit_twice(prepared, settings, log_dir=None, strategy=None)
    assert record.stopped_epoch is not None and record.restored_epoch < len(record.epochs)

    alone, _ = fit_prepared(prepared, settings)
    both = dataclasses.replace(prepared, train=prepared.together(), vocabulary=prepared.vocabulary_of_both)
    scaled = settings.scaled(examples=400).model_copy(
        update={"epochs": record.restored_epoch, "early_stopping": False, "scale_with_examples": False}
    )
    again = both.fresh_classifier(scaled)
    fitting.fit(again, model.encoded_feed(again), train=both.train, settings=scaled)
    calibration.fold(record.calibration, again.head.get_layer("logit"))
    for one, other in ((first, alone), (second, again)):
        assert all(np.array_equal(a, b) for a, b in zip(one.weights, other.weights, strict=True))


@pytest.mark.parametrize("broken", ["epoch 1", "epoch of the second fit 1"])
def test_a_fit_that_fails_ends_the_other(prepared_for, broken):
    """Also with the end of a first fit that a signal interrupts, in the middle of an epoch."""

    def fail(line):
        if line.startswith(broken):
            raise KeyboardInterrupt if broken == "epoch 1" else Diverged("no number")

    threads = threading.active_count()
    with progress.reporting_to(fail), pytest.raises((KeyboardInterrupt, Diverged)):
        fit_twice(prepared_for("test"), SETTINGS, log_dir=None, strategy=None)
    assert threading.active_count() == threads


def test_values_for_other_n_grams_are_zero_where_unknown():
    few = ngrams.Vocabulary(np.array([2, 8]), np.array([1.0, -1.0], np.float32), 1)
    many = ngrams.Vocabulary(np.array([2, 4, 8, 10]), np.ones(4, np.float32), 3)
    found = few.values_for(many)
    assert (found.keys.tolist(), found.values.tolist(), found.order) == ([2, 4, 8, 10], [1, 0, -1, 0], 3)


def test_a_model_without_n_grams_is_refit_too(trained):
    """Here without early stopping, too: the refit takes as many epochs as the first fit had."""
    _, record = trained(ngram_order=0, early_stopping=False)
    assert (record.refit.reviews, record.refit.epochs) == (600, 2)


@pytest.mark.proof
def test_streamed_reviews_are_refit_when_asked_for(trained):
    _, left_off = trained(memory_examples=0, epochs=1)
    assert left_off.refit is None and left_off.not_refit.startswith("the examples are streamed")
    _, record = trained(memory_examples=0, refit=True, epochs=1)
    assert record.refit.reviews == 600


def test_streams_follow_one_another(train_files, eval_files):
    both = data.StreamedReviews(train_files, 400).followed_by(data.StreamedReviews(eval_files, 200))
    assert len(both) == sum(len(labels) for _, labels in both.batches(128)) == 600


@pytest.mark.proof
def test_devices_that_share_the_batches_refit_as_well(trained):
    _, record = trained(strategy="mirrored", epochs=1)
    assert record.refit.reviews == 600


@pytest.mark.parametrize("judged_split", ["test", "eval"])
def test_the_exported_model_says_which_splits_it_was_fitted_on(
    embedding_settings, cache_dir, train_files, eval_files, tmp_path, judged_split
):
    job = Job(
        settings=SETTINGS.model_copy(update={"epochs": 1}),
        embedding=embedding_settings,
        cache_dir=cache_dir,
        train_files=tuple(train_files),
        eval_files=tuple(eval_files),
        judged_split=judged_split,
        model_dir=str(tmp_path / "model" / "Format-Serving"),
        run_dir=str(tmp_path),
    )
    carry_out(job)

    splits = {"test": ("train", "eval"), "eval": ("train",)}[judged_split]
    assert fitted_splits.read(str(tmp_path / "model")) == splits
    history = json.loads((tmp_path / HISTORY).read_text())
    assert (history["refit"] is None) == (judged_split == "eval")
    assert (history["not_refit"] is None) == (judged_split == "test")


def test_a_model_without_a_record_was_fitted_on_train(tmp_path):
    assert fitted_splits.read(str(tmp_path)) == ("train",)
