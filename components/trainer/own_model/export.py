"""The export of a user's Keras model with the signatures of every model of this pipeline."""

from pathlib import Path
from typing import Any

import tensorflow as tf

from components.threshold import DEFAULT
from components.trainer.classifier.calibration import Calibration
from components.trainer.classifier.signatures import ServedClasses, ServedModel, save
from components.trainer.own_model.loading import OwnFunction
from components.trainer.own_model.text_model import TextModel


class ServedTextModel(ServedModel):
    """The signatures over a user's model.

    Args:
      model: the model; only its variables and tables are saved, nothing of Keras.
      calibration: of its logit; None for none.
    """

    def __init__(
        self,
        model: TextModel,
        calibration: Calibration | None,
        classes: tuple[str, ...],
        threshold: float = DEFAULT,
    ) -> None:
        super().__init__(classes, threshold)
        # A function, not the model: what hangs on this module is saved, with all that Keras adds to it.
        self._scored = lambda text: _probability(model, calibration, text)
        self.captured = _captured(model)

    def probability(self, text: tf.Tensor) -> tf.Tensor:
        """Of the last class: string [N] -> float32 [N].

        An empty batch is not given to the model: many layers, such as Conv1D, fail on one.
        """
        return tf.cond(tf.size(text) > 0, lambda: self._scored(text), lambda: tf.zeros([0]))


class ServedTextClasses(ServedClasses):
    """The signatures over a user's model of more than two classes; arguments as of `ServedTextModel`."""

    def __init__(self, model: TextModel, calibration: Calibration | None, classes: tuple[str, ...]) -> None:
        super().__init__(classes)
        self._scored = lambda text: _probabilities(model, calibration, text)
        self.captured = _captured(model)

    def probabilities(self, text: tf.Tensor) -> tf.Tensor:
        """Of the classes: string [N] -> float32 [N, K]; an empty batch is not given to the model."""
        none = tf.zeros([0, len(self._classes)])
        return tf.cond(tf.size(text) > 0, lambda: self._scored(text), lambda: none)


_CAPTURED = (tf.Variable, tf.saved_model.experimental.TrackableResource, tf.saved_model.Asset)


def _captured(model: TextModel) -> list[Any]:
    """What inference may read: variables and tables of the user's model, without those of its optimizer."""
    needed = {id(weight) for weight in model.own.weights}
    others = {id(part) for part in _parts(model.optimizer)} - needed
    return [part for part in _parts(model.own) if id(part) not in others]


def _parts(owner: Any) -> list[Any]:
    if owner is None:
        return []
    return [part for part in tf.train.TrackableView(owner).descendants() if isinstance(part, _CAPTURED)]


def _probability(model: TextModel, calibration: Calibration | None, text: tf.Tensor) -> tf.Tensor:
    if calibration is None and not model.logits:
        return model(text, training=False)[:, 0]
    logit = model.logit(text)
    return tf.sigmoid(logit if calibration is None else calibration.scale * logit + calibration.offset)


def _probabilities(model: TextModel, calibration: Calibration | None, text: tf.Tensor) -> tf.Tensor:
    if calibration is None and not model.logits:
        return model(text, training=False)
    return tf.nn.softmax(model.class_logits(text) * (1.0 if calibration is None else calibration.scale))


def export(
    function: OwnFunction,
    model: TextModel,
    calibration: Calibration | None,
    folder: str | Path,
    *,
    classes: tuple[str, ...],
    threshold: float = DEFAULT,
    what: str = "the export of its model",
) -> None:
    """Writes the model to `folder`.

    threshold: the minimum probability of the label positive, of two classes.
    what: what is being done, for the message.

    Raises:
      InputError: TensorFlow cannot save it, such as a table or variable that no layer holds.
    """
    with function.explained(what):
        if model.classes == 2:
            save(ServedTextModel(model, calibration, classes, threshold), folder)
        else:
            save(ServedTextClasses(model, calibration, classes), folder)
