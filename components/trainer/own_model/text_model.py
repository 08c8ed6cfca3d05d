"""The user's Keras model as a model of text with one number, checked before it is trained."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf
import tf_keras

from components.trainer.classifier.conversion import unconverted
from components.trainer.own_model.loading import OwnFunction
from components.trainer.settings import TrainerSettings

_LONG = "not a film to remember, and far too long " * 50
_TRIED: tuple[tuple[str, list[str]], ...] = (
    ("three texts, of which one is empty", ["", "a film to remember", _LONG]),
    ("one text", ["a film to remember"]),
)


class TextModel(tf_keras.Model):
    """The user's model `own` behind one form: text, string [N] -> its number, float32 [N, 1].

    Attributes:
      logits: whether the number is a logit; else it is a probability of the last class.
    """

    # Not from UnconvertedModel, whose bases Keras changes for good with the first functional model of it.
    train_step = unconverted(tf_keras.Model.train_step)
    test_step = unconverted(tf_keras.Model.test_step)

    def __init__(self, own: tf_keras.Model, *, logits: bool, column: bool) -> None:
        super().__init__(name="text_model")
        self.own = own
        self.logits = logits
        self._column = column

    def call(self, text):
        number = self.own(_as_taken(text, column=self._column))
        return tf.reshape(tf.cast(number, tf.float32), [-1, 1])

    def logit(self, text: tf.Tensor) -> tf.Tensor:
        """float32 [N]."""
        number = self(text, training=False)[:, 0]
        return number if self.logits else _logit_of(number)


def _as_taken(text: tf.Tensor, *, column: bool) -> tf.Tensor:
    return tf.expand_dims(text, 1) if column else text


def _logit_of(probability: tf.Tensor) -> tf.Tensor:
    kept = tf.clip_by_value(probability, 1e-7, 1 - 1e-7)
    return tf.math.log(kept) - tf.math.log1p(-kept)


def build(
    function: OwnFunction, *, texts: tf.data.Dataset, settings: TrainerSettings, classes: Sequence[str]
) -> TextModel:
    """Calls the user's function, and tries what it returns on a few texts.

    Args:
      texts: batches of the training texts, string [n].
      classes: the names of the labels; the last one is what the number speaks for.

    Raises:
      InputError: the function raises, or what it returns is not a model of text with one number.
    """
    tf_keras.utils.set_random_seed(settings.seed)
    own = function(texts=texts, settings=settings, classes=tuple(classes))
    _require_keras_model(function, own)
    column = _takes_column(function, own)
    outputs = [_tried(function, own, column, what, given) for what, given in _TRIED]
    if not own.trainable_weights:
        raise function.problem("the model has no trainable weights.")
    model = TextModel(own, logits=_gives_logits(own), column=column)
    if not model.logits:
        require_probabilities(function, np.concatenate(outputs), when="before training")
    return model


def require_probabilities(function: OwnFunction, values: np.ndarray, *, when: str) -> None:
    """Refuses numbers that are not probabilities.

    Raises:
      InputError: one is outside of 0 to 1.
    """
    wrong = values[~((values >= 0) & (values <= 1))]
    if wrong.size:
        raise function.problem(
            f"the model gives {wrong[0]:.4g} {when}, which is not a probability. End it with "
            "Dense(1, activation='sigmoid'); or with a last layer Dense(1), whose number is a logit."
        )


def _require_keras_model(function: OwnFunction, own: Any) -> None:
    if isinstance(own, tf_keras.Model):
        return
    called = f"{function.module.function}()"
    if own is None:
        raise function.problem(f"{called} returned nothing. It has to return a Keras model.")
    if type(own).__module__.partition(".")[0] == "keras":
        raise function.problem(
            f"{called} returned a {type(own).__name__} of Keras 3. This pipeline trains models of Keras 2: "
            "`import tf_keras as keras`."
        )
    raise function.problem(f"{called} returned {type(own).__name__}, not a Keras model.")


def _takes_column(function: OwnFunction, own: tf_keras.Model) -> bool:
    """Whether its input has the shape [N, 1], as Keras' examples write it, instead of [N]."""
    if not (inputs := own.inputs):  # not known before it is called
        return False
    if len(inputs) != 1:
        raise function.problem(f"the model has {len(inputs)} inputs. It has to take one, the text.")
    (given,) = inputs
    if given.dtype != tf.string or given.shape.rank not in (1, 2) or given.shape[1:] not in ([], [1]):
        raise function.problem(
            f"the model takes {given.dtype.name} of shape {_shown(given.shape)}, not text. It has to begin "
            "with Input(shape=(), dtype='string'), such as before a TextVectorization layer."
        )
    return given.shape.rank == 2


def _tried(
    function: OwnFunction, own: tf_keras.Model, column: bool, what: str, texts: Sequence[str]
) -> np.ndarray:
    """Its numbers for some texts, float32 [N]."""
    with function.explained(f"the model, called with {what},"):
        number = own(_as_taken(tf.constant(texts, tf.string, [len(texts)]), column=column))
    if not tf.is_tensor(number):
        raise function.problem(f"the model gives {type(number).__name__}, not one number a text.")
    if number.shape.as_list() not in ([len(texts)], [len(texts), 1]) or not number.dtype.is_floating:
        raise function.problem(
            f"the model gives {number.dtype.name} of shape {_shown(number.shape)} for {what}, not one number "
            "a text. Its last layer should be Dense(1, activation='sigmoid') or Dense(1)."
        )
    found = tf.cast(tf.reshape(number, [-1]), tf.float32).numpy()
    if not np.isfinite(found).all():
        raise function.problem(f"the model gives a number that is not finite for {what}.")
    return found


def _gives_logits(own: tf_keras.Model) -> bool:
    """Whether the last layer has no activation; where a model has a `call` of its own, layers do not tell."""
    if not own.outputs:
        return False
    last = own.layers[-1]
    if isinstance(last, tf_keras.Model):
        return _gives_logits(last)
    return getattr(last, "activation", None) is tf_keras.activations.linear


def _shown(shape: tf.TensorShape) -> str:
    return f"[{', '.join('N' if size is None else str(size) for size in shape.as_list())}]"
