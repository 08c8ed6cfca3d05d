"""The SavedModel of MODEL in the environment, as the servers call it."""

import os

import numpy as np
import tensorflow as tf


class Model:
    """`serving_default` of the SavedModel."""

    def __init__(self) -> None:
        self._signature = tf.saved_model.load(os.environ["MODEL"]).signatures["serving_default"]

    def probabilities(self, texts: list[str]) -> np.ndarray:
        """Of being positive: N texts -> float32 [N]."""
        return self._signature(text=tf.constant(texts))["probability"].numpy()
