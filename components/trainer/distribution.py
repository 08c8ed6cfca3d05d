"""A fit whose steps are shared out over several replicas: devices of this machine, or other processes.

A batch is still `batch_size` reviews, the same ones in the same order; each replica has a part of them, and
the gradient is the mean over all. Which replica has how many makes no difference: a part weighs as much as it
has reviews.
"""

import dataclasses

import tensorflow as tf
import tf_keras

from components.trainer.classifier import model
from components.trainer.classifier.conversion import UnconvertedModel, unconverted
from components.trainer.settings import TrainerSettings


def strategy_of(settings: TrainerSettings) -> tf.distribute.Strategy | None:
    """The strategy that `settings` name. For several workers call it before TensorFlow does anything else."""
    if settings.strategy == "mirrored":
        return tf.distribute.MirroredStrategy()
    if settings.strategy == "multi_worker":
        return tf.distribute.MultiWorkerMirroredStrategy()
    return None


class SharedModel(UnconvertedModel):
    """A model whose step is on a part of the batch."""

    @unconverted
    def train_step(self, data):
        """Keras's but for the loss: its own is the mean of the replicas' means, however large their parts."""
        features, labels, _ = tf_keras.utils.unpack_x_y_sample_weight(data)
        replica = tf.distribute.get_replica_context()
        rows = tf.cast(tf.shape(labels)[0], tf.float32)
        share = rows / replica.all_reduce(tf.distribute.ReduceOp.SUM, rows)
        with tf.GradientTape() as tape:
            logits = self(features, training=True)
            # Keras has divided the loss by the number of replicas, whose gradients it adds up.
            loss = self.compiled_loss(labels, logits) * replica.num_replicas_in_sync * share
        self.optimizer.minimize(loss, self.trainable_variables, tape=tape)
        self.compiled_metrics.update_state(labels, logits)
        return {metric.name: metric.result() for metric in self.metrics}


@dataclasses.dataclass(frozen=True)
class Twin:
    """A classifier with each weight on every replica, which is trained in the place of a plain one.

    What is calibrated, exported and measured is the plain one: it knows nothing of replicas.
    """

    strategy: tf.distribute.Strategy
    classifier: model.Classifier
    feed: model.Feed

    def take_from(self, plain: model.Classifier) -> None:
        _copy(plain, self.classifier)

    def hand_to(self, plain: model.Classifier) -> None:
        _copy(self.classifier, plain)


def shared_out(batches: tf.data.Dataset) -> tf.data.Dataset:
    """The batches, of which each worker takes its part; left to itself TensorFlow might share out files."""
    options = tf.data.Options()
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.DATA
    return batches.with_options(options)


def _copy(source: model.Classifier, target: model.Classifier) -> None:
    for mine, its in zip(target.weights, source.weights, strict=True):
        mine.assign(its.numpy())
