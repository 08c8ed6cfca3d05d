"""The pace of a second fit that runs beside a first one and takes as many epochs as the first one keeps."""

import threading
from collections.abc import Callable

import tf_keras


class Pace:
    """The number of epochs that is certain for the second fit while the first one runs; at first none."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._epochs = 0
        self._final = False

    def reached(self, epochs: int, *, final: bool = False) -> None:
        """Says that there are at least `epochs`, or exactly as many if that is final."""
        with self._changed:
            self._epochs, self._final = epochs, final
            self._changed.notify_all()

    def allows(self, epoch: int) -> bool:
        """Whether the second fit has an epoch of this number, from 1; waits until that is certain."""
        with self._changed:
            self._changed.wait_for(lambda: self._final or epoch <= self._epochs)
            return epoch <= self._epochs

    @property
    def given_up(self) -> bool:
        """Whether there is no second fit after all."""
        return self._final and self._epochs == 0


class Leading(tf_keras.callbacks.Callback):
    """The first fit's part: it sets the pace.

    Args:
      kept: the number of the epoch whose weights would be kept if the fit ended now.
    """

    def __init__(self, pace: Pace, kept: Callable[[], int]) -> None:
        super().__init__()
        self._pace, self._kept = pace, kept

    def on_train_begin(self, logs=None):
        self._pace.reached(1)

    def on_epoch_end(self, epoch, logs=None):
        self._pace.reached(self._kept())


class Following(tf_keras.callbacks.Callback):
    """The second fit's part: it keeps the pace, and ends with the last epoch."""

    def __init__(self, pace: Pace) -> None:
        super().__init__()
        self._pace = pace

    def on_train_batch_end(self, batch, logs=None):
        if self._pace.given_up:
            self.model.stop_training = True

    def on_epoch_end(self, epoch, logs=None):
        if not self._pace.allows(epoch + 2):
            self.model.stop_training = True
