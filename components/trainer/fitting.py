"""One fit of a classifier, and its record."""

import dataclasses
import time
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import tf_keras
from scipy import special

from components.threshold import DEFAULT
from components.trainer.classifier import callbacks, model
from components.trainer.classifier.calibration import Calibration, find, fold
from components.trainer.classifier.conversion import unconverted
from components.trainer.classifier.data import Batches, Features
from components.trainer.classifier.losses import accuracy_of, loss_of
from components.trainer.classifier.pace import Following, Leading, Pace
from components.trainer.distribution import DistributedCopy, sharded
from components.trainer.settings import TrainerSettings

_EVAL_BATCH = 512  # streamed examples are encoded a batch at a time: four times as many take 700 MB more


@dataclasses.dataclass(frozen=True, kw_only=True)
class Refit:
    """The record of a refit.

    Attributes:
      reviews: the number of examples of train and eval.
      epochs: the number of epochs.
      last: the figures of the last epoch, on the examples that were fitted: epoch, loss, accuracy, seconds.
      seconds: the duration.
      parts: the number of held-out parts that the epochs and the calibration come from; 1 is eval alone.
    """

    reviews: int
    epochs: int
    last: dict[str, Any]
    seconds: float
    parts: int = 1


@dataclasses.dataclass(frozen=True)
class FitRecord:
    """The record of a fit. `epochs[i]`: epoch (from 1), loss, accuracy, val_loss, val_accuracy, seconds.

    The weights are those after epoch `restored_epoch`, then calibrated if there is a `calibration`;
    `stopped_epoch` is None if all epochs ran. With a `refit`, the model has its weights instead, with the
    same calibration.
    """

    epochs: Sequence[dict[str, Any]]
    restored_epoch: int
    stopped_epoch: int | None
    monitor: str
    seconds: float
    parameters: int
    trainable_parameters: int
    examples: dict[str, int]
    calibration: Calibration | None
    start: dict[str, Any] | None = None
    """An `initialization.Start` as a dictionary; None for `trainer.warm_start` = "off"."""
    refit: Refit | None = None
    not_refit: str | None = None
    """The reason for no refit, a clause; None with one."""
    threshold: float = DEFAULT
    """The minimum probability of the label positive, of two classes."""

    @property
    def fitted_on(self) -> tuple[str, ...]:
        """The splits that the model's weights were fitted on."""
        return ("train", "eval") if self.refit else ("train",)

    def as_dict(self) -> dict[str, Any]:
        return dataclasses.asdict(self)


Fitted = tuple[model.Classifier, FitRecord]
"""A fitted classifier and the record of its fit."""


def fit(
    classifier: model.Classifier,
    feed: model.Feed,
    *,
    train: Batches,
    evaluation: Batches | None = None,
    settings: TrainerSettings,
    log_dir: str | Path | None = None,
    distributed: DistributedCopy | None = None,
    leads: Pace | None = None,
    follows: Pace | None = None,
) -> FitRecord:
    """Trains `classifier` in place through `feed`, which shares its weights, on what `feed` takes.

    Without `evaluation`, there is no validation and no calibration.

    TensorBoard's logs go to `log_dir`, if given. With `distributed`, that copy of the
    classifier is trained under its strategy, and its weights are copied back. A fit that `leads` sets the
    pace of another one, which `follows` it.

    Raises:
      GreenlightError: the loss became NaN or infinite.
    """
    started = time.perf_counter()
    record = callbacks.EpochRecord(
        name="epoch of the second fit" if follows else "epoch",
        epochs=None if follows else settings.epochs,
        log_dir=log_dir,
    )
    stopping = callbacks.early_stopping(settings)
    called: list[tf_keras.callbacks.Callback] = [record, stopping] if settings.early_stopping else [record]
    if leads:
        called.append(Leading(leads, lambda: outcome(record.epochs, stopping, settings)["restored_epoch"]))
    if follows:
        called.append(Following(follows))
    trained, batches = feed.model, train.batches(settings.batch_size, shuffle_seed=settings.seed)
    validated = None if evaluation is None else evaluation.batches(_EVAL_BATCH)
    if distributed:
        trained, batches = distributed.feed.model, sharded(batches)
        validated = None if validated is None else sharded(validated)
    with distributed.strategy.scope() if distributed else nullcontext():
        _compile(trained, settings, classifier.classes)
    trained.fit(
        batches,
        validation_data=validated,
        epochs=settings.epochs,
        callbacks=called,
        verbose=0,
    )
    if distributed:
        distributed.copy_to(classifier)
    calibration = None
    if settings.calibrate and evaluation is not None:
        calibration = _calibrate(classifier, feed.model, evaluation)
    return FitRecord(
        **outcome(record.epochs, stopping, settings),
        seconds=round(time.perf_counter() - started, 3),
        parameters=_count(classifier.weights),
        trainable_parameters=_count(classifier.trainable_weights),
        examples={"train": len(train), "eval": 0 if evaluation is None else len(evaluation)},
        calibration=calibration,
    )


