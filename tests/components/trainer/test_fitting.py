import math

import numpy as np
import pytest
import tensorflow as tf

from components.errors import GreenlightError
from components.trainer import fitting, progress
from components.trainer.classifier import data, model
from components.trainer.preparation import Prepared, prepare
from components.trainer.settings import TrainerSettings
from components.trainer.train import fit_prepared

FAST = TrainerSettings(epochs=4, batch_size=64, hidden_units=(4,), ngram_order=0, calibrate=False)
STOPS = FAST.model_copy(update={"epochs": 30, "patience": 2, "learning_rate": 0.03})


@pytest.fixture(scope="module")
def prepared(embedding_settings, cache_dir, train_files, eval_files) -> Prepared:
    """Encoded reviews, for any number of fits without n-grams."""
    return prepare(
        FAST, embedding_settings, cache_dir=cache_dir, train_files=train_files, eval_files=eval_files
    )


@pytest.fixture(scope="module")
def once(prepared, tmp_path_factory):
    """One fit, what it logged and what it told."""
    folder, lines = tmp_path_factory.mktemp("logs"), []
    with progress.reporting_to(lines.append):
        record, classifier = fit(prepared, FAST, log_dir=folder)
    return record, classifier, folder, lines


def fit(prepared: Prepared, settings: TrainerSettings, log_dir=None):
    classifier, record = fit_prepared(prepared, settings, log_dir=log_dir)
    return record, classifier


def mean_log_loss(classifier: model.Classifier, files: list[str]) -> float:
    evaluation = data.read(files, split="eval")
    probability = classifier.probability(evaluation.features).numpy()
    return -np.log(np.where(evaluation.labels.numpy() == 1, probability, 1 - probability)).mean()


def test_two_fits_with_one_seed_are_identical(prepared, once):
    record, classifier, _, _ = once
    again, second = fit(prepared, FAST)
    assert all(np.array_equal(a, b) for a, b in zip(classifier.weights, second.weights, strict=True))
    assert [epoch["loss"] for epoch in record.epochs] == [epoch["loss"] for epoch in again.epochs]


def test_another_seed_is_another_fit(prepared, once):
    other, _ = fit(prepared, FAST.model_copy(update={"seed": 2}))
    assert other.epochs[-1]["loss"] != once[0].epochs[-1]["loss"]


def test_early_stopping_keeps_the_weights_of_the_best_epoch(prepared, eval_files):
    record, classifier = fit(prepared, STOPS.model_copy(update={"label_smoothing": 0.0}))
    losses = [epoch["val_loss"] for epoch in record.epochs]
    assert record.stopped_epoch == len(losses) < 30
    assert record.restored_epoch == record.stopped_epoch - 2
    assert mean_log_loss(classifier, eval_files) == pytest.approx(losses[record.restored_epoch - 1], abs=1e-4)


def test_without_restoring_the_last_weights_stay(prepared):
    record, _ = fit(prepared, STOPS.model_copy(update={"restore_best_weights": False}))
    assert record.restored_epoch == record.stopped_epoch < 30


def test_without_early_stopping_every_epoch_runs(prepared):
    record, _ = fit(prepared, STOPS.model_copy(update={"early_stopping": False, "epochs": 8}))
    assert (len(record.epochs), record.restored_epoch, record.stopped_epoch) == (8, 8, None)


def test_calibration_lowers_the_log_loss_and_is_recorded(prepared, once, eval_files):
    record, calibrated = fit(prepared, FAST.model_copy(update={"calibrate": True}))
    assert once[0].calibration is None and record.as_dict()["calibration"]["scale"] > 0
    assert mean_log_loss(calibrated, eval_files) < mean_log_loss(once[1], eval_files)


def test_the_record_says_what_happened(once):
    record = once[0].as_dict()
    assert [epoch["epoch"] for epoch in record["epochs"]] == [1, 2, 3, 4]
    assert set(record["epochs"][0]) == {"epoch", "loss", "accuracy", "val_loss", "val_accuracy", "seconds"}
    assert record["examples"] == {"train": 400, "eval": 200}
    assert record["monitor"] == "val_loss" and record["seconds"] > 0
    assert record["parameters"] == record["trainable_parameters"] == 3000 * 50 + 50 * 4 + 4 + 4 + 1


def test_tensorboard_gets_both_curves(once):
    record, _, folder, _ = once
    for run, name in (("train", "loss"), ("validation", "val_loss")):
        (events,) = (folder / run).glob("events.out.tfevents.*")
        logged = {
            event.step: tf.make_ndarray(value.tensor).item()
            for event in tf.compat.v1.train.summary_iterator(str(events))
            for value in event.summary.value
            if value.tag == "epoch_loss"
        }
        assert logged == pytest.approx({epoch["epoch"] - 1: epoch[name] for epoch in record.epochs})


def test_every_epoch_is_told_to_who_listens(once):
    record, _, _, lines = once
    progress.report("without a listener")
    assert len(lines) == 4
    assert lines[0].startswith(f"epoch 1/4  loss {record.epochs[0]['loss']:.4f}  accuracy ")


def test_a_frozen_table_is_counted_but_not_trained(frozen_embedding):
    classifier = model.build(frozen_embedding, None, FAST)
    rows = data.ReviewsInMemory(tf.zeros([8, 50]), tf.ones([8]))
    feed = model.encoded_feed(classifier)
    record = fitting.fit(
        classifier, feed, train=rows, evaluation=rows, settings=FAST.model_copy(update={"epochs": 1})
    )
    assert (record.parameters, record.trainable_parameters) == (3000 * 50 + 209, 209)


def test_a_fit_that_diverges_is_stopped(frozen_embedding):
    settings = FAST.model_copy(update={"hidden_units": ()})
    classifier = model.build(frozen_embedding, None, settings)
    rows = data.ReviewsInMemory(tf.fill([8, 50], math.nan), tf.ones([8]))
    with pytest.raises(GreenlightError, match=r"The fit diverged in epoch 1: .* Lower trainer.learning_rate"):
        fitting.fit(
            classifier, model.encoded_feed(classifier), train=rows, evaluation=rows, settings=settings
        )
