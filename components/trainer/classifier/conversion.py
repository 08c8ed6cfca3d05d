"""A marker that keeps AutoGraph from converting Keras code.

AutoGraph knows that TensorFlow's own code needs no rewriting, but not that the separate package tf_keras
needs none either. Left alone, it rewrites a thousand of its functions before the first step, which takes
longer than a fit.
"""

import tensorflow as tf
import tf_keras

unconverted = tf.autograph.experimental.do_not_convert
"""Decorates a function: Keras layers that are called in it are not rewritten."""


class UnconvertedModel(tf_keras.Model):
    """A functional Keras model whose steps are not rewritten when `fit` makes graphs of them."""

    train_step = unconverted(tf_keras.Model.train_step)
    test_step = unconverted(tf_keras.Model.test_step)
