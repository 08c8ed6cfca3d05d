"""The user's Keras model as a model of text with a number, or one a class, checked before it is trained."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf
import tf_keras

from components.trainer.classifier.conversion import unconverted
from components.trainer.own_model.loading import OwnFunction
from components.trainer.settings import TrainerSettings

_ROUNDING = 1e-3
"""How far the sum of a text's probabilities may be from 1."""
_LONG = "not a film to remember, and far too long " * 50
_TRIED: tuple[tuple[str, list[str]], ...] = (
    ("three texts, of which one is empty", ["", "a film to remember", _LONG]),
    ("one text", ["a film to remember"]),
)


class TextModel(tf_keras.Model):
    """The user's model `own` behind one form: text, string [N] -> its number, float32 [N, 1].

    Of K > 2 classes, a number for each, float32 [N, K].

    Attributes:
      logits: whether the number is a logit; else it is a probability, of the last class of two.
      classes: the number of classes.
    """

    # Not from UnconvertedModel, whose bases Keras changes for good with the first functional model of it.
    train_step = unconverted(tf_keras.Model.train_step)
    test_step = unconverted(tf_keras.Model.test_step)

    def __init__(self, own: tf_keras.Model, *, logits: bool, column: bool, classes: int = 2) -> None:
        super().__init__(name="text_model")
        self.own = own
        self.logits = logits
        self.classes = classes
        self._column = column

    def call(self, text):
        number = self.own(_as_taken(text, column=self._column))
        return tf.reshape(tf.cast(number, tf.float32), [-1, numbers_of(self.classes)])

    def logit(self, text: tf.Tensor) -> tf.Tensor:
        """float32 [N]."""
        number = self(text, training=False)[:, 0]
        return number if self.logits else _logit_of(number)

    def class_logits(self, text: tf.Tensor) -> tf.Tensor:
        """Of more than two classes: float32 [N, K], whose softmax has the probabilities."""
        numbers = self(text, training=False)
        return numbers if self.logits else tf.math.log(tf.clip_by_value(numbers, 1e-7, 1.0))


def numbers_of(classes: int) -> int:
    """How many numbers a model gives for a text."""
    return 1 if classes == 2 else classes


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
      classes: the names of the labels; of two, the last one is what the number speaks for.

    Raises:
      InputError: the function raises, or what it returns is not a model of text with such numbers.
    """
    tf_keras.utils.set_random_seed(settings.seed)
    own = function(texts=texts, settings=settings, classes=tuple(classes))
    _require_keras_model(function, own)
    column = _takes_column(function, own)
    numbers = numbers_of(len(classes))
    outputs = [_tried(function, own, column, what, given, numbers) for what, given in _TRIED]
    if not own.trainable_weights:
        raise function.problem("the model has no trainable weights.")
    model = TextModel(own, logits=_gives_logits(own), column=column, classes=len(classes))
    if not model.logits:
        require_probabilities(function, np.concatenate(outputs), when="before training")
    return model


def require_probabilities(function: OwnFunction, values: np.ndarray, *, when: str) -> None:
    """Refuses numbers that are not probabilities: float [N], or of K > 2 classes [N, K].

    Raises:
      InputError: one is outside of 0 to 1, or those of a text do not add up to 1.
    """
    wrong = values[~((values >= 0) & (values <= 1))]
    if wrong.size:
        raise function.problem(
            f"the model gives {wrong[0]:.4g} {when}, which is not a probability. End it with "
            f"{_last_layer(values)}."
        )
    if values.ndim == 2 and (off := np.abs(values.sum(axis=1) - 1).max(initial=0)) > _ROUNDING:
        raise function.problem(
            f"the model gives probabilities {when} whose sum is not 1 for each text (off by {off:.4g}). End "
            f"it with {_last_layer(values)}."
        )


def _last_layer(values: np.ndarray) -> str:
    """What a model with such numbers should end with."""
    if values.ndim == 1:
        return "Dense(1, activation='sigmoid'); or with a last layer Dense(1), whose number is a logit"
    count = values.shape[1]
    return (
        f"Dense({count}, activation='softmax'); or with a last layer Dense({count}), whose numbers are logits"
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
    function: OwnFunction,
    own: tf_keras.Model,
    column: bool,
    what: str,
    texts: Sequence[str],
    numbers: int,
) -> np.ndarray:
    """Its numbers for some texts, float32 [N], or of K > 2 classes [N, K]."""
    wanted = "one number a text" if numbers == 1 else f"{numbers} numbers a text, one for each class"
    with function.explained(f"the model, called with {what},"):
        number = own(_as_taken(tf.constant(texts, tf.string, [len(texts)]), column=column))
    if not tf.is_tensor(number):
        raise function.problem(f"the model gives {type(number).__name__}, not {wanted}.")
    shapes = [[len(texts), numbers], *([[len(texts)]] if numbers == 1 else [])]
    if number.shape.as_list() not in shapes or not number.dtype.is_floating:
        activation = "sigmoid" if numbers == 1 else "softmax"
        raise function.problem(
            f"the model gives {number.dtype.name} of shape {_shown(number.shape)} for {what}, not {wanted}. "
            f"Its last layer should be Dense({numbers}, activation='{activation}') or Dense({numbers})."
        )
    shape = [-1] if numbers == 1 else [-1, numbers]
    found = tf.cast(tf.reshape(number, shape), tf.float32).numpy()
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
