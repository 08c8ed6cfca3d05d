"""A marker that keeps AutoGraph from converting Keras code.

AutoGraph does not convert TensorFlow's own code, but the separate package tf_keras, which does not need it
either: it converts a thousand functions before the first step, which takes longer than a fit.
"""

from collections.abc import Callable, Iterator
from typing import Any

import tensorflow as tf
import tf_keras

unconverted = tf.autograph.experimental.do_not_convert
"""Decorates a function: Keras layers that are called in it are not rewritten."""


class UnconvertedModel(tf_keras.Model):
    """A functional Keras model on one device whose steps are not rewritten when `fit` makes graphs of them.

    Keras offers `make_train_function` and `make_test_function` for that; its own have their functions
    converted, which takes half a second of the first epoch.
    """

    def make_train_function(self, force=False):
        if self.train_function is None or force:
            self.train_function = _graph_of(self.train_step)
        return self.train_function

    def make_test_function(self, force=False):
        if self.test_function is None or force:
            self.test_function = _graph_of(self.test_step)
        return self.test_function


def _graph_of(step: Callable[[Any], dict[str, tf.Tensor]]) -> Callable[[Iterator[Any]], dict[str, tf.Tensor]]:
    return tf.function(lambda batches: step(next(batches)), autograph=False, reduce_retracing=True)
