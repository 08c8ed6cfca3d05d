"""A SavedModel on this machine as the first layer of a Keras model, checked before use."""

import tensorflow as tf
import tensorflow_hub as hub

from components.errors import InputError


def load(handle: str, *, name: str, trainable: bool) -> hub.KerasLayer:
    """The embedding at `handle` as a layer: string [N] -> float32 [N, D].

    Args:
      handle: what `locate` returned.
      name: what the person calls it; for error messages.
      trainable: whether training shall change its variables.

    Raises:
      InputError: it cannot be loaded, is no text embedding, or cannot be trained although it shall be.
    """
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
            "stay as they are without a word. Set embedding.trainable = false, or pick another embedding."
        )
    return layer


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
    """D, found by embedding two texts."""
    wanted = "A text embedding takes strings [N] and returns float32 [N, D]"
    try:
        vectors = layer(tf.constant(["a fine film", ""]))
    except (ValueError, TypeError, tf.errors.OpError) as error:
        reason = " ".join(str(error).split())[:300]
        raise InputError(
            f"{name} is not a TF Hub text embedding. {wanted}, but this one failed: {reason}"
        ) from error
    fits = tf.is_tensor(vectors) and vectors.dtype == tf.float32 and vectors.shape.rank == 2
    if not fits or vectors.shape[0] != 2:
        got = f"{vectors.dtype.name} {vectors.shape}" if tf.is_tensor(vectors) else type(vectors).__name__
        raise InputError(
            f"{name} is not a TF Hub text embedding. {wanted}; for two texts this one returned {got}."
        )
    return int(vectors.shape[1])
