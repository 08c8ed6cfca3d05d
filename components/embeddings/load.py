"""The loader of a TF Hub module as the first layer of a Keras model, with checks."""

import re
from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow_hub as hub

from components.embeddings import text_ops
from components.errors import InputError


def load(handle: str, *, name: str, trainable: bool) -> hub.KerasLayer:
    """The embedding at `handle` as a layer: string [N] -> float32 [N, D].

    Args:
      handle: what `locate` returned.
      name: what the person calls it; for error messages.
      trainable: whether training shall change its variables.

    Raises:
      InputError: it cannot be loaded, is not a text embedding, or cannot be trained although it shall be.
    """
    text_ops.load_for(handle, name=name)
    probe = _probe(handle, name)
    module = probe.resolved_object
    if trainable and not callable(module):
        raise InputError(
            f"The embedding {name} is in the old TF1 Hub format, which cannot be trained further. "
            "Set embedding.trainable = false, or use a version in the TF2 format."
        )
    layer = hub.KerasLayer(
        module if callable(module) else handle,  # hub takes a TF1 module by its address alone
        trainable=trainable,
        output_shape=[_width(probe, name)],
        input_shape=[],
        dtype=tf.string,
    )
    if trainable and not layer.trainable_weights:
        raise InputError(
            f"The embedding {name} cannot be trained: it lists no trainable variables, so its vectors would "
            "silently stay unchanged. Set embedding.trainable = false, or pick another embedding."
        )
    return layer


_MANY = 1024
"""The number of texts that training encodes at a time."""
_AROUND_THE_REASON = re.compile(
    r"Exception encountered when calling layer '\S+' \(type \w+\)\.|Graph execution error:"
    r"|Detected at node .*?<stack traces unavailable>|\{\{[^}]*\}\}|Call arguments received by layer .*"
)
_FIXED_SHAPE = re.compile(r"Can not cast TensorSpec.* to TensorSpec\(shape=\((\d+),\)")


def _probe(handle: str, name: str) -> hub.KerasLayer:
    try:
        return hub.KerasLayer(handle, input_shape=[], dtype=tf.string)
    except (ValueError, OSError, tf.errors.OpError) as error:
        reason = " ".join(str(error).split())
        raise InputError(
            f"The embedding {name} at {handle} cannot be loaded: {reason} It should be the SavedModel of a "
            "TF Hub text embedding; if it is a damaged copy, delete the folder."
        ) from error


def _width(layer: hub.KerasLayer, name: str) -> int:
    """D, found by embedding two texts; then none, one and three, as the last batch of a split may have, and
    as many as training may take at a time.
    """
    vectors = _embedded(layer, ["a fine film", ""], name)
    fits = tf.is_tensor(vectors) and vectors.dtype == tf.float32 and vectors.shape.rank == 2
    if not fits or vectors.shape[0] != 2:
        raise _not_text_embedding(name, f"; for two texts this one returned {_described(vectors)}")
    width = int(vectors.shape[1])
    if not width:
        raise _not_text_embedding(name, ", D at least 1; this one returned vectors of no numbers")
    for texts in (["dull"], [], ["a fine film", "dull", ""], ["dull"] * _MANY):
        _require_batch(layer, texts, width, name)
    _require_finite(vectors, name)
    return width


def _require_batch(layer: hub.KerasLayer, texts: list[str], width: int, name: str) -> None:
    wanted = f"float32 ({len(texts)}, {width})"
    try:
        vectors = _embedded(layer, texts, name)
        found = f"it returned {_described(vectors)}"
    except InputError as error:
        vectors, found = None, f"it failed: {_in_words(error.__cause__ or error)}"
    if vectors is None or _described(vectors) != wanted:
        works = "does not work for many texts" if len(texts) == _MANY else "works for two texts only"
        count = {0: "no text", 1: "one text"}.get(len(texts), f"{len(texts)} texts")
        raise _not_text_embedding(
            name,
            f" for any N; this one {works}, as if it was exported with a fixed batch. For {count} "
            f"{' '.join(found.split())[:300]}. Export it again with an input of shape [None]",
        )


def _embedded(layer: hub.KerasLayer, texts: list[str], name: str) -> Any:
    try:
        return layer(tf.constant(texts, tf.string))
    except Exception as error:  # a module is somebody else's program, and may fail in any way
        reason = _in_words(error)
        blank = " (one of the texts is empty, as examples may be)" if _takes_text(layer, texts) else ""
        raise _not_text_embedding(name, f", but this one failed{blank}: {reason}") from error


def _in_words(error: BaseException) -> str:
    """The reason on one line, cut, without what Keras and TensorFlow say around it."""
    reason = _AROUND_THE_REASON.sub("", " ".join(str(error).split())).strip()
    if shape := _FIXED_SHAPE.search(reason):
        return f"its input has the fixed shape [{shape[1]}]; export it again with the shape [None]"
    return reason[:300] or type(error).__name__


def _takes_text(layer: hub.KerasLayer, texts: list[str]) -> bool:
    """Whether it is the empty text that the module fails on."""
    if "" not in texts:
        return False
    try:
        layer(tf.constant([text or "text" for text in texts], tf.string))
    except Exception:
        return False
    return True


def _require_finite(vectors: tf.Tensor, name: str) -> None:
    for text, vector in zip(("a fine film", "the empty text"), vectors.numpy(), strict=True):
        if not np.isfinite(vector).all():
            raise _not_text_embedding(
                name,
                f"; for {text!r} this one returned NaN or infinity; it is damaged",
            )


def _described(vectors: Any) -> str:
    return f"{vectors.dtype.name} {vectors.shape}" if tf.is_tensor(vectors) else type(vectors).__name__


def _not_text_embedding(name: str, but: str) -> InputError:
    wanted = "A text embedding takes strings [N] and returns float32 [N, D]"
    return InputError(f"{name} is not a TF Hub text embedding. {wanted}{but}.")
