"""Synchronous data-parallel training with `tf.distribute`: several devices, or several processes.

A global batch has `batch_size` examples, the same in the same order as without distribution. Each replica
gets a part, weighted by its number of examples, so that the gradient is the mean over the global batch.
"""

import dataclasses

import tensorflow as tf
import tf_keras

from components.trainer.classifier import model
from components.trainer.classifier.conversion import unconverted
from components.trainer.settings import TrainerSettings


def strategy_of(settings: TrainerSettings) -> tf.distribute.Strategy | None:
    """The strategy of `trainer.strategy`. Several workers must call it before any TensorFlow operation."""
    if settings.strategy == "mirrored":
        return tf.distribute.MirroredStrategy()
    if settings.strategy == "multi_worker":
        return tf.distribute.MultiWorkerMirroredStrategy()
    return None


class SharedModel(tf_keras.Model):
    """A Keras model whose training step uses a replica's part of the global batch."""

    test_step = unconverted(tf_keras.Model.test_step)

    @unconverted
    def train_step(self, data):
        """Keras's step, with the loss weighted by the part's size instead of a mean over replicas."""
        features, labels, _ = tf_keras.utils.unpack_x_y_sample_weight(data)
        replica = tf.distribute.get_replica_context()
        rows = tf.cast(tf.shape(labels)[0], tf.float32)
        share = rows / replica.all_reduce(tf.distribute.ReduceOp.SUM, rows)
        with tf.GradientTape() as tape:
            logits = self(features, training=True)
            # Keras has divided the loss and the layers' penalties by the number of replicas, whose gradients
            # it adds up. The shares of all replicas add up to 1, so that each penalty counts once.
            loss = self.compute_loss(features, labels, logits) * replica.num_replicas_in_sync * share
        self.optimizer.minimize(loss, self.trainable_variables, tape=tape)
        return self.compute_metrics(features, labels, logits, None)


@dataclasses.dataclass(frozen=True)
class DistributedCopy:
    """A copy of a classifier with weights mirrored on every replica, which is trained instead.

    Calibration, export and evaluation use the plain classifier.
    """

    strategy: tf.distribute.Strategy
    classifier: model.Classifier
    feed: model.Feed

    def copy_from(self, plain: model.Classifier) -> None:
        _copy(plain, self.classifier)

    def copy_to(self, plain: model.Classifier) -> None:
        _copy(self.classifier, plain)


def sharded(batches: tf.data.Dataset) -> tf.data.Dataset:
    """The batches, sharded over workers by element; TensorFlow's default may shard files."""
    options = tf.data.Options()
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.DATA
    return batches.with_options(options)


def _copy(source: model.Classifier, target: model.Classifier) -> None:
    for mine, its in zip(target.weights, source.weights, strict=True):
        mine.assign(its.numpy())
