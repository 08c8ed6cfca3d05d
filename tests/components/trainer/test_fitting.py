import math

import numpy as np
import pytest
import tensorflow as tf

from components.errors import GreenlightError
from components.trainer import data, fitting, model, progress
from components.trainer.settings import TrainerSettings

FAST = TrainerSettings(epochs=4, batch_size=64, hidden_units=(4,))
STOPS = FAST.model_copy(update={"epochs": 30, "patience": 2, "learning_rate": 0.03})


def fit(embedding, train_files, eval_files, settings: TrainerSettings, log_dir=None):
    classifier = model.build(embedding, settings)
    feed = model.encoded_feed(classifier)
    train = data.read(train_files, split="train", encode=feed.encode)
    evaluation = data.read(eval_files, split="eval", encode=feed.encode)
    record = fitting.fit(feed, train=train, evaluation=evaluation, settings=settings, log_dir=log_dir)
    return record, classifier


def weights(classifier: model.Classifier) -> list[np.ndarray]:
    return [weight.numpy() for weight in classifier.weights]


def test_two_fits_with_one_seed_are_identical(embedding, reload, train_files, eval_files):
    one, first = fit(embedding, train_files, eval_files, FAST)
    two, second = fit(reload(embedding), train_files, eval_files, FAST)
    assert all(np.array_equal(a, b) for a, b in zip(weights(first), weights(second), strict=True))
    assert [epoch["loss"] for epoch in one.epochs] == [epoch["loss"] for epoch in two.epochs]


def test_another_seed_is_another_fit(embedding, reload, train_files, eval_files):
    one, _ = fit(embedding, train_files, eval_files, FAST)
    two, _ = fit(reload(embedding), train_files, eval_files, FAST.model_copy(update={"seed": 2}))
    assert one.epochs[-1]["loss"] != two.epochs[-1]["loss"]


def test_early_stopping_keeps_the_weights_of_the_best_epoch(embedding, train_files, eval_files):
    record, classifier = fit(embedding, train_files, eval_files, STOPS)
    losses = [epoch["val_loss"] for epoch in record.epochs]
    assert record.stopped_epoch == len(losses) < 30
    assert record.restored_epoch == record.stopped_epoch - 2
    evaluation = data.read(eval_files, split="eval")
    probability = classifier.probability(evaluation.features).numpy()
    truth = np.where(evaluation.labels.numpy() == 1, probability, 1 - probability)
    assert -np.log(truth).mean() == pytest.approx(losses[record.restored_epoch - 1], abs=1e-4)


def test_without_restoring_the_last_weights_stay(embedding, train_files, eval_files):
    record, _ = fit(
        embedding, train_files, eval_files, STOPS.model_copy(update={"restore_best_weights": False})
    )
    assert record.restored_epoch == record.stopped_epoch < 30


def test_without_early_stopping_every_epoch_runs(embedding, train_files, eval_files):
    settings = STOPS.model_copy(update={"early_stopping": False, "epochs": 8})
    record, _ = fit(embedding, train_files, eval_files, settings)
    assert (len(record.epochs), record.restored_epoch, record.stopped_epoch) == (8, 8, None)


def test_the_record_says_what_happened(embedding, train_files, eval_files):
    record = fit(embedding, train_files, eval_files, FAST)[0].as_dict()
    assert [epoch["epoch"] for epoch in record["epochs"]] == [1, 2, 3, 4]
    assert set(record["epochs"][0]) == {"epoch", "loss", "accuracy", "val_loss", "val_accuracy", "seconds"}
    assert record["examples"] == {"train": 400, "eval": 200}
    assert record["monitor"] == "val_loss" and record["seconds"] > 0
    assert record["parameters"] == record["trainable_parameters"] == 3000 * 50 + 50 * 4 + 4 + 4 + 1


def test_a_frozen_table_is_counted_but_not_trained(frozen_embedding, train_files, eval_files):
    record, _ = fit(frozen_embedding, train_files, eval_files, FAST)
    assert (record.parameters, record.trainable_parameters) == (3000 * 50 + 209, 209)


def test_tensorboard_gets_both_curves(embedding, train_files, eval_files, tmp_path):
    record, _ = fit(embedding, train_files, eval_files, FAST, log_dir=tmp_path)
    for run, name in (("train", "loss"), ("validation", "val_loss")):
        (events,) = (tmp_path / run).glob("events.out.tfevents.*")
        logged = {
            event.step: tf.make_ndarray(value.tensor).item()
            for event in tf.compat.v1.train.summary_iterator(str(events))
            for value in event.summary.value
            if value.tag == "epoch_loss"
        }
        assert logged == pytest.approx({epoch["epoch"] - 1: epoch[name] for epoch in record.epochs})


def test_every_epoch_is_told_to_who_listens(embedding, train_files, eval_files):
    lines = []
    with progress.listening(lines.append):
        record, _ = fit(embedding, train_files, eval_files, FAST)
    progress.tell("nobody hears this")
    assert len(lines) == 4
    assert lines[0].startswith(f"epoch 1/4  loss {record.epochs[0]['loss']:.4f}  accuracy ")


def test_a_fit_that_diverges_is_stopped(frozen_embedding):
    settings = FAST.model_copy(update={"hidden_units": ()})
    classifier = model.build(frozen_embedding, settings)
    rows = data.LabeledReviews(tf.fill([8, 50], math.nan), tf.ones([8]))
    with pytest.raises(GreenlightError, match=r"The fit diverged in epoch 1: .* Lower trainer.learning_rate"):
        fitting.fit(model.encoded_feed(classifier), train=rows, evaluation=rows, settings=settings)
