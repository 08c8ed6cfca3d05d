"""The fit of a user's Keras model: the Trainer's loop, with early stopping and calibration."""

import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import tf_keras
from scipy import special

from components.trainer import progress
from components.trainer.classifier import callbacks, data
from components.trainer.classifier.calibration import Calibration, find
from components.trainer.classifier.losses import accuracy_of, loss_of
from components.trainer.fitting import FitRecord, outcome
from components.trainer.own_model.loading import OwnFunction
from components.trainer.own_model.text_model import TextModel, require_probabilities
from components.trainer.settings import TrainerSettings

_EVAL_BATCH = 512


def read(
    settings: TrainerSettings, *, train_files: Sequence[str], eval_files: Sequence[str]
) -> tuple[data.Batches, data.Batches]:
    """Both splits as text, in memory or streamed (`trainer.memory_examples`).

    Raises:
      GreenlightError: a split is empty or cannot be read.
    """
    sizes = data.count(train_files, split="train"), data.count(eval_files, split="eval")
    if sum(sizes) > settings.memory_examples:
        progress.report(f"{sizes[0]:,} and {sizes[1]:,} examples are streamed in every epoch")
        return data.StreamedReviews(train_files, sizes[0]), data.StreamedReviews(eval_files, sizes[1])
    return data.read(train_files, split="train"), data.read(eval_files, split="eval")


def fit(
    function: OwnFunction,
    model: TextModel,
    *,
    train: data.Batches,
    evaluation: data.Batches,
    settings: TrainerSettings,
    log_dir: str | Path | None = None,
) -> FitRecord:
    """Trains the model in place.

    A model that its user compiled keeps its optimizer and loss; any other gets Adam and cross-entropy with
    label smoothing. The metric is accuracy in both.

    Raises:
      InputError: the user's code raises, or the trained model does not give probabilities.
      GreenlightError: the loss became NaN or infinite.
    """
    started = time.perf_counter()
    record = callbacks.EpochRecord(epochs=settings.epochs, log_dir=log_dir)
    stopping = callbacks.early_stopping(settings)
    with function.explained("the training of its model"):
        _compile(model, settings)
        model.fit(
            train.batches(settings.batch_size, shuffle_seed=settings.seed),
            validation_data=evaluation.batches(_EVAL_BATCH),
            epochs=settings.epochs,
            callbacks=[record, stopping] if settings.early_stopping else [record],
            verbose=0,
        )
    calibration = _calibration(function, model, evaluation, wanted=settings.calibrate)
    return FitRecord(
        **outcome(record.epochs, stopping, settings),
        seconds=round(time.perf_counter() - started, 3),
        parameters=model.own.count_params(),
        trainable_parameters=sum(weight.shape.num_elements() for weight in model.own.trainable_weights),
        examples={"train": len(train), "eval": len(evaluation)},
        calibration=calibration,
    )


def _compile(model: TextModel, settings: TrainerSettings) -> None:
    own, given = model.own, {}
    if optimizer := getattr(own, "optimizer", None):
        given = {"optimizer": optimizer, "loss": own.loss, "run_eagerly": own.run_eagerly}
    defaults = {
        "optimizer": tf_keras.optimizers.Adam(settings.learning_rate),
        "loss": loss_of(model.classes, from_logits=model.logits, label_smoothing=settings.label_smoothing),
    }
    accuracy = accuracy_of(model.classes, from_logits=model.logits)
    model.compile(**defaults | given, metrics=[accuracy])


def scored(
    model: TextModel, calibration: Calibration | None, evaluation: data.Batches
) -> tuple[np.ndarray, np.ndarray]:
    """The labels, [N], and the probabilities of the positive class that the model is exported with, [N]."""
    number, label = _numbers(model, evaluation)
    if calibration is None:
        return label, special.expit(number) if model.logits else number
    logits = number if model.logits else special.logit(np.clip(number.astype(np.float64), 1e-7, 1 - 1e-7))
    return label, special.expit(calibration.scale * logits + calibration.offset)


def _numbers(model: TextModel, evaluation: data.Batches) -> tuple[np.ndarray, np.ndarray]:
    """What the model gives, float [N] or of more than two classes [N, K], and the labels, [N]."""
    batches = evaluation.batches(_EVAL_BATCH)
    parts = [(model(text, training=False).numpy(), label.numpy()) for text, label in batches]
    number, label = (np.concatenate(part) for part in zip(*parts, strict=True))
    return number[:, 0] if model.classes == 2 else number, label


def _calibration(
    function: OwnFunction, model: TextModel, evaluation: data.Batches, *, wanted: bool
) -> Calibration | None:
    number, label = _numbers(model, evaluation)
    if not model.logits:
        require_probabilities(function, number, when="after training")
    if not wanted:
        return None
    if model.classes > 2:
        logits = number if model.logits else np.log(np.clip(number.astype(np.float64), 1e-7, 1))
        return find(logits, label)
    kept = np.clip(number.astype(np.float64), 1e-7, 1 - 1e-7)
    return find(number if model.logits else np.log(kept) - np.log1p(-kept), label)
