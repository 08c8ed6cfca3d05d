"""Loss and accuracy of a fit, for two classes and for more; labels are their numbers, float32 [N]."""

import tensorflow as tf
import tf_keras


class ClassCrossentropy(tf_keras.losses.CategoricalCrossentropy):
    """The cross-entropy of K classes for labels that are numbers from 0 to K - 1, with label smoothing."""

    def call(self, y_true, y_pred):
        """float32 [N] or [N, 1], and float32 [N, K] -> float32 [N]."""
        labels = tf.cast(tf.reshape(y_true, [-1]), tf.int32)
        return super().call(tf.one_hot(labels, tf.shape(y_pred)[1]), y_pred)


def loss_of(classes: int, *, from_logits: bool, label_smoothing: float) -> tf_keras.losses.Loss:
    """The cross-entropy of that number of classes."""
    kind = tf_keras.losses.BinaryCrossentropy if classes == 2 else ClassCrossentropy
    return kind(from_logits=from_logits, label_smoothing=label_smoothing)


def accuracy_of(classes: int, *, from_logits: bool) -> tf_keras.metrics.Metric:
    """The accuracy of that number of classes."""
    if classes == 2:
        return tf_keras.metrics.BinaryAccuracy(name="accuracy", threshold=0.0 if from_logits else 0.5)
    return tf_keras.metrics.SparseCategoricalAccuracy(name="accuracy")
