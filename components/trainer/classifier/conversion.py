"""A marker that keeps AutoGraph from converting Keras code.

AutoGraph does not convert TensorFlow's own code, but the separate package tf_keras, which does not need it
either: it converts a thousand functions before the first step, which takes longer than a fit.
"""

import tensorflow as tf
import tf_keras

unconverted = tf.autograph.experimental.do_not_convert
"""Decorates a function: Keras layers that are called in it are not rewritten."""


class UnconvertedModel(tf_keras.Model):
    """A functional Keras model whose steps are not rewritten when `fit` makes graphs of them."""

    train_step = unconverted(tf_keras.Model.train_step)
    test_step = unconverted(tf_keras.Model.test_step)