def outcome(
    epochs: Sequence[dict[str, Any]], stopping: tf_keras.callbacks.EarlyStopping, settings: TrainerSettings
) -> dict[str, Any]:
    """The part of a FitRecord that follows from the epochs that ran and from early stopping."""
    restored = settings.early_stopping and settings.restore_best_weights
    return {
        "epochs": tuple(epochs),
        "restored_epoch": stopping.best_epoch + 1 if restored else len(epochs),
        "stopped_epoch": len(epochs) if len(epochs) < settings.epochs else None,
        "monitor": settings.monitor,
    }


def _compile(keras_model: tf_keras.Model, settings: TrainerSettings, classes: int) -> None:
    keras_model.compile(
        # The "legacy" Adam updates a variable in a single fused kernel: on a word table half a step's time.
        tf_keras.optimizers.legacy.Adam(settings.learning_rate),
        loss=loss_of(classes, from_logits=True, label_smoothing=settings.label_smoothing),
        metrics=[accuracy_of(classes, from_logits=True)],
    )


def _calibrate(classifier: model.Classifier, keras_model: tf_keras.Model, evaluation: Batches) -> Calibration:
    logits, labels = _logits(keras_model, evaluation)
    found = find(logits, labels)
    fold(found, classifier.head.get_layer("logit"))
    return found


def quality(classifier: model.Classifier, evaluation: Batches) -> dict[str, float]:
    """The log loss and accuracy of a fitted classifier, without label smoothing."""
    logits, labels = scored(classifier, evaluation)
    if classifier.classes > 2:
        logits, right = logits.astype(np.float64), labels.astype(np.int64)
        losses = special.logsumexp(logits, axis=1) - logits[np.arange(len(right)), right]
        return {
            "loss": float(losses.mean()),
            "accuracy": float(np.mean(logits.argmax(axis=1) == right)),
        }
    loss = np.logaddexp(0, np.where(labels == 1, -logits, logits).astype(np.float64)).mean()
    return {"loss": float(loss), "accuracy": float(np.mean((logits >= 0) == (labels == 1)))}


def scored(classifier: model.Classifier, evaluation: Batches) -> tuple[np.ndarray, np.ndarray]:
    """The logits of a fitted classifier, float32 [N] or of K > 2 classes [N, K], and the labels, [N]."""
    return _logits(model.encoded_feed(classifier).model, evaluation)


@unconverted
def _logits(keras_model: tf_keras.Model, evaluation: Batches) -> tuple[np.ndarray, np.ndarray]:
    """Logits, float32 [N] or of K > 2 classes [N, K], and labels, float32 [N]."""
    of_two = keras_model.output_shape[1] == 1

    def logits_of(features: Features) -> np.ndarray:
        logits = keras_model(features, training=False)
        return (logits[:, 0] if of_two else logits).numpy()

    parts = [(logits_of(features), labels.numpy()) for features, labels in evaluation.batches(_EVAL_BATCH)]
    logits, labels = (np.concatenate(part) for part in zip(*parts, strict=True))
    return logits, labels


def _count(weights: list) -> int:
    return sum(int(weight.shape.num_elements()) for weight in weights)
