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
    module = _module(handle, name)
    width = _width(_layer(module, name, trainable=False), name)
    layer = _layer(module, name, trainable=trainable, output_shape=[width])
    if trainable and not layer.trainable_weights:
        raise InputError(
            f"The embedding {name} cannot be trained: it lists no trainable variables, so its vectors would "
            "stay as they are without a word. Set embedding.trainable = false, or pick another embedding."
        )
    return layer


def _module(handle: str, name: str) -> object:
    try:
        return hub.load(handle)
    except (ValueError, OSError, tf.errors.OpError) as error:
        reason = " ".join(str(error).split())
        raise InputError(
            f"The embedding {name} at {handle} cannot be loaded: {reason}. Delete that folder or pick "
            "another."
        ) from error


def _layer(
    module: object, name: str, *, trainable: bool, output_shape: list[int] | None = None
) -> hub.KerasLayer:
    if trainable and getattr(module, "_is_hub_module_v1", False):
        raise InputError(
            f"The embedding {name} is in the old TF1 Hub format, which cannot be trained further. "
            "Set embedding.trainable = false, or use a version in the TF2 format."
        )
    try:
        return hub.KerasLayer(
            module, trainable=trainable, output_shape=output_shape, input_shape=[], dtype=tf.string
        )
    except ValueError as error:
        raise InputError(f"{name} is not a TF Hub text embedding: {error}") from error


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
    if not (
        tf.is_tensor(vectors)
        and vectors.dtype == tf.float32
        and vectors.shape.rank == 2
        and vectors.shape[0] == 2
    ):
        got = f"{vectors.dtype.name} {vectors.shape}" if tf.is_tensor(vectors) else type(vectors).__name__
        raise InputError(
            f"{name} is not a TF Hub text embedding. {wanted}; for two texts this one returned {got}."
        )
    return int(vectors.shape[1])
