"""Keras callbacks of a fit: early stopping, epoch records, TensorBoard, progress lines."""

import math
import time
from pathlib import Path

import tensorflow as tf
import tf_keras

from components.errors import GreenlightError
from components.trainer import progress
from components.trainer.settings import TrainerSettings


class Diverged(GreenlightError):
    """The loss of a fit became NaN or infinite."""


def early_stopping(settings: TrainerSettings) -> tf_keras.callbacks.EarlyStopping:
    return tf_keras.callbacks.EarlyStopping(
        monitor=settings.monitor,
        min_delta=settings.min_delta,
        patience=settings.patience,
        restore_best_weights=settings.restore_best_weights,
    )


class EpochRecord(tf_keras.callbacks.Callback):
    """Records every epoch's figures in `epochs` and for TensorBoard, and reports them in one line.

    Args:
      epochs: the maximum number of epochs; None if another fit decides it.
      log_dir: the folder of TensorBoard's logs, if any.
      name: what an epoch is called in its line.

    Raises:
      Diverged: from the fit, as soon as the loss is NaN or infinite.
    """

    def __init__(self, *, epochs: int | None, log_dir: str | Path | None, name: str = "epoch"):
        super().__init__()
        self.epochs: list[dict[str, float | int]] = []
        self._most = "" if epochs is None else f"/{epochs}"
        self._name = name
        self._writers = _writers(log_dir) if log_dir else {}

    def on_epoch_begin(self, epoch, logs=None):
        self._started = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        figures = {name: float(value) for name, value in (logs or {}).items()}
        seconds = time.perf_counter() - self._started
        self.epochs.append({"epoch": epoch + 1, **figures, "seconds": round(seconds, 3)})
        if not all(math.isfinite(value) for value in figures.values()):
            raise Diverged(
                f"The fit diverged in epoch {epoch + 1}: the loss is no longer a number. Lower "
                "trainer.learning_rate."
            )
        self._write(epoch, figures)
        told = "  ".join(f"{name} {value:.4f}" for name, value in figures.items())
        progress.report(f"{self._name} {epoch + 1}{self._most}  {told}  {seconds:.1f} s")

    def on_train_end(self, logs=None):
        for writer in self._writers.values():
            writer.close()

    def _write(self, epoch: int, figures: dict[str, float]) -> None:
        for name, value in figures.items():
            run, tag = (
                ("validation", name.removeprefix("val_")) if name.startswith("val_") else ("train", name)
            )
            if run in self._writers:
                with self._writers[run].as_default():
                    tf.summary.scalar(f"epoch_{tag}", value, step=epoch)


def _writers(log_dir: str | Path) -> dict[str, tf.summary.SummaryWriter]:
    """One TensorBoard run per split, named as by Keras's callback, without its slow graph dump."""
    return {run: tf.summary.create_file_writer(f"{log_dir}/{run}") for run in ("train", "validation")}
