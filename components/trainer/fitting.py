"""One fit of a classifier, and the record of how it went."""

import dataclasses
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import tf_keras

from components.trainer import callbacks, model
from components.trainer.data import LabeledReviews
from components.trainer.settings import TrainerSettings

_EVAL_BATCH = 2048


@dataclasses.dataclass(frozen=True)
class FitRecord:
    """How a fit went. `epochs[i]`: epoch (from 1), loss, accuracy, val_loss, val_accuracy, seconds.

    The weights are those after epoch `restored_epoch`; `stopped_epoch` is None if all epochs ran.
    """

    epochs: Sequence[dict[str, Any]]
    restored_epoch: int
    stopped_epoch: int | None
    monitor: str
    seconds: float
    parameters: int
    trainable_parameters: int
    examples: dict[str, int]

    def as_dict(self) -> dict[str, Any]:
        return dataclasses.asdict(self)


def fit(
    feed: model.Feed,
    *,
    train: LabeledReviews,
    evaluation: LabeledReviews,
    settings: TrainerSettings,
    log_dir: Path | None = None,
) -> FitRecord:
    """Trains the weights behind `feed` in place, on reviews that `feed.encode` has encoded.

    TensorBoard's logs go to `log_dir`, if given.

    Raises:
      GreenlightError: the loss stopped being a number.
    """
    started = time.perf_counter()
    keras_model = feed.model
    # The "legacy" Adam is the one that updates a variable in a single fused kernel: on a word table half the
    # time of a step.
    optimizer = tf_keras.optimizers.legacy.Adam(settings.learning_rate)
    keras_model.compile(optimizer, loss="binary_crossentropy", metrics=["accuracy"])
    record = callbacks.EpochRecord(epochs=settings.epochs, log_dir=log_dir)
    stopping = callbacks.early_stopping(settings)
    keras_model.fit(
        train.batches(settings.batch_size, shuffle_seed=settings.seed),
        validation_data=evaluation.batches(_EVAL_BATCH),
        epochs=settings.epochs,
        callbacks=[record, stopping] if settings.early_stopping else [record],
        verbose=0,
    )
    restored = settings.early_stopping and settings.restore_best_weights
    return FitRecord(
        epochs=tuple(record.epochs),
        restored_epoch=stopping.best_epoch + 1 if restored else len(record.epochs),
        stopped_epoch=len(record.epochs) if len(record.epochs) < settings.epochs else None,
        monitor=settings.monitor,
        seconds=round(time.perf_counter() - started, 3),
        parameters=_count(feed.classifier.weights),
        trainable_parameters=_count(feed.classifier.trainable_weights),
        examples={"train": len(train), "eval": len(evaluation)},
    )


def _count(weights: list) -> int:
    return sum(int(weight.shape.num_elements()) for weight in weights)
